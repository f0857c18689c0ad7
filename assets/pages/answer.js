// Checks the answer of this very page in the browser: the receipt's signature, what it says, and the entry of the log that it names.
(() => {
  const box = document.getElementById('self-check'), list = box.querySelector('ul'), texts = box.dataset;
  const receipt = document.querySelector('input[name=receipt]').value;
  const add = (text, outcome, detail) => {
    const item = document.createElement('li'), tone = outcome === true ? 'good' : outcome === false ? 'bad' : 'wait';
    item.className = tone;
    item.dataset.passed = String(outcome);
    item.append(document.getElementById(tone).content.cloneNode(true));
    const title = document.createElement('strong'), note = document.createElement('span');
    title.textContent = text + texts.colon + (outcome === true ? texts.passed : outcome === false ? texts.failed : texts.unknown);
    note.textContent = detail || '';
    item.append(title, note);
    list.append(item);
  };
  const check = async (text, run) => {
    try {
      const [outcome, detail] = await run();
      add(text, outcome, detail);
      return outcome;
    } catch (error) {
      add(text, error instanceof TypeError ? null : false, error instanceof TypeError ? texts.offline : error.message);
    }
  };
  // Every fact that the page shows is what the receipt says, and none is left out.
  const members = ['certificate_number', 'occupation_name', 'job_type', 'ability', 'project', 'category', 'item', 'level', 'issued_on', 'valid_to', 'review_due_on', 'issuer_name'];
  const isShown = answer => {
    const said = answer.certificates || [answer.certificate].filter(Boolean), words = JSON.parse(texts.words);
    const sheets = [...document.querySelectorAll('[data-certificate]')];
    const isSame = (sheet, certificate) => {
      const facts = new Map([...sheet.querySelectorAll('dd')].map(item => [item.dataset.member, item.textContent]));
      return sheet.querySelector('h2').textContent === words[certificate.certificate_kind] && (said.length === 1 || sheet.querySelector('.tag').textContent.trim() === words[certificate.outcome]) && members.every(member => certificate[member] ? facts.get(member) === jilu.written(certificate, member, words) : !facts.has(member)) && [...facts.keys()].every(member => members.includes(member));
    };
    // A receipt that is shown again says so before its outcome; a file that was refused is told in more words than `not_found`.
    const told = document.getElementById('outcome').textContent.replace(/^(回执：|Receipt: )/, '').toLowerCase();
    const headings = [answer.outcome, ...(answer.outcome === 'not_found' ? ['forged', 'no_right', 'stolen_key', 'no_document'] : [])];
    return document.querySelector('.outcome').dataset.outcome === answer.outcome && headings.some(code => words[code].toLowerCase() === told) && sheets.length === said.length && said.every((certificate, index) => isSame(sheets[index], certificate));
  };
  const load = async (path, as) => (await fetch(path, { credentials: 'omit' }))[as]();
  box.hidden = false;
  (async () => {
    if (!await jilu.isAble()) return add(texts.signature, null, texts.insecure);
    const jws = jilu.readJws(receipt), answer = jws.payload;
    await check(texts.signature, async () => [Boolean(await jilu.jwsKey(jws, [await load('/keys/' + jws.header.kid.split('#')[1], 'json')])), jws.header.kid]);
    await check(texts.content, async () => [isShown(answer), jilu.beijing(answer.status_as_of)]);
    if (answer.log_index === undefined) return;
    const [proof, key] = [load('/v1/log/proofs?index=' + answer.log_index, 'json'), load('/log/vkey', 'text')];
    let checkpoint = null;
    await check(texts.checkpoint, async () => {
      checkpoint = await jilu.openCheckpoint((await proof).checkpoint, await key);
      return [checkpoint !== null, checkpoint && checkpoint.origin + ' · ' + checkpoint.size];
    });
    await check(texts.log, async () => {
      const { entry, hashes, leaf_index } = await proof, [, kind, recordedAt, organisation] = entry.split('\n');
      return [checkpoint !== null && leaf_index === answer.log_index && await jilu.isIncluded(entry, leaf_index, hashes.map(jilu.fromBase64), checkpoint.size, checkpoint.root), `#${leaf_index} · ${kind} · ${jilu.beijing(recordedAt)} · ${organisation}`];
    });
    // Whoever was here before knows the log's key: an imitation, or a registry with two faces, would show another one.
    await check(texts.known, async () => {
      const now = (await key).trim(), before = localStorage.getItem('jilu log key');
      if (before === null) localStorage.setItem('jilu log key', now);
      return before === null ? [null, texts.first] : [before === now, now];
    });
  })().catch(error => add(texts.signature, false, error.message));
})();
