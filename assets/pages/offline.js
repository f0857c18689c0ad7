// The offline verifier: reads files that were dropped, and checks them with the keys that were pinned when it was downloaded. Each receipt
// and certificate gets one heading, by the worst that a check found; what cannot be checked here never looks as if it had been.
(() => {
  const read = id => JSON.parse(document.getElementById(id).textContent), copy = id => document.getElementById(id).content.cloneNode(true);
  const pinned = read('pinned'), texts = read('texts'), words = read('words');
  const results = document.getElementById('results'), input = document.getElementById('files');
  const tones = { true: 'good', false: 'bad', null: 'wait' };
  const BYTES_MAX = 32 << 20;
  // From the worst to the least; without any of them a certificate is genuine, and its status not asked.
  const FAULTS = ['forged', 'stolen_key', 'unknown_key', 'foreign', 'not_yet', 'expired'];

  function make(name, className, ...inside) {
    const element = document.createElement(name);
    if (className) element.className = className;
    element.append(...inside);
    return element;
  }

  // `checks` are { passed, title, detail, word }: true is passed, false failed, null not made.
  function article(file, { code, name, meaning, tone, facts = [], checks = [] }) {
    const heading = { ...texts.headings[code], ...(name && { name }), ...(meaning && { meaning }), ...(tone && { tone }) };
    const outcome = make('section', `outcome ${heading.tone}`, copy(`shape-${code}`), make('h2', '', heading.name), make('p', '', heading.meaning));
    outcome.dataset.outcome = code;
    const list = make('ul', 'checks', ...checks.map(({ passed, title, detail, word }) => {
      const note = make('span', '', detail || '');
      note.lang = /[\u4e00-\u9fff]/.test(detail) ? 'zh-CN' : 'en';
      const item = make('li', tones[passed], copy(tones[passed]), make('strong', '', title + texts.colon + (word || texts.words[passed])), note);
      item.dataset.passed = String(passed);
      return item;
    }));
    const told = facts.flatMap(([label, value]) => [make('dt', '', label), make('dd', '', value)]);
    const shown = make('article', '', make('p', 'quiet', file.name), outcome);
    if (told.length || checks.length) shown.append(make('div', 'sheet', ...(told.length ? [make('dl', 'facts', ...told)] : []), list));
    return shown;
  }

  const ownerOf = key => key.slice(0, key.lastIndexOf('#'));
  const check = (passed, title, detail, fault) => ({ passed, title, detail, fault: passed === true ? null : fault });

  const isOwn = owner => owner === pinned.did || owner.startsWith(`${pinned.did}:organisations:`);

  // Whether `author` signed a JWS, as a check under a title; with the key when it is a pinned one and did.
  async function signed(jws, title, author, refused) {
    const kid = String(jws.header.kid), key = pinned.keys.find(key => key.kid === kid);
    if (ownerOf(kid) !== author) return [check(false, title, refused, 'forged')];
    if (!key) return [isOwn(author) ? check(null, title, texts.unknown_key, 'unknown_key') : check(null, title, texts.foreign, 'foreign')];
    return await jilu.jwsKey(jws, pinned.keys) ? [check(true, title, kid), key] : [check(false, title, texts.changed, 'forged')];
  }

  const tried = (read, text) => { try { return [read(text)]; } catch { return []; } };
  const JWS = /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}(?![A-Za-z0-9_-])/g;
  const PROOF = /c2sp\.org\/tlog-proof@v1\n(?:extra [A-Za-z0-9+/=]+\n)?index [0-9]+\n(?:[A-Za-z0-9+/=]+\n)*\n(?:[^\n]+\n)+\n(?:\u2014 \S+ \S+\n)+/g;

  // What can be checked in a file. A text is one thing and nothing else, as the registry handed it out; a PDF carries several, which stand
  // in it as they are, and a text of one byte a character keeps their places.
  async function open(file) {
    const opened = { name: file.name, jws: [], proofs: [] };
    if (file.size > BYTES_MAX) throw new Error('too large');
    opened.bytes = new Uint8Array(await file.arrayBuffer());
    const plain = new TextDecoder('latin1').decode(opened.bytes), text = new TextDecoder().decode(opened.bytes);
    opened.plain = plain;
    opened.isPaper = plain.slice(0, 1024).includes('%PDF-');
    const seen = new Set(), alone = found => opened.isPaper || found.trim() === text.trim();
    for (const match of plain.matchAll(JWS)) {
      for (const jws of alone(match[0]) ? tried(jilu.readJws, match[0]) : []) {
        const typ = jws.header.typ;
        if (typ === 'jilu-seal+jws' || !seen.has(match[0])) opened.jws.push({ jws, typ, text: match[0], place: match.index });
        seen.add(match[0]);
      }
    }
    opened.proofs = (text.match(PROOF) || []).filter(alone).flatMap(proof => tried(jilu.readProofFile, proof));
    return opened;
  }

  // What stands above an answer, by its outcome and its checks: as `Heading::of` has it.
  function headingOf({ outcome, checks }) {
    const failed = names => checks.some(one => one.outcome === 'failed' && names.includes(one.check));
    if (outcome !== 'not_found' || !checks.some(one => ['proof', 'file', 'key', 'document', 'right_to_issue'].includes(one.check))) return outcome;
    if (failed(['document']) || checks.every(one => one.check === 'file' && one.outcome === 'failed')) return 'no_document';
    if (failed(['file', 'proof', 'record', 'log'])) return 'forged';
    if (failed(['right_to_issue'])) return 'no_right';
    return failed(['key']) ? 'stolen_key' : outcome;
  }

  async function judgeReceipt({ jws }) {
    const owner = ownerOf(String(jws.header.kid)), author = isOwn(owner) ? pinned.did : owner;
    const [signature, key] = await signed(jws, texts.signature, author, texts.not_the_registry), answer = jws.payload;
    if (!key) return { code: signature.fault, checks: [signature] };
    if (key.revoked_at) return { code: 'stolen_key', checks: [check(false, texts.signature, texts.stolen)] };
    const code = headingOf(answer);
    // A word that is younger than this tool.
    if (!texts.headings[code]) return { code: 'unknown_key', checks: [signature] };
    const said = answer.certificates || [answer.certificate].filter(Boolean);
    const facts = said.flatMap(certificate => [
      [texts.certificate, words[certificate.certificate_kind] + (said.length > 1 ? ` · ${words[certificate.outcome]}` : '')],
      ...Object.entries(texts.members).filter(([member]) => certificate[member]).map(([member, label]) => [label, jilu.written(certificate, member, words)]),
    ]);
    const checks = answer.checks.map(one => ({ passed: { passed: true, failed: false }[one.outcome] ?? null, title: texts.checks[one.check] || one.check, detail: one.detail, word: one.outcome === 'pending' ? texts.pending : '' }));
    // Nobody may take it for an answer of today.
    const tone = code === 'valid' ? 'none' : undefined;
    return { code, name: texts.receipt + texts.headings[code].name, meaning: texts.of_then, tone, facts: [[texts.as_of, jilu.beijing(answer.status_as_of)], ...facts], checks: [signature, ...checks] };
  }

  // A paper is sealed over every byte but the seal's own. Where that stands is not signed, so it has to be the whole of a stream.
  async function checkSeal({ bytes, plain, jws }, issuer) {
    const seals = jws.filter(one => one.typ === 'jilu-seal+jws');
    if (seals.length !== 1) return check(false, texts.seal, texts.seal_missing, 'forged');
    const [seal] = seals, end = seal.place + seal.text.length;
    if (!/stream\r?\n$/.test(plain.slice(seal.place - 8, seal.place)) || !/^\r?\n?endstream/.test(plain.slice(end, end + 11))) return check(false, texts.seal, texts.seal_bad, 'forged');
    const [signature, key] = await signed(seal.jws, texts.seal, issuer, texts.seal_bad);
    if (!key) return signature;
    const rest = new Uint8Array(bytes.length - seal.text.length);
    rest.set(bytes.subarray(0, seal.place));
    rest.set(bytes.subarray(end), seal.place);
    const isWhole = seal.jws.payload?.sha256 === await jilu.digest(rest);
    if (!isWhole) return check(false, texts.seal, texts.seal_bad, 'forged');
    return key.revoked_at ? check(false, texts.seal, texts.stolen, 'stolen_key') : check(true, texts.seal, texts.seal_good);
  }

  // The proofs that were made for a document, wherever they were dropped.
  async function proofsOf(text, proofs) {
    const about = [];
    for (const proof of proofs) if (await jilu.isOf(text, proof).catch(() => false)) about.push(proof);
    about.forEach(proof => { proof.isUsed = true; });
    return about;
  }

  // Whether the log has the document. A damaged copy of a proof beside a good one harms nothing; a paper whose own fits nothing needs another.
  async function checkLog(file, text, issuer, about) {
    for (const proof of about) {
      const entry = jilu.entryOf(proof);
      if (entry.kind === 'credential_signed' && issuer.endsWith(`:${entry.organisation}`) && await jilu.isLogged(text, proof, pinned.log_key).catch(() => false)) {
        return [check(true, texts.log, `#${proof.index} · ${jilu.beijing(entry.recordedAt)}`), new Date(entry.recordedAt)];
      }
    }
    return [about.length || file.proofs.length ? check(false, texts.log, texts.log_bad, 'forged') : check(null, texts.log, texts.log_missing), null];
  }

  function checkDates({ validFrom, validUntil }) {
    // A device whose clock is late is not believed beyond the day of this tool.
    const now = Math.max(Date.now(), new Date(pinned.made_at)), said = [validFrom, validUntil].filter(Boolean).map(jilu.beijing).join(' – ');
    if (!(now >= new Date(validFrom))) return check(false, texts.checks.validity, said, 'not_yet');
    return validUntil === undefined || now <= new Date(validUntil) ? check(true, texts.checks.validity, said) : check(false, texts.checks.validity, said, 'expired');
  }

  async function judgeCredential(file, { jws, text }, proofs) {
    const about = await proofsOf(text, proofs), credential = jws.payload, issuer = String(credential?.issuer?.id ?? credential?.issuer);
    const [signature, key] = await signed(jws, texts.signature, issuer, texts.not_the_issuer);
    if (!key) return { code: signature.fault, checks: [signature] };
    // Learner records and status lists are signed so too.
    if (![credential.type].flat().includes('OpenBadgeCredential')) return { code: 'no_document', meaning: texts.nothing };
    const checks = [signature];
    if (file.isPaper) checks.push(await checkSeal(file, issuer));
    const [logged, recordedAt] = await checkLog(file, text, issuer, about);
    if (key.revoked_at && !(recordedAt && recordedAt < new Date(key.revoked_at))) checks[0] = check(false, texts.signature, texts.stolen, 'stolen_key');
    checks.push(logged, checkDates(credential), check(null, texts.checks.status, texts.status_unknown));
    const worst = FAULTS.find(fault => checks.some(one => one.fault === fault));
    const subject = credential.credentialSubject || {};
    const facts = [
      [texts.certificate, (subject.achievement || credential).name],
      [texts.members.certificate_number, subject.licenseNumber],
      [texts.members.issuer_name, credential.issuer?.name],
    ].filter(([, value]) => value);
    return { code: worst || 'unasked', facts: ['not_yet', 'expired', undefined].includes(worst) ? facts : [], checks };
  }

  // Everything that is said of one file.
  async function judge(file, proofs) {
    const of = typ => file.jws.filter(one => one.typ === typ), credentials = of('vc+jwt'), receipts = of('jilu-receipt+jwt');
    if (credentials.length > 1) return [{ code: 'forged', checks: [check(false, texts.seal, texts.several)] }];
    if (credentials.length === 1) return [await judgeCredential(file, credentials[0], proofs)];
    // Alone in its paper, as in every paper of a receipt: anybody could put one beside a certificate that was changed.
    const isAlone = !file.isPaper || ((file.plain.match(/\/EmbeddedFile\b/g) || []).length === 1 && !file.plain.includes('/ObjStm'));
    if (receipts.length === 1 && file.jws.length === 1 && isAlone) return [await judgeReceipt(receipts[0])];
    // A paper of ours whose credential was broken.
    if (of('jilu-seal+jws').length) return [{ code: 'forged', checks: [check(false, texts.seal, texts.seal_bad)] }];
    return file.proofs.length && !file.jws.length ? [] : [{ code: 'no_document', meaning: texts.nothing }];
  }

  let turns = 0;
  async function run(files) {
    const turn = ++turns, unread = { code: 'no_document', meaning: texts.unread }, shown = [];
    const opened = await Promise.all(files.map(file => open(file).catch(() => ({ name: file.name, isUnread: true, jws: [], proofs: [] }))));
    const proofs = opened.flatMap(file => file.proofs);
    for (const file of opened) shown.push(...(file.isUnread ? [unread] : await judge(file, proofs).catch(() => [unread])).map(said => article(file, said)));
    // A proof of something else is not passed over.
    for (const file of opened) if (!file.jws.length && file.proofs.some(proof => !proof.isUsed)) shown.push(article(file, { code: 'no_document', meaning: texts.proof_alone }));
    // Files that were dropped meanwhile have their own turn.
    if (turn !== turns) return;
    results.replaceChildren(...shown);
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
  document.addEventListener('drop', event => { event.preventDefault(); if (!input.disabled) run([...event.dataTransfer.files]); });
  jilu.isAble().then(isAble => { input.disabled = !isAble; document.getElementById('unable').hidden = isAble; });
})();
