// What the scripts share: Debian's Chromium, a reader with a language and a width, axe, and pictures of what was seen.
import puppeteer from 'puppeteer-core';
import axe from 'axe-core';
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export { assert };
setTimeout(() => { console.error('it took too long'); process.exit(1); }, 600_000).unref();
/// What the demo told of itself.
export const story = JSON.parse(readFileSync(0, 'utf8'));

const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--lang=zh-CN'];

/// Readers of every page: in Chinese at a desk, in English on a phone.
export const READERS = [
  { name: 'zh-1280', language: 'zh-CN', width: 1280 },
  { name: 'en-360', language: 'en', width: 360 },
];

/// Runs `act` with a page for every reader; nothing may be asked of another host, and no script may fail. `camera` is the picture, a
/// JPEG named `.mjpeg`, that the camera is held before.
export async function asEveryReader(act, camera) {
  const before = camera ? ['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', `--use-file-for-fake-video-capture=${camera}`] : [];
  const browser = await puppeteer.launch({ executablePath: chromium, headless: true, args: [...flags, ...before] });
  try {
    for (const reader of READERS) {
      const downloads = mkdtempSync(join(tmpdir(), 'jilu-downloads-'));
      const context = await browser.createBrowserContext({ downloadBehavior: { policy: 'allow', downloadPath: downloads } });
      const page = await context.newPage();
      await page.setViewport({ width: reader.width, height: 900, deviceScaleFactor: 1, isMobile: reader.width < 500, hasTouch: reader.width < 500 });
      await page.setExtraHTTPHeaders({ 'accept-language': reader.language });
      const faults = [];
      const visit = new Visit(page, reader, browser, downloads);
      page.on('request', request => { if (!request.url().startsWith(story.base_url) && !visit.elsewhere.some(site => request.url().startsWith(site)) && /^https?:/.test(request.url())) faults.push(`asked ${request.url()}`); });
      // Nobody is asked anything before a page goes, but while a list is verified.
      page.on('dialog', dialog => { faults.push(`asked: ${dialog.type()}`); dialog.accept(); });
      page.on('pageerror', error => faults.push(`script: ${error.message}`));
      page.on('console', message => { if (message.type() === 'error' && !/status of 4\d\d|ERR_INTERNET_DISCONNECTED/.test(message.text())) faults.push(`console: ${message.text()}`); });
      await act(visit);
      assert.deepEqual(faults, [], reader.name);
      await context.close();
    }
  } finally {
    await browser.close();
  }
}

/// Keeps a picture, as a JPEG of 640 by 480, of what a page shows.
export async function photograph(html, path) {
  const browser = await puppeteer.launch({ executablePath: chromium, headless: true, args: flags });
  const page = await browser.newPage();
  await page.setViewport({ width: 640, height: 480 });
  await page.setContent(html);
  writeFileSync(path, await page.screenshot({ type: 'jpeg', quality: 80 }));
  await browser.close();
}

export class Visit {
  constructor(page, reader, browser, downloads) {
    // Sites that the reader is sent to; no page asks anything of another one.
    this.elsewhere = [];
    Object.assign(this, { page, reader, browser, downloads, isChinese: reader.language === 'zh-CN' });
  }

  /// One of two texts.
  say(chinese, english) { return this.isChinese ? chinese : english; }

  async open(path) {
    const response = await this.page.goto(path.startsWith('http') ? path : story.base_url + path);
    // Whatever page it is: nothing inline, no frame around it, nothing from elsewhere.
    const policy = response.headers()['content-security-policy'] ?? '';
    for (const part of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]) assert.ok(policy.includes(part), `${path}: ${policy}`);
    assert.ok(!policy.includes('unsafe-inline') && response.headers()['x-content-type-options'] === 'nosniff', path);
    return response.status();
  }

  async text(selector = 'main') { return this.page.$eval(selector, element => element.innerText); }

  async click(selector) { await this.page.$eval(selector, element => element.click()); }

  /// The path of a file that `act` makes the browser download.
  async download(act) {
    const whole = () => readdirSync(this.downloads).filter(file => !file.endsWith('.crdownload') && !file.startsWith('.'));
    const known = whole();
    await act();
    for (let waited = 0; ; waited += 50) {
      const file = whole().find(file => !known.includes(file));
      if (file) {
        // The next one may have the same name.
        const kept = join(this.downloads, `${known.length}-${file}`);
        renameSync(join(this.downloads, file), kept);
        return kept;
      }
      assert.ok(waited < 10_000, 'nothing was downloaded');
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  }

  /// Waits until something holds in a page that loads itself anew meanwhile.
  async until(holds) {
    for (let waited = 0; waited < 60_000; waited += 100) {
      if (await this.page.evaluate(holds).catch(() => false)) return;
      await new Promise(resolve => setTimeout(resolve, 100));
    }
    assert.fail(`a minute later the page still says: ${await this.text()}`);
  }

  /// Fills fields and sends their form.
  async send(fields, button) {
    for (const [selector, value] of Object.entries(fields)) {
      await this.page.$eval(selector, element => { element.value = ''; });
      await this.page.type(selector, value);
    }
    const [response] = await Promise.all([this.page.waitForNavigation(), this.click(button)]);
    return response.status();
  }

  /// Signs in to the console as a client of the story.
  async signIn(client) {
    await this.open('/console/sign-in');
    await this.send({ '#client_id': client.client_id, '#client_secret': client.client_secret }, 'main form button');
    assert.ok(this.page.url().endsWith('/console'), await this.text());
  }

  /// Sends a file by the form whose address ends so; without more in earnest, not as a dry run.
  async upload(form, path, button = 'button:not([name])') {
    await (await this.page.$(`form[action$="/${form}"] input[type=file]`)).uploadFile(path);
    return this.send({}, `form[action$="/${form}"] ${button}`);
  }

  /// The link to the other language leads to a page, also from one that a form opened.
  async changeLanguage() {
    const [response] = await Promise.all([this.page.waitForNavigation(), this.click('header a[hreflang]')]);
    assert.equal(response.status(), 200, response.url());
    assert.equal(await this.page.$eval('html', element => element.lang), this.say('en', 'zh-CN'));
    const back = new URL(this.page.url());
    back.searchParams.set('lang', this.say('zh', 'en'));
    assert.equal(await this.open(back.href), 200);
  }

  /// Moves the focus by the Tab key alone until it is on `selector`, where it must be seen.
  async tabTo(selector) {
    for (let tabs = 0; tabs < 60; tabs++) {
      await this.page.keyboard.press('Tab');
      const isThere = await this.page.evaluate(selector => document.activeElement.matches(selector), selector);
      if (!isThere) continue;
      const style = await this.page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
      assert.notEqual(style, 'none', `the focus on ${selector} is not seen`);
      return;
    }
    assert.fail(`Tab does not lead to ${selector}`);
  }

  /// Nothing has to be scrolled sideways, and on a phone no table hides a column.
  async fits(name) {
    const [width, wide] = await this.page.evaluate(() => [document.documentElement.clientWidth, document.documentElement.scrollWidth]);
    assert.ok(wide <= width, `${name} ${this.reader.name}: ${wide} pixels wide on ${width}`);
    const hidden = await this.page.$$eval('.scroll', boxes => boxes.filter(box => box.scrollWidth > box.clientWidth).length);
    assert.ok(width > 500 || hidden === 0, `${name} ${this.reader.name}: a table hides a column on a phone`);
  }

  /// Keeps a picture, by day and by night, and lets axe look: no violation of WCAG 2.2 AA, no sideways scrolling.
  async look(name) {
    // What the browser checks by itself is a part of the page.
    if (await this.page.$('#self-check')) await this.page.waitForFunction(() => document.querySelectorAll('#self-check li').length > 0);
    await this.page.screenshot({ path: join(process.env.SHOTS, `${name}-${this.reader.name}.png`), fullPage: true });
    await this.page.evaluate(axe.source);
    const found = await this.page.evaluate(() => axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
    assert.deepEqual(found.violations.map(violation => `${violation.id}: ${violation.nodes.map(node => node.html).join(' | ')}`), [], `${name} ${this.reader.name}`);
    await this.page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
    const dark = await this.page.evaluate(() => axe.run(document, { runOnly: { type: 'rule', values: ['color-contrast'] } }));
    await this.page.screenshot({ path: join(process.env.SHOTS, `${name}-${this.reader.name}-dark.png`), fullPage: true });
    await this.page.emulateMediaFeatures([]);
    assert.deepEqual(dark.violations.map(violation => `${violation.id}: ${violation.nodes.map(node => node.html).join(' | ')}`), [], `${name} ${this.reader.name}, dark`);
    await this.fits(name);
    if (this.reader.width > 500) {
      // The same page in the same language on a phone's width.
      await this.page.setViewport({ width: 360, height: 900 });
      await this.fits(name);
      await this.page.screenshot({ path: join(process.env.SHOTS, `${name}-${this.reader.name.replace(/\d+/, '360')}.png`), fullPage: true });
      await this.page.setViewport({ width: this.reader.width, height: 900 });
    }
    // The page is whole in its language: nothing is left of the other one.
    const lang = await this.page.$eval('html', element => element.lang);
    assert.equal(lang, this.say('zh-CN', 'en'));
  }
}
