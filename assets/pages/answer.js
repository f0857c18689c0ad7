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
  const load = async (path, as) => (await fetch(path, { credentials: 'omit' }))[as]();
  box.hidden = false;
  if (!jilu.isAble()) return add(texts.signature, null, texts.insecure);
  (async () => {
    const jws = jilu.readJws(receipt), answer = jws.payload;
    await check(texts.signature, async () => [Boolean(await jilu.jwsKey(jws, (await load('/.well-known/jwks.json', 'json')).keys)), jws.header.kid]);
    const shown = document.querySelector('.outcome').dataset.outcome, numbers = [...document.querySelectorAll('.facts dd')].map(item => item.textContent);
    const said = [answer.certificate, ...(answer.certificates || [])].filter(Boolean).map(certificate => certificate.certificate_number);
    await check(texts.content, async () => [shown === answer.outcome && said.every(number => numbers.includes(number)), answer.status_as_of]);
    if (answer.log_index === undefined) return;
    const [proof, key] = [load('/v1/log/proofs?index=' + answer.log_index, 'json'), load('/log/vkey', 'text')];
    let checkpoint = null;
    await check(texts.checkpoint, async () => {
      checkpoint = await jilu.openCheckpoint((await proof).checkpoint, await key);
      return [checkpoint !== null, checkpoint && checkpoint.origin + ' · ' + checkpoint.size];
    });
    await check(texts.log, async () => {
      const { entry, hashes, leaf_index } = await proof;
      return [checkpoint !== null && leaf_index === answer.log_index && await jilu.isIncluded(entry, leaf_index, hashes.map(jilu.fromBase64), checkpoint.size, checkpoint.root), '#' + leaf_index + ' · ' + entry.split('\n').slice(1, 4).join(' · ')];
    });
    // Whoever was here before knows the log's key: an imitation, or a registry with two faces, would show another one.
    await check(texts.known, async () => {
      const now = (await key).trim(), before = localStorage.getItem('jilu log key');
      if (before === null) localStorage.setItem('jilu log key', now);
      return [before === null || before === now, now];
    });
  })().catch(error => add(texts.signature, false, error.message));
})();
