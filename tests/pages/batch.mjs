// A class of thousands is issued from its page while somebody watches, goes away and comes back; then one person proposes a change and
// another one approves it. The lists of both stay as they are on the first day.
import { asEveryReader, assert, story } from './browser.mjs';

const done = visit => visit.page.$eval('#job-bar', bar => bar.value);
const sessions = [...story.sessions];
let index = 0;

await asEveryReader(async visit => {
  const session = sessions[index++];
  await visit.signIn(story.proposer);
  await visit.open(`/console/sessions/${session}`);
  await Promise.all([visit.page.waitForNavigation({ waitUntil: 'domcontentloaded' }), visit.click('form[action$="/certificates"] button:not([name])')]);
  assert.match(visit.page.url(), /\/console\/jobs\/job_/);
  // The bar moves by itself, and a reload finds it where it is.
  const stages = [0];
  await visit.until(() => document.getElementById('job-bar').value > 0);
  for (let looks = 0; await visit.page.$eval('#job', job => ['queued', 'running'].includes(job.dataset.state)).catch(() => true); looks++) {
    assert.ok(looks < 600, `a minute later the bar stood at ${stages}`);
    stages.push(await done(visit).catch(() => stages.at(-1)));
    if (stages.length === 4) {
      await visit.page.reload({ waitUntil: 'domcontentloaded' });
      stages.push(await done(visit));
    }
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  stages.push(await done(visit));
  assert.ok(new Set(stages).size >= 3 || stages.length < 4, `the bar stood at ${stages}`);
  assert.deepEqual(stages, [...stages].sort((a, b) => a - b), 'it never goes back');
  await visit.until(() => document.getElementById('job').dataset.state === 'finished');
  assert.equal(await done(visit), story.candidates);
  await visit.look('batch-finished');

  // Page after page by keyset: once to the last of them.
  await visit.open('/console/certificates');
  const seen = new Set();
  for (let pages = 0; ; pages++) {
    assert.ok(pages < story.sessions.length * story.candidates, 'it ends');
    for (const number of await visit.page.$$eval('tbody a.number', links => links.map(link => link.textContent))) {
      assert.ok(!seen.has(number), `${number} twice`);
      seen.add(number);
    }
    const later = await visit.page.$('a.button[href*="cursor="]');
    if (!later || (index > 1 && pages === 3)) break;
    await Promise.all([visit.page.waitForNavigation(), later.evaluate(link => link.click())]);
  }
  if (index === 1) assert.equal(seen.size, story.candidates, 'all that were issued, each once');

  // One proposes, and cannot decide; another one approves, and everybody sees it.
  await visit.open('/console/certificates');
  const number = await visit.page.$eval('tbody a.number', link => link.textContent);
  await Promise.all([visit.page.waitForNavigation(), visit.click('tbody a.number')]);
  await visit.page.select('#change', 'suspend');
  assert.equal(await visit.send({ '#reason': `核查 ${index}` }, 'form[action$="/proposals"] button'), 200);
  assert.equal(await visit.page.$('form[action$="/decision"]'), null, 'whoever proposed does not decide');
  await visit.send({}, 'header form button');
  await visit.signIn(story.approver);
  await visit.open('/console/proposals');
  const card = await visit.text('[data-proposal]');
  for (const told of [number, story.proposer.name, `核查 ${index}`]) assert.ok(card.includes(told), `${told} in: ${card}`);
  await visit.look('proposal-to-decide');
  await visit.send({}, 'form[action$="/decision"] button[value=approve]');
  assert.match(await visit.text('[data-proposal]'), visit.say(/已批准/, /approved/));
  assert.ok((await visit.text('[data-proposal]')).includes(story.approver.name));
  await visit.look('proposal-approved');
  await Promise.all([visit.page.waitForNavigation(), visit.click('[data-proposal] a')]);
  assert.match(await visit.text(), visit.say(/已暂停/, /Suspended/));
  await visit.send({}, 'header form button');
});
