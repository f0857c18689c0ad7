// A worker signs in with the code, reads, takes files away, shares, contests, and signs out.
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Visit, asEveryReader, assert, story } from './browser.mjs';

const directory = mkdtempSync(join(tmpdir(), 'jilu-worker-'));

const holders = story.certificates.filter(certificate => certificate.state === 'issued').map(certificate => certificate.name);
const people = story.workers.filter(worker => worker.access_code && holders.includes(worker.name));
let next = 0, explained = 0;

/// A platform that collects badges, on this machine: it registers, and knows with which query workers came back.
const asked = [];
const platform = createServer((request, response) => { if (request.url.startsWith('/back')) asked.push(new URL(request.url, 'http://127.0.0.1')); response.end('<!doctype html><html lang=zh><title>back</title>'); });
await new Promise(ready => platform.listen(0, '127.0.0.1', ready));
platform.unref();
const home = `http://127.0.0.1:${platform.address().port}`;
const scopes = ['credential.readonly', 'profile.readonly'].map(name => `https://purl.imsglobal.org/spec/ob/v3p0/scope/${name}`);
const description = await (await fetch(`${story.base_url}/ims/ob/v3p0/discovery`)).json();
const scheme = description.components.securitySchemes.OAuth2ACG;
const here = address => story.base_url + new URL(address).pathname;
const registration = { client_name: '徽章收藏夹', redirect_uris: [`${home}/back`], scope: [...scopes, 'offline_access'].join(' ') };
const client = await (await fetch(here(scheme['x-imssf-registrationUrl']), { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(registration) })).json();

/// The address to which the platform sends a worker, and what it keeps to itself.
function asking() {
  const verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({ response_type: 'code', client_id: client.client_id, redirect_uri: `${home}/back`, scope: client.scope, state: 'x', code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256' });
  return [`${here(scheme.flows.authorizationCode.authorizationUrl)}?${query}`, verifier];
}

async function collected(code, verifier) {
  const form = new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri: `${home}/back`, code_verifier: verifier });
  const basic = Buffer.from(`${client.client_id}:${client.client_secret}`).toString('base64');
  const tokens = await (await fetch(here(scheme.flows.authorizationCode.tokenUrl), { method: 'POST', headers: { authorization: `Basic ${basic}` }, body: form })).json();
  return fetch(`${story.base_url}/ims/ob/v3p0/credentials`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
}

await asEveryReader(async visit => {
  const worker = people[next++];
  assert.equal(await visit.open('/own'), 200);
  assert.ok(visit.page.url().endsWith('/own/sign-in'), 'who has not signed in is asked to');
  await visit.look('sign-in');
  assert.equal(await visit.send({ '#access_code': 'AAAAA-AAAAA', '#document_number_end': worker.document_number.slice(-6) }, 'main button'), 401);
  await visit.look('sign-in-refused');
  await visit.send({ '#access_code': worker.access_code, '#document_number_end': worker.document_number.slice(-6) }, 'main button');
  assert.ok(visit.page.url().endsWith('/own'));
  assert.equal(await visit.text('h1'), worker.name);
  assert.equal(await visit.page.evaluate(() => document.cookie), '', 'no script reads the session');
  await visit.look('own');

  for (const part of ['record', 'credits', 'looks', 'downloads', 'shares', 'disputes']) {
    assert.equal(await visit.open(`/own/${part}`), 200);
    await visit.look(`own-${part}`);
  }

  // A certificate: its code, its files, a wallet.
  await visit.open('/own');
  await Promise.all([visit.page.waitForNavigation(), visit.click('.held a')]);
  await visit.look('own-certificate');
  const files = await visit.page.$$eval('main ul a', links => links.map(link => link.href).filter(href => href.includes('/own/certificates/')));
  assert.ok(files.length >= 6);
  for (const file of files) {
    const [status, length] = await visit.page.evaluate(async file => { const reply = await fetch(file); return [reply.status, (await reply.arrayBuffer()).byteLength]; }, file);
    assert.equal(status, 200, file);
    assert.ok(length > 500, file);
  }
  await visit.send({}, 'form[action$="/wallet"] button');
  assert.match(await visit.text('.digits'), /^\d{6}$/);
  // The code on the screen is what a wallet's camera reads: the very offer that the link beside it names.
  const offered = await visit.page.$eval('a[href^="openid-credential-offer:"]', link => link.getAttribute('href'));
  const seen = join(directory, `offer-${visit.reader.name}.png`);
  await (await visit.page.$('.qr')).screenshot({ path: seen });
  assert.equal(execFileSync('zbarimg', ['-q', '--raw', seen], { encoding: 'utf8' }).trim(), offered);
  const offer = await (await fetch(here(new URL(offered).searchParams.get('credential_offer_uri')))).json();
  assert.ok(offer.grants['urn:ietf:params:oauth:grant-type:pre-authorized_code'].tx_code);
  await visit.look('own-wallet');
  await visit.changeLanguage();
  assert.match(visit.page.url(), /\/own\/certificates\/crt_/);

  // The whole record in one signed file, and what somebody is told who is shown it.
  await visit.open('/own/downloads');
  await visit.click('input[value=clr]');
  const record = await visit.download(() => visit.click('form[action="/own/downloads"] button'));
  await visit.open('/');
  await (await visit.page.$('#file')).uploadFile(record);
  assert.equal(await visit.send({}, '#drop button'), 200);
  assert.equal(await visit.page.$eval('.outcome', element => element.dataset.outcome), 'valid');
  assert.match(await visit.text('.outcome'), visit.say(/该档案由本登记系统出具/, /handed out the record/));
  await visit.look('record-verified');

  // The other files, as the button hands them over; chosen and sent by keys alone.
  for (const [form, begins] of [['pdf', '%PDF-'], ['xlsx', 'PK'], ['csv', '\u00ef\u00bb\u00bf'], ['json', '{']]) {
    await visit.open('/own/downloads');
    const chosen = await visit.page.$eval('input[name=form]:checked', input => input.value);
    await visit.tabTo('input[name=form]');
    for (let steps = 0; form !== chosen && await visit.page.$eval('input[name=form]:checked', input => input.value) !== form; steps++) {
      assert.ok(steps < 6, `the arrow keys do not lead to ${form}`);
      await visit.page.keyboard.press('ArrowDown');
    }
    await visit.tabTo('form[action="/own/downloads"] button');
    const file = await visit.download(() => visit.page.keyboard.press('Enter'));
    assert.equal(readFileSync(file, 'latin1').slice(0, begins.length), begins, form);
    assert.ok(statSync(file).size > 500, form);
  }

  // A link: made once, however often the form is sent; opened by others; withdrawn.
  await visit.open('/own/shares');
  for (const part of ['credits', 'record']) await visit.click(`input[name=parts][value=${part}]`);
  assert.equal(await visit.send({ '#purpose': '应聘电工' }, 'form[action="/own/shares"] button'), 200);
  const link = await visit.page.$eval('td a.code', element => element.href);
  await visit.look('own-shares-one');
  const opened = await visit.browser.createBrowserContext();
  const page = await opened.newPage();
  await page.setViewport({ width: visit.reader.width, height: 900 });
  await page.setExtraHTTPHeaders({ 'accept-language': visit.reader.language });
  const stranger = new Visit(page, visit.reader, visit.browser, visit.downloads);
  assert.equal(await stranger.open(link), 200);
  assert.ok((await stranger.text()).includes(worker.name));
  await stranger.look('shared');
  await Promise.all([page.waitForNavigation(), stranger.click('a[href$="/record"]')]);
  await stranger.look('shared-record');
  assert.equal(await stranger.open(`${link}?lang=${visit.say('en', 'zh')}`), 200);
  await opened.close();
  const before = (await visit.page.$$('td a.code')).length;
  await visit.send({}, 'form[action$="/withdrawal"] button');
  assert.equal((await visit.page.$$('td a.code')).length, before - 1);
  assert.equal((await fetch(link, { headers: { accept: 'text/html' } })).status, 404, 'a withdrawn link shows nothing');

  // A platform asks; the worker sees who, and for what, and says no, then yes; it collects until the worker withdraws.
  visit.elsewhere.push(home);
  const [address, verifier] = asking();
  await visit.open(address);
  assert.match(await visit.text(), /徽章收藏夹[^]*127\.0\.0\.1/);
  await visit.look('consent');
  await visit.changeLanguage();
  await visit.open(address);
  await visit.send({}, 'button[value=deny]');
  assert.equal(asked.at(-1).searchParams.get('error'), 'access_denied');
  await visit.open(address);
  await visit.send({}, 'button[value=allow]');
  const badges = await collected(asked.at(-1).searchParams.get('code'), verifier);
  assert.equal(badges.status, 200);
  assert.ok((await badges.json()).credential.length >= 1);
  await visit.open('/own/shares');
  assert.match(await visit.text(), /徽章收藏夹/);
  await visit.look('own-shares-platform');
  await visit.send({}, 'form[action$="/withdrawal"] button');

  // An entry is contested from the record.
  await visit.open('/own/record');
  await Promise.all([visit.page.waitForNavigation(), visit.click('a[href*="subject_kind=certificate"]')]);
  assert.equal(await visit.send({ '#statement': '发证日期有误' }, 'form[action="/own/disputes"] button'), 200);
  assert.match(await visit.text(), /发证日期有误/);
  await visit.look('own-disputes-one');

  // The history as a file, with a session's secret and not without.
  const download = async csrf => visit.page.evaluate(async csrf => {
    const form = new URLSearchParams({ csrf: csrf ? document.querySelector('input[name=csrf]').value : 'x', once: 'ab', form: 'xlsx' });
    const reply = await fetch('/own/downloads', { method: 'POST', body: form });
    return [reply.status, (await reply.arrayBuffer()).byteLength];
  }, csrf);
  await visit.open('/own/downloads');
  assert.equal((await download(false))[0], 403);
  // Such a refusal is a page too, with the number of the request for those who look into it.
  await visit.page.$eval('main input[name=csrf]', field => { field.value = 'x'; });
  assert.equal(await visit.send({}, 'main form button'), 403);
  assert.match(await visit.text('.code'), /^[0-9a-f]+-[0-9a-f]+$/);
  await visit.look('own-foreign-form');
  await visit.changeLanguage();
  await visit.open('/own/downloads');
  const [status, length] = await download(true);
  assert.equal(status, 200);
  assert.ok(length > 5_000);

  // A credit entry says how it came about; not everybody has one.
  await visit.open('/own/credits');
  if (await visit.page.$('table a')) {
    await Promise.all([visit.page.waitForNavigation(), visit.click('table a')]);
    assert.match(visit.page.url(), /\/own\/credits\/crd_/);
    assert.doesNotMatch(await visit.text(), /floor|null|undefined/, 'arithmetic as people write it');
    await visit.look('own-credit');
    explained += 1;
  }

  // Signed out everywhere: the very cookie that opened these pages opens nothing any more.
  await visit.open('/own');
  const [cookie] = (await visit.page.cookies()).filter(cookie => cookie.httpOnly);
  assert.equal(cookie.sameSite, 'Lax');
  await visit.send({}, '#everywhere button');
  assert.ok(visit.page.url().endsWith('/own/sign-in'));
  await visit.page.setCookie(cookie);
  await visit.open('/own');
  assert.ok(visit.page.url().endsWith('/own/sign-in'));
});
assert.ok(explained > 0, 'nobody had a credit entry to look at');
