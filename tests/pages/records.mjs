// The registrar finds a worker, reads the record and the credits, recognises a certificate and takes that back, records a place in a
// competition with its credits, joins two records of one person and parts them, and puts a new version of a list in force. A supervisor
// reads the same and has no form to write with.
import { asEveryReader, assert, story } from './browser.mjs';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const directory = mkdtempSync(join(tmpdir(), 'jilu-records-'));
const keep = (name, text) => { const path = join(directory, name); writeFileSync(path, text); return path; };
const issued = story.certificates.filter(certificate => certificate.state === 'issued');
const set = (visit, selector, value) => visit.page.$eval(selector, (field, value) => { field.value = value; }, value);
const unfold = visit => visit.page.$$eval('details', all => all.forEach(one => { one.open = true; }));
let round = 0;

await asEveryReader(async visit => {
  round += 1;
  const certificate = issued[round + 2];
  const worker = story.workers.find(worker => worker.name === certificate.name && worker.document_number === certificate.document_number);
  await visit.signIn(story.clients.registrar);
  await visit.open('/console/workers');
  await visit.send({ '#document_number': worker.document_number }, 'form[action$="/search"] button');
  await visit.open(await visit.page.$eval('ul.checks a', link => link.getAttribute('href')));
  const home = new URL(visit.page.url()).pathname;
  await unfold(visit);
  await visit.look('records-worker');

  // What stands in the record; the worker will see that somebody looked.
  assert.equal(await visit.open(`${home}/record`), 200);
  assert.match(await visit.text('.timeline'), new RegExp(certificate.certificate_number));
  await visit.look('records-record');

  // A certificate counts once, for its holder; a number that nobody has is told so.
  await visit.open(`${home}/credits`);
  const before = await visit.text('.figures dd');
  assert.equal(await visit.send({ '#certificate': 'S000032000001269999999' }, 'form[action$="/recognitions"] button'), 400);
  assert.match(await visit.text('[role=alert]'), visit.say(/没有该证书/, /no such certificate/));
  await visit.look('records-credits-refused');
  const foreign = story.certificates.find(one => one.state === 'issued' && one.document_number !== certificate.document_number);
  assert.equal(await visit.send({ '#certificate': foreign.certificate_number }, 'form[action$="/recognitions"] button'), 400, 'nobody else is credited by a slip');
  assert.equal(await visit.send({ '#certificate': certificate.certificate_number }, 'form[action$="/recognitions"] button'), 200, await visit.text());
  const entry = new URL(visit.page.url()).pathname;
  assert.match(entry, new RegExp(`^${home}/credits/crd_`));
  await visit.look('records-credit');
  await visit.open(`${home}/credits`);
  const balance = Number(await visit.text('.figures dd'));
  assert.ok(balance > Number(before), `${before} and then ${balance}`);
  await visit.look('records-credits');
  assert.equal(await visit.send({ '#certificate': certificate.certificate_number }, 'form[action$="/recognitions"] button'), 200);
  assert.equal(new URL(visit.page.url()).pathname, entry, 'the same achievement is the same entry');

  // More than there is cannot be converted; what is there can.
  await visit.open(`${home}/credits`);
  await visit.page.select('#programme', 'technician_college');
  assert.equal(await visit.send({ '#credits': '900.0' }, 'form[action$="/conversions"] button'), 422);
  assert.match(await visit.text('[role=alert]'), /CR-7/);
  await visit.page.select('#programme', 'technician_college');
  assert.equal(await visit.send({ '#credits': '0.5' }, 'form[action$="/conversions"] button'), 200, await visit.text());
  await visit.open(entry);
  assert.equal(await visit.send({ '#reason': '重复认定' }, 'form[action$="/reversal"] button'), 200, await visit.text());
  assert.match(await visit.text('h1'), /^-/);
  await visit.open(`${home}/credits`);
  assert.equal(await visit.text('.figures dd'), (Number(before) - 0.5).toFixed(1));

  // A place in a competition: what is no place is refused, a place is recognised, and taken back with its credits.
  await visit.open(home);
  await unfold(visit);
  await set(visit, '#held_on', '2026-03-01');
  const result = { '#competition': '南京市第三届职业技能竞赛', '#event': '电工', '#occupation_code': '6-31-01-03', '#place': '1' };
  assert.equal(await visit.send({ ...result, '#occupation_code': '6-31' }, 'form[action$="/competition_results"] button'), 400);
  assert.equal(await visit.page.$eval('#competition', field => field.value), result['#competition'], 'what was typed stays');
  await visit.page.select('#competition_level', 'municipal');
  assert.equal(await visit.send({ '#occupation_code': '6-31-01-03' }, 'form[action$="/competition_results"] button'), 200, await visit.text());
  const place = visit.page.url();
  await visit.look('records-competition');
  assert.equal(await visit.send({}, 'form[action$="/recognition"] button'), 200, await visit.text());
  assert.match(await visit.text(), visit.say(/竞赛/, /Competition/));
  await visit.open(`${home}/record`);
  const last = await visit.page.$$eval('.timeline a', links => links.map(link => link.href).filter(href => href.includes('/competition_results/')));
  assert.deepEqual(last.slice(-1), [place]);
  await visit.open(place);
  assert.equal(await visit.send({ '#reason': '成绩复核有误' }, 'form[action$="/annulment"] button'), 200, await visit.text());
  assert.match(await visit.text(), visit.say(/已撤回/, /taken back/));
  assert.equal(await visit.page.$('form[action$="/recognition"]'), null);
  await visit.open(`${home}/credits`);
  assert.equal(await visit.text('.figures dd'), (Number(before) - 0.5).toFixed(1));

  // The same person came with a passport once more: tried, joined, and parted again.
  await visit.open('/console/workers');
  await visit.page.select('#document_type', 'passport');
  assert.equal(await visit.send({ '#name': worker.name, '#new_number': `E0000010${round}`, '#country': 'FR' }, 'form[action="/console/workers"] button'), 200, await visit.text());
  const other = visit.page.url().split('/').pop();
  await visit.open(home);
  await unfold(visit);
  assert.equal(await visit.send({ '#merged_worker_id': 'E99999999', '#merge_reason': '同一人' }, 'form[action$="/merges"] button:not([name])'), 400);
  assert.match(await visit.text('[role=alert]'), visit.say(/没有使用该证件号码的劳动者/, /no worker has a document/));
  await unfold(visit);
  const join_ = { '#merged_worker_id': `E0000010${round}`, '#merge_reason': '本人出示护照和身份证' };
  assert.equal(await visit.send(join_, 'form[action$="/merges"] button[name=dry_run]'), 200, await visit.text());
  assert.match(await visit.text('[role=status]'), new RegExp(other));
  await visit.look('records-merge-tried');
  // What was tried stays there: the next button joins just that.
  assert.equal(await visit.send({}, 'form[action$="/merges"] button:not([name])'), 200, await visit.text());
  assert.match(await visit.text(), visit.say(/已合并/, /joined/));
  await unfold(visit);
  await visit.look('records-merged');
  await visit.open(`/console/workers/${other}`);
  assert.match(await visit.text(), visit.say(/该档案已并入/, /was joined to/));
  await visit.open(home);
  await unfold(visit);
  assert.equal(await visit.send({ '#undo_1': '同名不同人' }, 'form[action$="/undo"] button'), 200, await visit.text());
  assert.match(await visit.text(), visit.say(/已撤销合并/, /parted again/));

  // The catalogue: an entry is found; a faulty file is refused row by row, and a good one is in force from its day on.
  await visit.open('/console/catalogue');
  await visit.look('records-catalogue');
  assert.equal(await visit.open('/console/catalogue/occupations?text=%E7%94%B5%E5%B7%A5'), 200);
  assert.match(await visit.text('table'), /6-31-01-03/);
  await visit.look('records-list');
  assert.equal(await visit.open('/console/catalogue/nothing'), 404);
  await visit.open('/console/catalogue');
  const days = rows => keep('holidays.csv', `date,kind,name_zh,name_en\n${rows.join('\n')}\n`);
  await visit.page.select('#list', 'holidays');
  await set(visit, '#valid_from', '2027-01-01');
  assert.equal(await visit.upload('catalogue', days(['2027-01-01,holiday,元旦,New Year', '2027-01-01,holiday,元旦,New Year'])), 400);
  assert.match(await visit.text('[role=alert]'), /row 3/);
  assert.equal(await visit.page.$eval('#list', field => field.value), 'holidays', 'what was chosen stays');
  await visit.look('records-catalogue-refused');
  const good = days(['2027-01-01,holiday,元旦,New Year']);
  assert.equal(await visit.upload('catalogue', good, 'button[name=dry_run]'), 200, await visit.text());
  assert.match(await visit.text('[role=status]'), visit.say(/共 1 条/, /with 1 entries/));
  await visit.page.select('#list', 'holidays');
  await set(visit, '#valid_from', '2020-01-01');
  assert.equal(await visit.upload('catalogue', good), 200, await visit.text());
  assert.match(await visit.text('table'), new RegExp(`\\s${2 * round}\\s+2020-01-01`));
  // One that is in force later is announced.
  await visit.page.select('#list', 'holidays');
  await set(visit, '#valid_from', `209${round}-01-01`);
  assert.equal(await visit.upload('catalogue', good), 200, await visit.text());
  assert.match(await visit.text('[role=status]'), new RegExp(`209${round}-01-01`));
  await visit.open('/console/catalogue');
  assert.match(await visit.text('table'), new RegExp(`209${round}-01-01`));

  // A supervisor reads.
  await visit.signIn(story.clients.supervisor);
  for (const path of [home, `${home}/record`, `${home}/credits`, entry, '/console/catalogue']) {
    assert.equal(await visit.open(path), 200, path);
    assert.equal((await visit.page.$$('main form[method=post]')).length, 0, path);
  }
  assert.equal(await visit.open(place), 403);
});
