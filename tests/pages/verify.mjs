// Anyone verifies: by facts, by file, by photograph, by the QR's address; keeps the receipt; compares the holder; checks offline.
import { Visit, asEveryReader, assert, photograph, story } from './browser.mjs';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const issued = story.certificates.find(certificate => certificate.state === 'issued');
const revoked = story.certificates.find(certificate => certificate.state === 'revoked');
const directory = mkdtempSync(join(tmpdir(), 'jilu-pages-'));

const token = async client => {
  const form = new URLSearchParams({ grant_type: 'client_credentials', ...client });
  return (await (await fetch(`${story.base_url}/oauth/token`, { method: 'POST', body: form })).json()).access_token;
};
const body = await token(story.clients.assessment_body);
const take = async (number, accept) => Buffer.from(await (await fetch(`${story.base_url}/v1/certificates/${number}`, { headers: { authorization: `Bearer ${body}`, accept } })).arrayBuffer());
const keep = (name, bytes) => { const path = join(directory, name); writeFileSync(path, bytes); return path; };
const credential = keep('certificate.jwt', await take(issued.certificate_number, 'application/vc+jwt'));
const proof = keep('certificate.tlog-proof', Buffer.from(await (await fetch(`${story.base_url}/v1/certificates/${issued.certificate_number}/proof`, { headers: { accept: 'text/plain' } })).arrayBuffer()));
const others = keep('foreign.tlog-proof', Buffer.from(await (await fetch(`${story.base_url}/v1/certificates/${revoked.certificate_number}/proof`, { headers: { accept: 'text/plain' } })).arrayBuffer()));
const certificate = keep('certificate.pdf', await take(issued.certificate_number, 'application/pdf'));
const forged = keep('forged.jwt', readFileSync(credential, 'utf8').replace(/\.[^.]+\./, payload => payload.slice(0, 40) + (payload[40] === 'A' ? 'B' : 'A') + payload.slice(41)));

const outcome = visit => visit.page.$eval('.outcome', element => element.dataset.outcome);
// What the browser found by itself, once it has found everything.
const selfChecks = async (visit, count) => {
  await visit.page.waitForFunction(count => document.querySelectorAll('#self-check li').length === count, { timeout: 10_000 }, count);
  return visit.page.$$eval('#self-check li', items => items.map(item => item.dataset.passed));
};
const upload = async (visit, path) => {
  await visit.open('/');
  await (await visit.page.$('#file')).uploadFile(path);
  return visit.send({}, '#drop button');
};

await asEveryReader(async visit => {
  assert.equal(await visit.open('/'), 200);
  await visit.look('verify');
  const whole = await visit.page.evaluate(() => performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation')).reduce((sum, entry) => sum + entry.transferSize, 0));
  assert.ok(whole < 50 * 1024, `the verify page takes ${whole} bytes`);

  // One fact alone is refused, and what was typed stays.
  assert.equal(await visit.send({ '#certificate_number': issued.certificate_number }, 'form[action="/"] button'), 422);
  assert.match(await visit.text(), /VE-1/);
  assert.equal(await visit.page.$eval('#certificate_number', field => field.value), issued.certificate_number);
  await visit.look('verify-refused');

  assert.equal(await visit.send({ '#name': issued.name }, 'form[action="/"] button'), 200);
  assert.equal(await outcome(visit), 'valid');
  assert.match(await visit.text('h1'), visit.say(/^有效$/, /^Valid$/));
  assert.ok(!(await visit.text()).includes(issued.name), 'the answer does not repeat a name');
  // Who the body is, and what it may issue, is one step away.
  const [leads] = await visit.page.$$eval('dd a[href^="/organisations/"]', links => links.map(link => link.getAttribute('href')));
  assert.deepEqual(await selfChecks(visit, 5), ['true', 'true', 'true', 'true', 'null'], 'nobody who comes for the first time knows the key of the log');
  await visit.click('details summary');
  await visit.look('answer-valid');

  assert.equal(await visit.open(leads), 200);
  assert.match(await visit.text(), /6-31-01-03/);
  await visit.look('organisation');

  // By keyboard alone: past the link that skips the menu, through both fields, to the answer and its checks.
  await visit.open('/');
  await visit.page.keyboard.press('Tab');
  assert.ok(await visit.page.evaluate(() => document.activeElement.matches('.skip')), 'the first stop skips the menu');
  await visit.tabTo('#certificate_number');
  await visit.page.keyboard.type(issued.certificate_number);
  await visit.tabTo('#name');
  await visit.page.keyboard.type(issued.name);
  await Promise.all([visit.page.waitForNavigation(), visit.page.keyboard.press('Enter')]);
  assert.equal(await outcome(visit), 'valid');
  const checks = () => visit.page.$eval('details li', item => item.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true }));
  assert.ok(!await checks(), 'every check is one step away');
  // On paper nothing can be opened, so all of it is there.
  await visit.page.emulateMediaType('print');
  await visit.until(() => document.querySelector('details li').checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true }));
  await visit.page.emulateMediaType(null);
  await visit.tabTo('details summary');
  await visit.page.keyboard.press('Enter');
  assert.ok(await checks(), 'the checks open by keyboard');

  // A wrong name and an unknown number read the same.
  const pages = [];
  for (const facts of [{ '#certificate_number': issued.certificate_number, '#name': '赵不对' }, { '#certificate_number': 'S000032000001269999999', '#name': issued.name }]) {
    await visit.open('/');
    await visit.send(facts, 'form[action="/"] button');
    assert.equal(await outcome(visit), 'not_found');
    pages.push((await visit.text()).replace(/\d{4}-\d\d-\d\d[T ][\d:.]+Z?/g, ''));
  }
  assert.equal(pages[0], pages[1]);
  await visit.look('answer-not-found');

  await visit.open('/');
  await visit.send({ '#certificate_number': revoked.certificate_number, '#document_number': revoked.document_number }, 'form[action="/"] button');
  assert.equal(await outcome(visit), 'revoked');
  await visit.look('answer-revoked');

  // What a QR code opens.
  assert.equal(await visit.open(`/v/${issued.token}`), 200);
  assert.equal(await outcome(visit), 'valid');
  assert.deepEqual(await selfChecks(visit, 5), Array(5).fill('true'));
  await visit.look('token');
  // A page that shows another fact than the answer that was signed, or one less, is caught by the browser.
  const level = visit.say('三级/高级工', 'senior worker (level 3)'), shown = await visit.text('dd[data-member=issuer_name]');
  for (const change of [page => page.replace(shown, 'X'), page => page.replace(/<dt>[^<]*<\/dt><dd data-member="issued_on">[^<]*<\/dd>/, ''), page => page.replace(/(data-member="level">)[^<]*/, `$1${level}`), page => page.replace(/(<h1 id="outcome">)[^<]*/, `$1${visit.say('已撤销', 'Revoked')}`)]) {
    await visit.page.setRequestInterception(true);
    const tamper = async request => {
      if (!request.isNavigationRequest()) return request.continue();
      const page = await (await fetch(request.url(), { headers: { accept: 'text/html', 'accept-language': visit.say('zh-CN', 'en') } })).text();
      assert.notEqual(change(page), page);
      request.respond({ status: 200, contentType: 'text/html; charset=utf-8', body: change(page) });
    };
    visit.page.on('request', tamper);
    await visit.page.goto(`${story.base_url}/v/${issued.token}`);
    assert.deepEqual(await selfChecks(visit, 5), ['true', 'false', 'true', 'true', 'true']);
    visit.page.off('request', tamper);
    await visit.page.setRequestInterception(false);
  }
  await visit.open(`/v/${issued.token}`);
  await visit.send({ '#name': issued.name }, 'form[action^="/v/"] button');
  assert.match(await visit.text('[role=status]'), visit.say(/^一致/, /^Yes/));
  await visit.look('token-compared');
  await visit.changeLanguage();
  assert.equal(await outcome(visit), 'valid');
  await visit.send({ '#name': '赵不对' }, 'form[action^="/v/"] button');
  assert.match(await visit.text('[role=status]'), visit.say(/^不一致/, /^No/));
  await visit.open('/v/AAAAAAAAAAAAAAAAAAAAAA');
  assert.equal(await outcome(visit), 'not_found');

  // Files: as they were signed, with one character changed, as a picture with the code in it.
  await upload(visit, credential);
  assert.equal(await outcome(visit), 'valid');
  await visit.look('file-valid');
  await upload(visit, forged);
  assert.equal(await outcome(visit), 'not_found');
  const warned = async () => assert.match(await visit.text('h1'), visit.say(/^请勿采信/, /^Do not trust/), 'a forged file is no slip of the pen');
  await warned();
  await visit.look('file-forged');
  await upload(visit, keep('notes.txt', Buffer.from('no certificate')));
  assert.match(await visit.text('h1'), visit.say(/^文件中没有/, /^No certificate/));
  await visit.look('file-without');
  await upload(visit, certificate);
  assert.equal(await outcome(visit), 'valid');
  for (const part of [0.25, 0.5, 0.75]) {
    const edited = readFileSync(certificate);
    edited[Math.floor(edited.length * part)] ^= 1;
    await upload(visit, keep('edited.pdf', edited));
    assert.equal(await outcome(visit), 'not_found', 'a PDF that was edited');
    await warned();
  }
  await visit.look('file-edited');
  await visit.changeLanguage();
  const picture = join(directory, `${visit.reader.name}.jpg`);
  await visit.open(`/v/${issued.token}`);
  const canvas = await visit.browser.newPage();
  const svg = (await (await fetch(`${story.base_url}/v1/certificates/${issued.certificate_number}`, { headers: { authorization: `Bearer ${body}`, accept: 'image/svg+xml' } })).text()).replace(/<!\[CDATA\[[\s\S]*?\]\]>/, '');
  await canvas.setContent(`<body style="margin:60px;background:#cbb;transform:rotate(4deg)">${svg}</body>`);
  await canvas.screenshot({ path: picture, type: 'jpeg', quality: 70 });
  await canvas.close();
  await upload(visit, picture);
  assert.equal(await outcome(visit), 'valid', 'the code in a photograph opens the certificate');
  const blank = keep('blank.jpg', readFileSync(picture).subarray(0, 300));
  assert.equal(await upload(visit, blank), 422);
  await visit.look('photo-refused');

  // The receipt, and the offline verifier that knows it again with no server.
  await visit.open(`/v/${issued.token}`);
  const receipt = await visit.download(() => visit.click('button[value=jws]'));
  const paper = await visit.download(() => visit.click('button[value=pdf]'));
  assert.equal(readFileSync(paper).subarray(0, 5).toString(), '%PDF-');
  assert.ok(readFileSync(paper, 'latin1').includes(readFileSync(receipt, 'latin1')), 'the paper carries the receipt');
  // The registry knows its own receipts again, as text and as paper, and a changed one for what it is.
  for (const file of [receipt, paper]) {
    await upload(visit, file);
    assert.equal(await outcome(visit), 'valid');
    assert.match(await visit.text('h1'), visit.say(/^回执：有效$/, /^Receipt: valid$/), 'nobody takes it for an answer of today');
    assert.ok(await visit.page.$('.outcome.none'));
  }
  await visit.look('file-receipt');
  await upload(visit, keep('forged.jws', Buffer.from(readFileSync(receipt, 'utf8').replace(/.$/, last => (last === 'A' ? 'Q' : 'A')))));
  await warned();
  await visit.open('/offline');
  await visit.look('offline');
  const verifier = await visit.download(() => visit.click('a[download]'));
  const page = await visit.browser.newPage();
  await page.setViewport({ width: visit.reader.width, height: 900 });
  await page.goto(`file://${verifier}`);
  await page.setOfflineMode(true);
  const offline = new Visit(page, visit.reader, visit.browser, visit.downloads);
  // What stands above each answer, and how its checks ended.
  const results = async (...files) => {
    await page.$eval('#results', results => { delete results.dataset.done; });
    await (await page.$('#files')).uploadFile(...files);
    await page.waitForFunction(() => document.getElementById('results').dataset.done);
    return page.$$eval('#results article', articles => articles.map(article => `${article.querySelector('.outcome').dataset.outcome} ${[...article.querySelectorAll('.checks li')].map(item => item.dataset.passed).join(' ')}`));
  };
  const [asked] = await results(receipt);
  assert.match(asked, /^valid true( true)+$/);
  assert.ok(await page.$('.outcome.none'), 'nobody takes it for an answer of today');
  assert.equal((await results(paper))[0], asked);
  await offline.look('offline-receipt');
  // Signature, seal of the file, log, validity; whether it is in force has to be asked.
  assert.deepEqual(await results(certificate), ['unasked true true true true null'], 'a certificate’s PDF carries credential, seal and proof');
  await offline.look('offline-certificate');
  assert.deepEqual(await results(credential, proof), ['unasked true true true null']);
  assert.deepEqual(await results(credential), ['unasked true null true null']);
  assert.deepEqual(await results(forged, proof), ['forged false', 'no_document ']);
  for (const part of [0.25, 0.5, 0.75]) {
    const edited = readFileSync(certificate);
    edited[Math.floor(edited.length * part)] ^= 1;
    assert.match((await results(keep('edited-offline.pdf', edited)))[0], /^forged /, 'a PDF that was edited');
  }
  await offline.look('offline-forged');
  // A proof that was changed, and one of another certificate, which is not passed over; a damaged one beside the right one harms nothing.
  const changed = keep('other.tlog-proof', Buffer.from(readFileSync(proof, 'utf8').replace(/\nindex (\d+)\n/, (_, index) => `\nindex ${Number(index) + 1}\n`)));
  assert.deepEqual(await results(credential, changed), ['forged true false true null']);
  assert.deepEqual(await results(credential, changed, proof), ['unasked true true true null']);
  assert.deepEqual(await results(credential, proof, changed), ['unasked true true true null']);
  assert.deepEqual(await results(certificate, proof), ['unasked true true true true null'], 'the same proof twice');
  assert.deepEqual(await results(credential, others), ['unasked true null true null', 'no_document ']);
  assert.deepEqual(await results(others), ['no_document ']);
  const broken = Buffer.concat([Buffer.alloc(32), Buffer.from('jilu-entry/v1\n')]).toString('base64');
  const malformed = keep('malformed.tlog-proof', Buffer.from(readFileSync(proof, 'utf8').replace(/\nextra \S+\n/, `\nextra ${broken}\n`)));
  assert.deepEqual(await results(credential, malformed), ['unasked true null true null', 'no_document ']);
  // Papers: sealed with a key that nobody has seen, or by nobody, with something before their beginning, a genuine receipt put in.
  const pdf = readFileSync(certificate, 'latin1'), jws = /eyJ[\w-]+\.[\w-]+\.[\w-]{86}/g, seal = pdf.match(jws).find(text => Buffer.from(text.split('.')[0], 'base64url').includes('jilu-seal'));
  const encoded = value => Buffer.from(JSON.stringify(value)).toString('base64url');
  const [head, ...rest] = readFileSync(credential, 'utf8').split('.');
  const header = JSON.parse(Buffer.from(head, 'base64url'));
  const madeUp = [encoded({ alg: 'EdDSA', typ: 'jilu-seal+jws', kid: `${header.kid.split('#')[0]}#made-up` }), encoded({ sha256: '0' }), 'A'.repeat(86)].join('.');
  const paperOf = (name, text) => keep(name, Buffer.from(text, 'latin1'));
  assert.deepEqual(await results(paperOf('unsealed.pdf', pdf.replace(seal, ''))), ['forged true false true true null']);
  assert.deepEqual(await results(paperOf('sealed.pdf', pdf.replace(seal, madeUp))), ['unknown_key true null true true null'], 'not as if it were whole');
  assert.match((await results(paperOf('shifted.pdf', `\n${pdf}`)))[0], /^forged /);
  // The seal itself is not signed over, so it has its place: moved, it would leave a paper that is drawn in another way.
  assert.match((await results(paperOf('moved.pdf', pdf.replace(seal, '').replace('%%EOF', `${seal}%%EOF`))))[0], /^forged true false/);
  for (const kid of ['did:key:z6Mkf#z6Mkf', `${header.kid.split(':organisations:')[0]}:organisations:org_other#k`]) {
    const theirs = [encoded({ alg: 'EdDSA', typ: 'jilu-seal+jws', kid }), encoded({ sha256: '0' }), 'A'.repeat(86)].join('.');
    assert.match((await results(paperOf('theirs.pdf', pdf.replace(seal, theirs))))[0], /^forged true false/, kid);
  }
  assert.match((await results(paperOf('both.pdf', `${pdf}\n${readFileSync(receipt, 'latin1')}\n`))).join(), /^forged [^,]*$/);
  assert.deepEqual(await results(keep('page.html', Buffer.from(`<h1>张三</h1><!-- ${readFileSync(credential, 'utf8')} -->`))), ['no_document '], 'what surrounds it was signed by nobody');
  // Keys that are not pinned: of this registry, of somebody else; and a text that is none.
  const named = kid => keep('named.jwt', Buffer.from([encoded({ ...header, kid }), ...rest].join('.')));
  assert.deepEqual(await results(named('did:key:z6Mkf#z6Mkf')), ['forged false'], 'it names a body of this registry');
  const elsewhere = { type: ['VerifiableCredential', 'OpenBadgeCredential'], issuer: { id: 'did:key:z6Mkf' } };
  assert.deepEqual(await results(keep('foreign.jwt', Buffer.from([encoded({ alg: 'EdDSA', typ: 'vc+jwt', kid: 'did:key:z6Mkf#z6Mkf' }), encoded(elsewhere), 'A'.repeat(86)].join('.')))), ['foreign null']);
  // Text that looks like the beginning of many is read in no time.
  const begun = Date.now();
  assert.deepEqual(await results(keep('eyes.txt', Buffer.from('eyJ'.repeat(1 << 20)))), ['no_document ']);
  assert.ok(Date.now() - begun < 20_000, 'it took too long');
  await offline.look('offline-foreign');
  assert.deepEqual(await results(keep('null.jwt', Buffer.from([head, 'bnVsbA', 'A'.repeat(86)].join('.')))), ['forged false']);
  // A receipt tells what the registry told, also of a file that it refused.
  await upload(visit, forged);
  const refused = await visit.download(() => visit.click('button[value=jws]'));
  assert.match((await results(refused))[0], /^forged true/);
  assert.deepEqual(await results(named(header.kid.replace(/.$/, last => (last === 'A' ? 'B' : 'A')))), ['unknown_key null']);
  assert.deepEqual(await results(named(header.kid.replace(/.$/, last => (last === 'A' ? 'B' : 'A'))), others), ['unknown_key null', 'no_document ']);
  await offline.look('offline-unknown');
  assert.deepEqual(await results(keep('notes.txt', Buffer.from('no certificate'))), ['no_document ']);
  await offline.look('offline-without');
  assert.equal((await results(receipt, certificate)).length, 2);
  // A tool that knows a key as stolen believes what the log had before, and nothing else.
  for (const [stolenAt, expected] of [['2000-01-01T00:00:00.000000Z', 'stolen_key false true true null'], ['2999-01-01T00:00:00.000000Z', 'unasked true true true null']]) {
    const html = readFileSync(verifier, 'utf8').replace(/(id="pinned">)(.*?)(<\/script>)/s, (_, before, json, behind) => {
      const pinned = JSON.parse(json);
      pinned.keys.find(key => key.kid === header.kid).revoked_at = stolenAt;
      return before + JSON.stringify(pinned) + behind;
    });
    await page.goto(`file://${keep('stolen.html', html)}`);
    assert.deepEqual(await results(credential, proof), [expected]);
    assert.match((await results(credential))[0], /^stolen_key false null/, 'nothing shows when it was signed');
  }
  await offline.look('offline-stolen');
  await page.close();

  // Pages that are not there are pages too.
  assert.equal(await visit.open('/nothing/here'), 404);
  await visit.look('not-there');
});

// The camera, held before a certificate, opens it; held before another site's code, it says so and opens nothing. Debian's Chromium reads
// no codes itself, so the registry does, while it can be reached.
const seen = { own: `data:image/png;base64,${(await take(issued.certificate_number, 'image/png')).toString('base64')}`, foreign: process.env.FOREIGN_CODE };
for (const [whose, code] of Object.entries(seen)) {
  const picture = join(directory, `${whose}.mjpeg`);
  await photograph(`<body style="margin:40px 130px;background:#cbb;transform:rotate(3deg)"><img width="360" src="${code}">`, picture);
  await asEveryReader(async visit => {
    await visit.open('/');
    assert.match(await visit.text('#camera-hint'), visit.say(/不予保存/, /forgets them/));
    await visit.click('#scan');
    await visit.until(() => !document.getElementById('scan').checkVisibility());
    if (whose === 'own') {
      await visit.until(() => document.querySelector('.outcome')?.dataset.outcome === 'valid');
      assert.ok(visit.page.url().endsWith(`/v/${issued.token}`));
    } else {
      await visit.until(() => document.getElementById('scan-state').textContent.includes('imitation.example'));
      await visit.look('camera-foreign');
      assert.equal(new URL(visit.page.url()).pathname, '/');
      // Without a connection it is not the camera that fails, and it can be opened again.
      // The page anew: a camera waits for a minute, and that may be over.
      await visit.open('/');
      await visit.click('#scan');
      await visit.until(() => document.getElementById('scan-state').textContent.includes('imitation.example'));
      await visit.page.setOfflineMode(true);
      await visit.until(() => /无法识别|cannot be read/.test(document.getElementById('scan-state').textContent));
      await visit.page.setOfflineMode(false);
      await visit.click('#scan');
      await visit.until(() => document.getElementById('scan-state').textContent.includes('imitation.example'));
    }
  }, picture);
}

// Without JavaScript everything is there but the browser's own check.
const plain = await (await fetch(`${story.base_url}/`, { method: 'POST', body: new URLSearchParams({ certificate_number: issued.certificate_number, name: issued.name }) })).text();
assert.match(plain, /data-outcome="valid"/);
const headers = (await fetch(`${story.base_url}/`)).headers;
assert.match(headers.get('content-security-policy'), /default-src 'none'/);
assert.ok(!/unsafe/.test(headers.get('content-security-policy')));
// Another site's page cannot send our forms.
const foreign = await fetch(`${story.base_url}/`, { method: 'POST', headers: { 'sec-fetch-site': 'cross-site' }, body: new URLSearchParams({ name: issued.name, certificate_number: issued.certificate_number }) });
assert.equal(foreign.status, 403);
