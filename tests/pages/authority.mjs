// The registrar registers an organisation, files what it may issue, and gives a person access, who signs in with it; a supervisor looks on.
import { asEveryReader, assert, story } from './browser.mjs';

// GB 32100: the check character of the first seventeen.
const alphabet = '0123456789ABCDEFGHJKLMNPQRTUWXY';
const creditCode = head => head + alphabet[(31 - [...head].reduce((sum, c, index) => sum + alphabet.indexOf(c) * 3 ** index % 31, 0) % 31) % 31];
const today = () => new Date(Date.now() + 8 * 3600e3).toISOString().slice(0, 10);
let round = 0;

await asEveryReader(async visit => {
  round += 1;
  await visit.signIn(story.clients.registrar);
  await visit.look('authority');
  await visit.open('/console/organisations');
  await visit.look('authority-organisations');

  // A code with a wrong check character is refused, and what was typed stays.
  const code = creditCode(`5232010000000${round}00${round}`);
  const wrong = code.slice(0, -1) + (code.endsWith('0') ? '1' : '0');
  await visit.click('input[value=assessment_body]');
  assert.equal(await visit.send({ '#unified_social_credit_code': wrong, '#name': '江北示例评价中心' }, 'form[action="/console/organisations"] button'), 400);
  assert.equal(await visit.page.$eval('#name', field => field.value), '江北示例评价中心');
  await visit.look('authority-refused');
  await visit.click('input[value=assessment_body]');
  await visit.send({ '#unified_social_credit_code': code }, 'form[action="/console/organisations"] button');
  assert.match(visit.page.url(), /\/console\/organisations\/org_/, await visit.text());

  // A filing: a line that cannot be read is told with every other fault, and what was typed stays.
  const filings = visit.page.url();
  await visit.page.select('#body_kind', 'social_assessment_body');
  await visit.click('input[value=skill_level]');
  await visit.page.$eval('#valid_to', field => { field.value = '2030-12-31'; });
  const typed = '6-31-01-03 五级 大师\n6-31-01 level4';
  assert.equal(await visit.send({ '#occupations': typed, '#number_prefix': `S00003200000${round + 6}` }, 'form[action$="/filings"] button'), 400);
  const faults = await visit.text('[role=alert]');
  assert.match(faults, visit.say(/职业与等级（第 1 项） · 等级（第 2 项）：[^]*五级[^]*职业与等级（第 2 项）/, /levels \(no\. 1\) · Levels \(no\. 2\): [^]*level5[^]*levels \(no\. 2\)/));
  assert.equal(await visit.page.$eval('#occupations', field => field.value), typed);
  await visit.look('authority-filing-refused');
  assert.equal(await visit.send({ '#occupations': '6-31-01-03 五级 四级' }, 'form[action$="/filings"] button'), 200, await visit.text());
  assert.match(await visit.text('table'), /6-31-01-03/);
  await visit.look('authority-organisation');

  // It is amended: the form begins with what stands, and the version before stays as it is.
  await Promise.all([visit.page.waitForNavigation(), visit.click('table a')]);
  assert.equal(await visit.page.$eval('#occupations', field => field.value), visit.say('6-31-01-03 五级 四级', '6-31-01-03 level5 level4'));
  assert.equal(await visit.page.$eval('#valid_from', field => field.value), today(), 'it begins today');
  const [opened, second] = [await visit.page.$eval('[name=version]', field => field.value), visit.page.url()];
  assert.equal(await visit.send({ '#occupations': '6-31-01-03 五级 四级 三级\n6-28-01-14 5', '#sites': '江北考点', '#decision_document': '宁人社备〔2026〕9号' }, 'form[action$="/versions"] button'), 200, await visit.text());
  const versions = await visit.page.$$eval('tbody tr', rows => rows.map(row => row.innerText));
  assert.equal(versions.length, 2);
  assert.ok(!versions[0].includes('6-28-01-14') && versions[1].includes('6-28-01-14') && versions[1].includes(visit.say('三级', 'Level 3')), versions.join('\n'));
  assert.equal(await visit.page.$eval('#sites', field => field.value), '江北考点');
  await visit.look('authority-filing');
  await visit.changeLanguage();
  // Who opened the form before that is told, and overwrites nothing.
  await visit.open(second);
  await visit.page.$eval('[name=version]', (field, opened) => { field.value = opened; }, opened);
  assert.equal(await visit.send({ '#occupations': '6-31-01-03 一级' }, 'form[action$="/versions"] button'), 412);
  assert.equal((await visit.page.$$('tbody tr')).length, 2);
  assert.match(await visit.text(), /6-31-01-03 一级/, 'what was typed stands there to be taken over');
  assert.ok((await visit.page.$eval('#occupations', field => field.value)).includes('6-28-01-14'), 'and the form begins from what stands');
  await visit.look('authority-filing-too-late');
  assert.equal(await visit.send({}, 'form[action$="/versions"] button'), 200, 'it can be sent');

  // It is suspended for a reason, and comes back; a form that was filled in before is told that it is too late.
  await visit.open(filings);
  const before = await visit.page.$eval('form[action$="/versions"] [name=version]', field => field.value);
  await visit.page.select('#state', 'suspended');
  assert.equal(await visit.send({ '#reason': '年度评估不合格' }, 'form[action$="/versions"] button'), 200);
  assert.match(await visit.text('h1 + p'), visit.say(/暂停/, /suspended/i));
  await visit.page.$eval('form[action$="/versions"] [name=version]', (field, before) => { field.value = before; }, before);
  await visit.page.select('#state', 'active');
  assert.equal(await visit.send({ '#reason': '整改完成' }, 'form[action$="/versions"] button'), 412);
  await visit.look('authority-too-late');
  // The form shows what stands now: whoever sends it again unseen takes nothing back.
  assert.deepEqual(await visit.page.$$eval('#state, #reason', fields => fields.map(field => field.value)), ['suspended', '整改完成']);
  assert.equal(await visit.send({}, 'form[action$="/versions"] button'), 200);
  assert.match(await visit.text('h1 + p'), visit.say(/暂停/, /suspended/i));
  await visit.page.select('#state', 'active');
  assert.equal(await visit.send({ '#reason': '整改完成', '#new_name': '江北示例评价中心（新址）' }, 'form[action$="/versions"] button'), 200);
  assert.equal(await visit.text('h1'), '江北示例评价中心（新址）');

  // Access for a person; the secret stands there once, and opens the console.
  await visit.page.select('#role', 'assessment_body');
  await visit.send({ '#name': '考务员' }, 'form[action$="/clients"] button');
  const [client_id, client_secret] = await visit.page.$$eval('[role=status] dd', items => items.map(item => item.textContent));
  await visit.look('authority-client');
  await visit.open(visit.page.url().replace(/\/clients$/, ''));
  assert.ok(!(await visit.text()).includes(client_secret), 'the secret is shown once');

  for (const part of ['keys', 'signals', 'disputes']) {
    assert.equal(await visit.open(`/console/${part}`), 200);
    await visit.look(`authority-${part}`);
  }
  await visit.send({}, 'header form button');
  await visit.signIn({ client_id, client_secret });
  assert.equal(await visit.open('/console/sessions'), 200);
  assert.equal(await visit.open('/console/organisations'), 403, 'a body does not see the authority’s pages');
  assert.equal(await visit.open(filings), 403);

  // Access is taken away: the person's session ends with it.
  const theirs = await (await visit.browser.createBrowserContext()).newPage();
  const signedIn = await visit.page.cookies();
  await theirs.setCookie(...signedIn);
  assert.equal((await theirs.goto(`${story.base_url}/console/sessions`)).status(), 200);
  await visit.signIn(story.clients.registrar);
  await visit.open(filings);
  await visit.click('details summary');
  await visit.look('authority-revoking');
  assert.equal(await visit.send({ '#reason_1': '离职' }, 'form[action$="/revocation"] button'), 200);
  assert.match(await visit.text('.checks'), visit.say(/已停用/, /revoked/));
  assert.equal(await visit.page.$('form[action$="/revocation"]'), null);
  await new Promise(resolve => setTimeout(resolve, 2500));
  await theirs.goto(`${story.base_url}/console/sessions`);
  assert.match(theirs.url(), /sign-in/, 'within seconds');

  // A supervisor reads, and has no form to write with.
  await visit.signIn(story.clients.supervisor);
  await visit.open('/console/organisations');
  assert.equal(await visit.page.$('form[action="/console/organisations"]'), null);
  assert.equal(await visit.open('/console/signals'), 200);
});
