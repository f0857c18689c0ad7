// The registrar registers an organisation, files what it may issue, and gives a person access, who signs in with it; a supervisor looks on.
import { asEveryReader, assert, story } from './browser.mjs';

// GB 32100: the check character of the first seventeen.
const alphabet = '0123456789ABCDEFGHJKLMNPQRTUWXY';
const creditCode = head => head + alphabet[(31 - [...head].reduce((sum, c, index) => sum + alphabet.indexOf(c) * 3 ** index % 31, 0) % 31) % 31];
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

  // A filing for one occupation.
  await visit.page.select('#body_kind', 'social_assessment_body');
  for (const value of ['skill_level', 'level5', 'level4']) await visit.click(`input[value=${value}]`);
  await visit.page.$eval('#valid_to', field => { field.value = '2030-12-31'; });
  assert.equal(await visit.send({ '#occupation_code': '6-31-01-03', '#number_prefix': `S00003200000${round + 6}` }, 'form[action$="/filings"] button'), 200, await visit.text());
  assert.match(await visit.text('table'), /6-31-01-03/);
  await visit.look('authority-organisation');

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

  // A supervisor reads, and has no form to write with.
  await visit.signIn(story.clients.supervisor);
  await visit.open('/console/organisations');
  assert.equal(await visit.page.$('form[action="/console/organisations"]'), null);
  assert.equal(await visit.open('/console/signals'), 200);
});
