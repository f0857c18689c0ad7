// Every outcome that there is: in words and shape of its own and in its colour, by day and by night; in words on paper too; and without any script.
import { asEveryReader, assert, story } from './browser.mjs';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const directory = mkdtempSync(join(tmpdir(), 'jilu-outcomes-'));
const tones = { valid: 'good', revoked: 'bad', withdrawn: 'bad', cancelled: 'bad', suspended: 'wait', expired: 'wait', review_overdue: 'wait', superseded: 'wait', not_found: 'none' };

// Asks as somebody at a gate would.
async function ask(visit, wanted) {
  await visit.open('/');
  if (!wanted.file) return visit.send({ '#certificate_number': wanted.certificate_number, '#name': wanted.name }, 'form[action="/"] button');
  const path = join(directory, `${wanted.outcome}.jwt`);
  writeFileSync(path, wanted.file);
  await (await visit.page.$('#file')).uploadFile(path);
  return visit.send({}, '#drop button');
}

const seen = visit => visit.page.$eval('.outcome', box => ({ outcome: box.dataset.outcome, tone: box.className.replace('outcome ', ''), shape: box.querySelector('svg').innerHTML, name: box.querySelector('h1').textContent, meaning: box.querySelector('p').textContent }));

assert.deepEqual(story.asked.map(wanted => wanted.outcome).sort(), Object.keys(tones).sort(), 'all that there are');
await asEveryReader(async visit => {
  const told = [];
  for (const wanted of story.asked) {
    assert.equal(await ask(visit, wanted), 200);
    const found = await seen(visit);
    assert.deepEqual([found.outcome, found.tone], [wanted.outcome, tones[wanted.outcome]]);
    told.push(found);
    // Everything but what is valid says what to do next, and shows its checks without being asked.
    const isValid = wanted.outcome === 'valid';
    assert.equal(await visit.page.$('.notice') === null, isValid);
    assert.equal(await visit.page.$eval('details', details => details.open), !isValid);
    await visit.look(`outcome-${wanted.outcome}`);
    // The receipt as a paper says the same.
    const paper = await visit.download(() => visit.click('button[value=pdf]'));
    const text = execFileSync('pdftotext', ['-layout', paper, '-'], { encoding: 'utf8' });
    assert.ok(text.includes(found.name), `${wanted.outcome}: ${text}`);
    execFileSync('pdftoppm', ['-r', '60', '-png', '-singlefile', paper, join(process.env.SHOTS, `receipt-${wanted.outcome}-${visit.reader.name}`)]);
  }
  for (const part of ['shape', 'name', 'meaning']) assert.equal(new Set(told.map(found => found[part])).size, told.length, `two outcomes have one ${part}`);
});

// Without any script every answer is the same, and nothing promises what only a script does.
await asEveryReader(async visit => {
  await visit.page.setJavaScriptEnabled(false);
  for (const wanted of story.asked) {
    await visit.open('/');
    // Forms are filled and sent by keys, as no script can.
    if (wanted.file) {
      await ask(visit, wanted);
    } else {
      await visit.page.focus('#certificate_number');
      await visit.page.keyboard.type(wanted.certificate_number);
      await visit.page.focus('#name');
      await visit.page.keyboard.type(wanted.name);
      await Promise.all([visit.page.waitForNavigation(), visit.page.keyboard.press('Enter')]);
    }
    assert.equal((await seen(visit)).outcome, wanted.outcome);
    assert.ok(!await visit.page.$eval('#self-check', box => box.checkVisibility()), 'what a script finds is not announced without one');
  }
});
