// A clerk of an assessment body: signs in, registers a session, adds candidates and scores from tables with their faults shown, publishes,
// issues with progress, takes the paper. An employer verifies a list. Both sign out, one of them everywhere.
import { asEveryReader, assert, story } from './browser.mjs';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const directory = mkdtempSync(join(tmpdir(), 'jilu-console-'));
const keep = (name, text) => { const path = join(directory, name); writeFileSync(path, text); return path; };
const issued = story.certificates.filter(certificate => certificate.state === 'issued');
const revoked = story.certificates.find(certificate => certificate.state === 'revoked');
const today = new Date(Date.now() + 8 * 3600_000).toISOString().slice(0, 10);
let round = 0;

await asEveryReader(async visit => {
  round += 1;
  await visit.open('/console');
  assert.ok(visit.page.url().endsWith('/console/sign-in'));
  await visit.look('console-sign-in');
  assert.equal(await visit.send({ '#client_id': story.clients.assessment_body.client_id, '#client_secret': 'wrong' }, 'main form button'), 401);
  await visit.signIn(story.clients.assessment_body);
  await visit.look('console');

  // A session whose panel is too small is refused with the rule; what was typed stays.
  await visit.open('/console/sessions');
  await visit.look('console-sessions');
  const session = { '#occupation_code': '6-31-01-03', '#card_1': `P${round}1` };
  await visit.page.select('#level', 'level4');
  await visit.page.$eval('#held_on', (field, day) => { field.value = day; }, today);
  assert.equal(await visit.send(session, 'form[action="/console/sessions"] button'), 422, await visit.text());
  assert.equal(await visit.page.$eval('#card_1', field => field.value), `P${round}1`);
  await visit.look('console-session-refused');
  assert.equal(await visit.send({ '#card_2': `P${round}2`, '#card_3': `P${round}3` }, 'form[action="/console/sessions"] button'), 200, await visit.text());
  assert.match(visit.page.url(), /\/console\/sessions\/ses_/);

  // Tables: every fault with its row, nothing recorded; then all of it.
  const people = story.workers.slice(0, 3);
  const wrong = keep('wrong.csv', `证件号码,考生类别\n${people[0].document_number},退休\n,本单位职工\n`);
  assert.equal(await visit.upload('candidates', wrong), 400);
  const faults = await visit.text('[role=alert]');
  assert.match(faults, visit.say(/第 2 行，考生类别[^]*第 3 行/, /row 2, employment[^]*row 3/));
  await visit.look('console-candidates-refused');
  // The same table with its faults marked, to be corrected and sent again: as it is, it has the same faults.
  const marked = await visit.download(() => visit.click('a[download]'));
  assert.equal(await visit.upload('candidates', marked), 400);
  assert.equal(await visit.text('[role=alert]'), faults);
  const session_page = visit.page.url().replace(/\/candidates$/, '');
  await visit.changeLanguage();
  assert.ok(visit.page.url().startsWith(session_page));
  const right = keep('candidates.csv', `证件号码,考生类别\n${people.map(worker => `${worker.document_number},社会人员`).join('\n')}\n`);
  assert.equal(await visit.upload('candidates', right, 'button[name=dry_run]'), 200);
  assert.match(await visit.text('[role=status]'), /3/);
  assert.equal((await visit.page.$$('tbody tr')).length, 0, 'a dry run adds nobody');
  await visit.look('console-candidates-checked');
  await visit.upload('candidates', right);
  assert.equal((await visit.page.$$('tbody tr')).length, 3, await visit.text());
  await visit.upload('results', keep('results.csv', `证件号码,理论知识,操作技能\n${people.map((worker, index) => `${worker.document_number},${55 + index * 15},80`).join('\n')}\n`));
  assert.match(await visit.text('table'), /70/);
  await visit.send({}, 'form[action$="/publication"] button');
  await visit.look('console-session');
  // The public notice is not over: the dry run says so of everyone.
  await visit.send({}, 'form[action$="/certificates"] button[name=dry_run]');
  assert.match(visit.page.url(), /\/console\/jobs\/job_/);
  await visit.until(() => document.getElementById('job').dataset.state === 'finished');
  assert.match(await visit.text(), /IS-4/);
  await visit.page.reload();
  assert.match(await visit.text(), /IS-4/, 'the page survives a reload');
  await visit.look('console-job');

  await visit.open('/console/certificates');
  await visit.look('console-certificates');
  assert.equal(await visit.send({ '#number': 'S000032000001269999999' }, 'form[action$="/search"] button'), 404);
  await visit.look('console-certificate-unknown');
  for (const number of [issued[2].certificate_number, issued[2].document_number]) {
    await visit.open('/console/certificates');
    assert.equal(await visit.send({ '#number': number }, 'form[action$="/search"] button'), 200);
    assert.match(await visit.text(), new RegExp(issued[2].certificate_number));
    assert.match(visit.page.url(), /certificates\/crt_/);
  }
  // From a day on: today's are there, and before them there were none.
  const numbers = () => visit.page.$$eval('tbody a', links => links.map(link => link.textContent));
  await visit.open('/console/certificates');
  const newest = await numbers();
  await visit.open(`/console/certificates?until=${new Date(Date.now() + 8 * 3600e3).toISOString().slice(0, 10)}`);
  assert.deepEqual(await numbers(), newest);
  await visit.open('/console/certificates?until=2019-12-31');
  assert.deepEqual(await numbers(), []);
  assert.equal(await visit.open('/console/certificates?until=tomorrow'), 400);
  // The newest stands first.
  await visit.open('/console/sessions');
  assert.ok(session_page.endsWith(await visit.page.$eval('tbody a', link => link.getAttribute('href'))));
  await visit.open('/console/certificates');
  // One that is in force: those of one batch stand in any order.
  const choose = number => visit.page.$$eval('tbody a', (links, number) => links.find(link => link.textContent === number).click(), number);
  await Promise.all([visit.page.waitForNavigation(), choose(issued[2].certificate_number)]);
  await visit.look('console-certificate');
  const paper = readFileSync(await visit.download(() => visit.click('a[href$="certificate.pdf"]')));
  assert.equal(paper.subarray(0, 5).toString(), '%PDF-');
  // With a photograph: what is none is told at its place, and one is printed. An upright piece of a page serves as a face.
  const photograph = { form: 'form[action$="/papers"]', file: keep('photograph.png', await visit.page.screenshot({ clip: { x: 0, y: 0, width: 300, height: 420 } })) };
  assert.equal(await visit.upload('papers', keep('no-photograph.png', 'a text')), 400);
  assert.match(await visit.text('[role=alert]'), visit.say(/照片：应为[^]*JPEG/, /Photograph: a JPEG/));
  await visit.look('console-photograph-refused');
  await (await visit.page.$(`${photograph.form} input[type=file]`)).uploadFile(photograph.file);
  const printed = readFileSync(await visit.download(() => visit.click(`${photograph.form} button`)));
  assert.ok(printed.includes('/Subtype/Image') && !paper.includes('/Subtype/Image'));
  // A change of status is proposed, not made; whoever proposed it has no button.
  await visit.page.select('#change', 'suspend');
  assert.equal(await visit.send({ '#reason': `核查 ${round}` }, 'form[action$="/proposals"] button'), 200);
  assert.ok(visit.page.url().endsWith('/console/proposals'));
  assert.equal(await visit.page.$('form[action$="/decision"]'), null);
  await visit.look('console-proposals');
  // What belongs to others is not there.
  assert.equal(await visit.open('/bulk'), 403);

  // Signed out everywhere: another browser's session ends too.
  const other = await visit.browser.createBrowserContext();
  const elsewhere = await other.newPage();
  await elsewhere.goto(`${story.base_url}/console/sign-in`);
  await elsewhere.type('#client_id', story.clients.assessment_body.client_id);
  await elsewhere.type('#client_secret', story.clients.assessment_body.client_secret);
  await Promise.all([elsewhere.waitForNavigation(), elsewhere.$eval('main form button', button => button.click())]);
  await visit.open('/console');
  await visit.send({}, 'main form[action="/console/sign-out"] button');
  assert.ok(visit.page.url().endsWith('/console/sign-in'));
  await elsewhere.goto(`${story.base_url}/console`);
  assert.ok(elsewhere.url().endsWith('/console/sign-in'), 'the other session has ended');
  await other.close();

  // Another person decides.
  await visit.signIn(story.clients.registrar);
  await visit.open('/console/proposals');
  await visit.look('console-proposals-decide');
  await visit.send({}, 'form[action$="/decision"] button[value=reject]');
  assert.equal(await visit.page.$('form[action$="/decision"]'), null, 'a decision is taken once');
  await visit.send({}, 'header form button');

  // An employer's list.
  await visit.signIn(story.clients.employer);
  await visit.open('/bulk');
  await visit.look('bulk');
  const list = keep('list.csv', `证书编号,姓名,证件号码\n${issued[0].certificate_number},${issued[0].name},\n${revoked.certificate_number},${revoked.name},\nS000032000001269999999,张三,\n${issued[1].certificate_number},,\n`);
  // What the bar showed on its way, and where it stood at the end.
  await visit.page.evaluate(() => {
    globalThis.shown = [];
    new MutationObserver(() => { const bar = document.querySelector('#progress progress'); if (bar) globalThis.shown.push(`${bar.value} of ${bar.max}`); }).observe(document.body, { subtree: true, childList: true, attributes: true });
  });
  await (await visit.page.$('#file')).uploadFile(keep('long.csv', `证书编号,姓名\n${`${issued[0].certificate_number},${issued[0].name}\n`.repeat(250)}`));
  await visit.click('button[value=page]');
  await visit.until(() => document.querySelectorAll('tbody .tag').length === 250);
  const shown = await visit.page.evaluate(() => globalThis.shown);
  for (const step of ['100 of 250', '200 of 250']) assert.ok(shown.includes(step), `the bar stood at ${shown}`);
  await visit.open('/bulk');
  await (await visit.page.$('#file')).uploadFile(list);
  await visit.click('button[value=page]');
  await visit.until(() => document.querySelectorAll('tbody .tag').length === 4);
  assert.ok(await visit.page.evaluate(() => document.activeElement.matches('h1')), 'whoever listens is told the result');
  const words = await visit.page.$$eval('tbody .tag', tags => tags.map(tag => tag.innerText.trim()));
  assert.deepEqual(words, visit.say(['有效', '已撤销', '未查到', '未查询'], ['Valid', 'Revoked', 'Not found', 'Not asked']));
  await visit.look('bulk-result');
  // The same result as a workbook, without asking again.
  const taken = readFileSync(await visit.download(() => visit.click('a[download]')));
  assert.equal(taken.subarray(0, 2).toString(), 'PK');
  await visit.open('/bulk');
  await (await visit.page.$('#file')).uploadFile(list);
  const workbook = readFileSync(await visit.download(() => visit.click('button[value=xlsx]')));
  assert.equal(workbook.subarray(0, 2).toString(), 'PK');
  await (await visit.page.$('#file')).uploadFile(keep('list.pdf', 'x'));
  await visit.click('button[value=page]');
  await visit.until(() => document.querySelector('.notice.bad:not([hidden])'));
  await visit.look('bulk-refused');
  // The form that came with the refusal shows progress too; and without a script the browser waits.
  await (await visit.page.$('#file')).uploadFile(list);
  await visit.click('button[value=page]');
  await visit.until(() => document.querySelectorAll('tbody .tag').length === 4);
  await visit.page.setJavaScriptEnabled(false);
  await visit.open('/bulk');
  await (await visit.page.$('#file')).uploadFile(list);
  assert.equal(await visit.send({}, 'button[value=page]'), 200);
  assert.equal((await visit.page.$$('tbody .tag')).length, 4);
  await visit.page.setJavaScriptEnabled(true);
  await visit.send({}, 'header form button');
  await visit.open('/bulk');
  assert.ok(visit.page.url().endsWith('/console/sign-in'));
});
