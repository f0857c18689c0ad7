// The offline verifier: reads files that were dropped, and checks them with the keys that were pinned when it was downloaded.
(() => {
  const pinned = JSON.parse(document.getElementById('pinned').textContent), texts = JSON.parse(document.getElementById('texts').textContent);
  const list = document.querySelector('#results'), input = document.getElementById('files');
  const tones = { true: 'good', false: 'bad', null: 'wait' };
  const line = (outcome, title, detail) => {
    const item = document.createElement('li');
    item.className = tones[outcome];
    item.dataset.passed = String(outcome);
    item.append(document.getElementById(tones[outcome]).content.cloneNode(true));
    const strong = document.createElement('strong'), span = document.createElement('span');
    strong.textContent = title;
    span.textContent = detail || '';
    item.append(strong, span);
    list.append(item);
  };
  // Everything that can be checked in a file: JWS texts and proof files, also inside a PDF, where they stand as they are.
  const find = text => ({
    jws: [...new Set(text.match(/eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}(?![A-Za-z0-9_-])/g) || [])],
    proofs: text.match(/c2sp\.org\/tlog-proof@v1\n(?:extra [A-Za-z0-9+/=]+\n)?index [0-9]+\n(?:[A-Za-z0-9+/=]+\n)*\n(?:[^\n]+\n)+\n(?:\u2014 \S+ \S+\n)+/g) || [],
  });

  async function run(files) {
    list.replaceChildren();
    const found = { jws: [], proofs: [] };
    for (const file of files) {
      const { jws, proofs } = find(await file.text());
      found.jws.push(...jws);
      found.proofs.push(...proofs);
    }
    if (found.jws.length === 0) return line(false, texts.nothing);
    for (const text of found.jws) await checkJws(text, found.proofs);
  }

  async function checkJws(text, proofs) {
    let jws;
    try { jws = jilu.readJws(text); } catch { return; }
    const key = await jilu.jwsKey(jws, pinned.keys);
    if (jws.header.typ === 'jilu-receipt+jwt') {
      line(key !== null, key ? texts.receipt_good : texts.receipt_bad, jws.header.kid);
      if (!key) return;
      const answer = jws.payload, certificate = answer.certificate || {};
      line(answer.outcome === 'valid' ? true : null, texts.outcomes[answer.outcome] + (certificate.certificate_number ? ' · ' + certificate.certificate_number : ''), texts.as_of + ' ' + answer.status_as_of);
    } else if (jws.header.typ === 'vc+jwt') {
      const document = jws.payload, subject = document.credentialSubject || {};
      line(key !== null, key ? texts.credential_good : texts.credential_bad, jws.header.kid);
      if (!key) return;
      const names = (subject.identifier || []).map(identity => identity.identityHash).join(' · ');
      line(true, (subject.achievement || {}).name || '', [subject.licenseNumber, names, document.validFrom].filter(Boolean).join(' · '));
      let isLogged = null;
      for (const proof of proofs) isLogged = isLogged || await jilu.isLogged(text, jilu.readProofFile(proof), pinned.log_key).catch(() => false);
      line(isLogged, isLogged === null ? texts.log_missing : isLogged ? texts.log_good : texts.log_bad, pinned.log_key.split('+')[0]);
      line(null, texts.status_unknown, pinned.public_url);
    }
  }

  input.addEventListener('change', () => run(input.files));
  document.addEventListener('dragover', event => event.preventDefault());
  document.addEventListener('drop', event => { event.preventDefault(); run(event.dataTransfer.files); });
  if (!jilu.isAble()) line(null, texts.insecure);
})();
