// A clerk of a training provider: registers workers from a table, begins a class, puts them on its list, records attendance with its
// refusals named, sees what closing would give, closes. A worker signs in with the code that the clerk made and contests the result; the
// clerk answers. A supervisor declares the class false.
import { asEveryReader, assert, story } from './browser.mjs';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const directory = mkdtempSync(join(tmpdir(), 'jilu-training-'));
const keep = (name, text) => { const path = join(directory, name); writeFileSync(path, text); return path; };
const dayBefore = days => new Date(Date.now() + 8 * 3600_000 - days * 86_400_000).toISOString().slice(0, 10);
// GB 11643: the check character of the first seventeen.
const number = head => head + '10X98765432'[[...head].reduce((sum, digit, index) => sum + Number(digit) * (2 ** (17 - index) % 11), 0) % 11];
const code = '91320102MA0TEXAM3X';
let round = 0;

const set = (visit, selector, value) => visit.page.$eval(selector, (field, value) => { field.value = value; }, value);

await asEveryReader(async visit => {
  round += 1;
  await visit.signIn(story.clients.training_provider);
  await visit.look('training');

  // Three new workers and one who is known; a wrong check character is that row's affair.
  const people = [1, 2, 3].map(place => ({ name: `${'赵钱孙'[place - 1]}学`, number: number(`32010219000${place}0${round}9${round}${place}`) }));
  const wrong = people[0].number.slice(0, -1) + (people[0].number.endsWith('1') ? '2' : '1');
  const known = story.workers[round];
  await visit.open('/console/workers');
  await visit.look('training-workers');
  const list = keep('workers.csv', `姓名,证件号码\n${people.map(person => `${person.name},${person.number}`).join('\n')}\n${known.name},${known.document_number}\n李错,${wrong}\n`);
  assert.equal(await visit.upload('lists', list, 'button[name=dry_run]'), 200);
  assert.match(await visit.text('[role=status]'), visit.say(/将登记 3 人，1 人已有档案，1 行/, /3 would be registered, 1 are known already, 1 would/));
  await visit.upload('lists', list);
  assert.match(await visit.text('[role=status]'), visit.say(/新登记 3 人，1 人/, /3 registered, 1 were known/));
  assert.match(await visit.text('[role=alert]'), visit.say(/第 6 行，证件号码/, /row 6, document_number/));
  assert.ok(await visit.page.$('a[download]'), 'the table can be taken back with its faults marked');
  await visit.look('training-workers-registered');
  assert.equal(await visit.send({ '#document_number': wrong }, 'form[action$="/search"] button'), 200);
  assert.equal((await visit.page.$$('ul.checks a')).length, 0);
  await visit.send({ '#document_number': people[0].number }, 'form[action$="/search"] button');
  const seen = await visit.text();
  assert.ok(!seen.includes(people[0].number) && !seen.includes(people[0].name), 'what is shown of a person is masked');
  await visit.look('training-worker-found');

  // A class whose type asks for the employer is refused without one; what was typed stays.
  await visit.open('/console/classes');
  await visit.look('training-classes');
  await visit.page.select('#class_type', 'on_the_job_upgrade_training');
  await visit.page.select('#level', 'level5');
  await set(visit, '#first_on', dayBefore(9));
  await set(visit, '#last_on', dayBefore(0));
  const plan = { '#name': `电工五级班 ${round}`, '#occupation_code': '6-31-01-03', '#planned_theory_minutes': '1080', '#planned_practical_minutes': '1800', '#module_work_safety': '安全用电', '#minutes_work_safety': '90' };
  assert.equal(await visit.send(plan, 'form[action="/console/classes"] button'), 400);
  assert.match(await visit.text('[role=alert]'), visit.say(/用人单位信用代码/, /Credit code of the employer/));
  assert.equal(await visit.page.$eval('#module_work_safety', field => field.value), '安全用电');
  assert.equal(await visit.page.$eval('#class_type', field => field.value), 'on_the_job_upgrade_training');
  await visit.look('training-class-refused');
  assert.equal(await visit.send({ '#employer_code': code }, 'form[action="/console/classes"] button'), 200, await visit.text());
  assert.match(visit.page.url(), /\/console\/classes\/cls_/);
  const classPage = visit.page.url();

  // Trainees: the class has begun, so they need a reason (HR-6).
  const trainees = keep('trainees.csv', `证件号码\n${people.map(person => person.number).join('\n')}\n`);
  assert.equal(await visit.upload('enrolments', trainees, 'button[name=dry_run]'), 422);
  assert.match(await visit.text('[role=alert]'), /HR-6/);
  await visit.page.type('#reason', '补录');
  assert.equal(await visit.upload('enrolments', trainees, 'button[name=dry_run]'), 200);
  assert.equal((await visit.page.$$('section tbody tr')).length, 0, 'a dry run adds nobody');
  await visit.page.type('#reason', '补录');
  await visit.upload('enrolments', trainees);
  assert.equal((await visit.page.$$('section tbody tr')).length, 3, await visit.text());

  // Attendance: one row overlaps with another, and is refused; the good ones stay.
  const day = dayBefore(2);
  const hours = [...Array(24)].map((_, hour) => [dayBefore(2 + Math.floor(hour / 3)), 8 + hour % 3 * 2].map(String)).map(([day, hour]) => `${people[0].number},线下,实操,${day} ${hour.padStart(2, '0')}:00,${day} ${Number(hour) + 2}:00`);
  const attendance = keep('attendance.csv', `证件号码,方式,内容,开始时间,结束时间\n${hours.join('\n')}\n${people[0].number},线上,理论,${day} 09:00,${day} 09:30\n${people[1].number},线下,理论,${day} 09:00,${day} 10:30\n`);
  assert.equal(await visit.upload('attendance', attendance, 'button[name=dry_run]'), 200);
  assert.match(await visit.text('[role=status]'), visit.say(/将登记 25 条，0 条已登记过，1 条/, /25 would be recorded, 0 are recorded already, 1 would/));
  await visit.click('input[name=on_fault]');
  assert.equal(await visit.upload('attendance', attendance), 422, 'all or none');
  assert.equal(await visit.upload('attendance', attendance), 200);
  assert.match(await visit.text('[role=status]'), visit.say(/已登记 25 条，0 条此前已登记，1 条/, /25 recorded, 0 were recorded already, 1 refused/));
  assert.match(await visit.text('[role=alert]'), visit.say(/第 26 行[^]*HR-5/, /row 26[^]*HR-5/));
  await visit.look('training-attendance-refused');
  await visit.upload('attendance', attendance);
  assert.match(await visit.text('[role=status]'), visit.say(/已登记 0 条，25 条/, /0 recorded, 25 were/), 'the same file again changes nothing');

  // What closing would give, with the rule that stands against each; then the closing.
  const results = keep('results.csv', `证件号码,考核结果\n${people[0].number},合格\n${people[1].number},不合格\n`);
  assert.equal(await visit.upload('closing', results, 'button[name=dry_run]'), 200, await visit.text());
  assert.match(await visit.text('[role=status]'), visit.say(/3 名学员中将有 1 名结业/, /1 of 3 trainees would complete/));
  assert.equal((await visit.page.$$('section:first-of-type tbody tr')).length, 3);
  assert.ok(await visit.page.$('form[action$="/closing"]'), 'nothing was closed');
  await visit.look('training-closing-tried');
  await visit.upload('closing', results);
  assert.match(await visit.text('[role=status]'), visit.say(/已结班/, /the class is closed/));
  assert.equal(await visit.page.$('form[action$="/enrolments"]'), null, 'a closed class takes nothing more');
  await visit.look('training-class-closed');
  // Who completed it gets a certificate; of the others the closing's reasons are named.
  await visit.send({}, 'form[action$="/certificates"] button:not([name])');
  await visit.until(() => document.getElementById('job').dataset.state === 'finished');
  assert.deepEqual(await visit.page.$$eval('dl.figures dd strong', figures => figures.map(figure => figure.innerText)), ['1', '2'], await visit.text());
  assert.match(await visit.text('tbody'), /CR-4/);
  await visit.look('training-certificates');
  await visit.open(classPage);

  // The code for a worker, who signs in with it and contests the result.
  await Promise.all([visit.page.waitForNavigation(), visit.click('section tbody a')]);
  await visit.send({}, 'form[action$="/access_codes"] button');
  const [access] = await visit.page.$$eval('[role=status] dd', items => items.map(item => item.textContent));
  await visit.look('training-access-code');
  const masked = await visit.text('section dl.facts');
  const person = people.find(person => masked.includes(person.number.slice(-4)));
  await visit.send({}, 'header form button');
  await visit.open('/own/sign-in');
  await visit.send({ '#access_code': access, '#document_number_end': person.number.slice(-6) }, 'main form button');
  await visit.open(`/own/disputes?subject_kind=class&subject_id=${new URL(classPage).pathname.split('/').pop()}`);
  await visit.page.type('#statement', `我第二天也在 ${round}`);
  await visit.send({}, 'form[action="/own/disputes"] button');
  await visit.send({}, 'header form button');

  await visit.signIn(story.clients.training_provider);
  await visit.open('/console/disputes?state=open');
  await visit.click('summary');
  await visit.click('input[value=rejected]');
  await visit.page.type('textarea', `签到表中没有 ${round}`);
  await visit.look('training-dispute');
  await visit.send({}, 'form[action$="/answers"] button');
  assert.match(await visit.text(), new RegExp(`签到表中没有 ${round}`));
  assert.equal(await visit.page.$('form[action$="/answers"]'), null, 'nothing is left to be answered');
  await visit.look('training-disputes');
  // What belongs to others is not there.
  assert.equal(await visit.open('/console/sessions'), 403);

  // A supervisor sees the class, and declares it false.
  await visit.signIn(story.clients.supervisor);
  assert.equal(await visit.open(new URL(classPage).pathname), 200);
  assert.equal(await visit.page.$('form[action$="/closing"]'), null);
  await visit.look('training-class-supervised');
  await visit.send({ '#reason': '未实际开展培训', '#decision_document': `宁人社监〔2026〕${round}号` }, 'form[action$="/annulment"] button');
  assert.match(await visit.text('.notice.bad'), visit.say(/已认定为虚假培训/, /Declared false/));
  assert.equal(await visit.page.$('form[action$="/annulment"]'), null);
  await visit.look('training-class-annulled');
});
