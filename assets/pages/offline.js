// The offline verifier: reads files that were dropped, and checks them with the keys that were pinned when it was downloaded. What it
// finds is shown as the registry's own answers are: one heading for each receipt and certificate, its facts, and every check.
(() => {
  const read = id => JSON.parse(document.getElementById(id).textContent), copy = id => document.getElementById(id).content.cloneNode(true);
  const pinned = read('pinned'), texts = read('texts'), words = read('words');
  const results = document.getElementById('results'), input = document.getElementById('files');
  const tones = { true: 'good', false: 'bad', null: 'wait' };

  function make(name, className, ...inside) {
    const element = document.createElement(name);
    if (className) element.className = className;
    element.append(...inside);
    return element;
  }

  // `checks` are [outcome, title, detail]; true is passed, false failed, null not made.
  function show(file, { code, name, meaning, tone, facts = [], checks = [] }) {
    const heading = { ...texts.headings[code], ...(name && { name }), ...(meaning && { meaning }), ...(tone && { tone }) };
    const outcome = make('section', `outcome ${heading.tone}`, copy(`shape-${code}`), make('h2', '', heading.name), make('p', '', heading.meaning));
    outcome.dataset.outcome = code;
    const list = make('ul', 'checks', ...checks.map(([passed, title, detail]) => {
      const item = make('li', tones[passed], copy(tones[passed]), make('strong', '', title + texts.colon + texts.words[passed]), make('span', '', detail || ''));
      item.dataset.passed = String(passed);
      return item;
    }));
    const told = facts.flatMap(([label, value]) => [make('dt', '', label), make('dd', '', value)]);
    const article = make('article', '', make('p', 'quiet', file), outcome);
    if (told.length || checks.length) article.append(make('div', 'sheet', ...(told.length ? [make('dl', 'facts', ...told)] : []), list));
    results.append(article);
  }

  const ownerOf = key => key.slice(0, key.lastIndexOf('#'));
  const isOwn = owner => owner === pinned.did || owner.startsWith(`${pinned.did}:organisations:`);

  // Whose key signed a JWS: the heading that it gets for that alone, if it gets one, and the check.
  async function signed(jws) {
    const kid = String(jws.header.kid), key = pinned.keys.find(key => key.kid === kid);
    if (!key) return isOwn(ownerOf(kid)) ? ['unknown_key', [null, texts.signature, texts.unknown_key]] : ['forged', [false, texts.signature, texts.foreign]];
    if (!await jilu.jwsKey(jws, pinned.keys)) return ['forged', [false, texts.signature, texts.changed]];
    return [null, [true, texts.signature, kid], key];
  }

  // Everything that can be checked in a file: JWS texts and proof files, also inside a PDF, where they stand as they are. A text of one
  // byte a character keeps every place.
  async function open(file) {
    const bytes = new Uint8Array(await file.arrayBuffer()), plain = new TextDecoder('latin1').decode(bytes), seen = new Set(), found = [];
    const tried = (read, text) => { try { return [read(text)]; } catch { return []; } };
    for (const match of plain.matchAll(/eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}(?![A-Za-z0-9_-])/g)) {
      for (const jws of tried(jilu.readJws, match[0])) {
        if (jws.header.typ === 'jilu-seal+jws' || !seen.has(match[0])) found.push({ jws, typ: jws.header.typ, text: match[0], place: match.index });
        seen.add(match[0]);
      }
    }
    const proofs = new TextDecoder().decode(bytes).match(/c2sp\.org\/tlog-proof@v1\n(?:extra [A-Za-z0-9+/=]+\n)?index [0-9]+\n(?:[A-Za-z0-9+/=]+\n)*\n(?:[^\n]+\n)+\n(?:\u2014 \S+ \S+\n)+/g) || [];
    const of = typ => found.filter(one => one.typ === typ);
    return { name: file.name, bytes, isPaper: plain.startsWith('%PDF'), receipts: of('jilu-receipt+jwt'), credentials: of('vc+jwt'), seals: of('jilu-seal+jws'), proofs: proofs.flatMap(text => tried(jilu.readProofFile, text)) };
  }

  async function checkReceipt(file, { jws }) {
    const [refused, check, key] = await signed(jws), answer = jws.payload, asOf = [[texts.as_of, jilu.beijing(answer.status_as_of)]];
    if (refused) return show(file.name, { code: refused, checks: [check] });
    if (ownerOf(key.kid) !== pinned.did) return show(file.name, { code: 'forged', checks: [[false, texts.signature, texts.not_the_registry]] });
    if (key.revoked_at) return show(file.name, { code: 'stolen_key', checks: [[false, texts.signature, texts.stolen]] });
    const said = answer.certificates || [answer.certificate].filter(Boolean);
    const facts = said.flatMap(certificate => [
      [texts.certificate, words[certificate.certificate_kind] + (said.length > 1 ? ` · ${words[certificate.outcome]}` : '')],
      ...Object.entries(texts.members).filter(([member]) => certificate[member]).map(([member, label]) => [label, jilu.written(certificate, member, words)]),
    ]);
    const checks = answer.checks.map(one => [{ passed: true, failed: false }[one.outcome] ?? null, texts.checks[one.check] || one.check, one.detail]);
    // Nobody may take it for an answer of today.
    const tone = answer.outcome === 'valid' ? 'none' : undefined;
    show(file.name, { code: answer.outcome, name: texts.receipt + texts.headings[answer.outcome].name, meaning: texts.of_then, tone, facts: [...asOf, ...facts], checks: [check, ...checks] });
  }

  // A paper is sealed over every byte but the seal's own.
  async function checkSeal({ bytes, seals }, issuer) {
    if (seals.length !== 1) return [false, texts.seal, texts.seal_missing];
    const [{ jws, text, place }] = seals, [refused, check, key] = await signed(jws);
    if (refused) return [refused === 'unknown_key' ? null : false, texts.seal, check[2]];
    const rest = new Uint8Array(bytes.length - text.length);
    rest.set(bytes.subarray(0, place));
    rest.set(bytes.subarray(place + text.length), place);
    const isWhole = ownerOf(key.kid) === issuer && jws.payload.sha256 === await jilu.digest(rest);
    if (isWhole && key.revoked_at) return [false, texts.seal, texts.stolen];
    return [isWhole, texts.seal, isWhole ? texts.seal_good : texts.seal_bad];
  }

  // Whether the log has the document: by the proof that was made for it, wherever that was dropped.
  async function checkLog(file, text, proofs) {
    for (const proof of proofs) {
      if (!await jilu.isOf(text, proof)) continue;
      const isLogged = await jilu.isLogged(text, proof, pinned.log_key).catch(() => false);
      return [[isLogged, texts.log, isLogged ? `#${proof.index} · ${jilu.beijing(jilu.recordedAt(proof))}` : texts.log_bad], isLogged ? jilu.recordedAt(proof) : null];
    }
    return [file.proofs.length ? [false, texts.log, texts.log_bad] : [null, texts.log, texts.log_missing], null];
  }

  async function checkCredential(file, { jws, text }, proofs) {
    const [refused, check, key] = await signed(jws), document = jws.payload, subject = document.credentialSubject || {}, issuer = (document.issuer || {}).id;
    if (refused) return show(file.name, { code: refused, checks: [check] });
    if (ownerOf(key.kid) !== issuer) return show(file.name, { code: 'forged', checks: [[false, texts.signature, texts.not_the_issuer]] });
    const checks = [check];
    if (file.isPaper) checks.push(file.credentials.length === 1 ? await checkSeal(file, issuer) : [false, texts.seal, texts.several]);
    const [logged, recordedAt] = await checkLog(file, text, proofs);
    checks.push(logged);
    const isStolen = key.revoked_at && !(recordedAt && recordedAt < key.revoked_at);
    if (isStolen) checks[0] = [false, texts.signature, texts.stolen];
    const now = new Date(), [from, until] = [document.validFrom, document.validUntil].map(text => text && new Date(text));
    const isOver = Boolean(until) && now >= until;
    checks.push([!isOver && now >= from, texts.checks.validity, [document.validFrom, document.validUntil].filter(Boolean).map(jilu.beijing).join(' – ')]);
    checks.push([null, texts.checks.status, texts.status_unknown]);
    const isForged = checks.some(([passed, title]) => passed === false && [texts.seal, texts.log].includes(title));
    const facts = [
      [texts.certificate, (subject.achievement || document).name],
      [texts.members.certificate_number, subject.licenseNumber],
      [texts.members.issuer_name, (document.issuer || {}).name],
    ].filter(([, value]) => value);
    show(file.name, { code: isForged ? 'forged' : isStolen ? 'stolen_key' : isOver ? 'expired' : 'unasked', facts: isForged || isStolen ? [] : facts, checks });
  }

  async function run(files) {
    results.replaceChildren();
    const opened = await Promise.all([...files].map(open)), proofs = opened.flatMap(file => file.proofs);
    for (const file of opened) {
      for (const receipt of file.receipts) await checkReceipt(file, receipt);
      for (const credential of file.credentials) await checkCredential(file, credential, proofs);
      if (!file.receipts.length && !file.credentials.length && !(file.proofs.length && opened.length > 1)) show(file.name, { code: 'no_document', meaning: texts.nothing });
    }
    results.dataset.done = String(opened.length);
    results.querySelector('h2')?.scrollIntoView({ block: 'center' });
  }

  input.addEventListener('change', () => {
    const files = [...input.files];
    // The same file can be chosen again, when it has changed.
    input.value = '';
    run(files);
  });
  document.addEventListener('dragover', event => event.preventDefault());
  document.addEventListener('drop', event => { event.preventDefault(); run(event.dataTransfer.files); });
  if (!jilu.isAble()) document.getElementById('unable').hidden = false;
})();
