// Checks signatures and proofs of the log in the browser, with WebCrypto alone: Ed25519 (RFC 8032), SHA-256, Merkle trees (RFC 9162, 2.1.3),
// signed notes and checkpoints (C2SP). Nothing of the registry has to be believed but its keys. With it, how pages write what was signed.
const jilu = (() => {
  const utf8 = new TextEncoder();
  const fromBase64 = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
  const fromBase64url = text => {
    if (!/^[A-Za-z0-9_-]*$/.test(text)) throw new Error('base64url expected');
    return fromBase64(text.replace(/-/g, '+').replace(/_/g, '/'));
  };
  const toHex = bytes => [...bytes].map(b => b.toString(16).padStart(2, '0')).join('');
  const join = (...parts) => Uint8Array.from(parts.flatMap(part => [...part]));
  const equal = (a, b) => a.length === b.length && a.every((value, index) => value === b[index]);
  const sha256 = async bytes => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));

  async function isSigned(publicKey, signature, bytes) {
    const key = await crypto.subtle.importKey('raw', publicKey, { name: 'Ed25519' }, false, ['verify']);
    return crypto.subtle.verify({ name: 'Ed25519' }, key, signature, bytes);
  }

  // A compact JWS (RFC 7515) with its header and payload read; the signature is not checked yet.
  function readJws(text) {
    const parts = text.trim().split('.');
    if (parts.length !== 3) throw new Error('three parts expected');
    const read = part => JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(fromBase64url(part)));
    return { header: read(parts[0]), payload: read(parts[1]), signed: utf8.encode(parts[0] + '.' + parts[1]), signature: fromBase64url(parts[2]) };
  }

  // Whether one of the keys (JWK) signed it; the key must be the one that the header names.
  async function jwsKey(jws, keys) {
    if (jws.header.alg !== 'EdDSA' && jws.header.alg !== 'Ed25519') return null;
    const key = keys.find(key => key.kid === jws.header.kid && key.kty === 'OKP' && key.crv === 'Ed25519');
    return key && await isSigned(fromBase64url(key.x), jws.signature, jws.signed) ? key : null;
  }

  // A verifier key of a signed note: name+hash+base64(algorithm || public key).
  function readVerifierKey(text) {
    const [name, id, encoded] = text.trim().split(/\+(.{8})\+/);
    const bytes = fromBase64(encoded);
    if (bytes[0] !== 1 || bytes.length !== 33) throw new Error('a key of Ed25519 expected');
    return { name, id, publicKey: bytes.slice(1) };
  }

  // The checkpoint in a signed note, if the log's key signed it; null otherwise.
  async function openCheckpoint(note, verifierKey) {
    const key = readVerifierKey(verifierKey);
    const end = note.lastIndexOf('\n\n');
    const text = note.slice(0, end + 1), [origin, size, root] = text.split('\n');
    for (const line of note.slice(end + 2).split('\n')) {
      const [, name, encoded] = line.match(/^\u2014 (\S+) (\S+)$/) || [];
      if (name !== key.name) continue;
      const bytes = fromBase64(encoded);
      if (toHex(bytes.slice(0, 4)) === key.id && origin === key.name && await isSigned(key.publicKey, bytes.slice(4), utf8.encode(text))) return { origin, size: Number(size), root: fromBase64(root) };
    }
    return null;
  }

  const leafHash = entry => sha256(join([0], utf8.encode(entry)));
  const nodeHash = (left, right) => sha256(join([1], left, right));

  // RFC 9162, 2.1.3.2.
  async function isIncluded(entry, index, hashes, size, root) {
    if (index >= size) return false;
    let [node, last] = [index, size - 1], hash = await leafHash(entry);
    for (const other of hashes) {
      if (last === 0) return false;
      if (node % 2 === 1 || node === last) {
        hash = await nodeHash(other, hash);
        while (node % 2 === 0 && node !== 0) { node = Math.floor(node / 2); last = Math.floor(last / 2); }
      } else hash = await nodeHash(hash, other);
      node = Math.floor(node / 2); last = Math.floor(last / 2);
    }
    return last === 0 && equal(hash, root);
  }

  // A proof file (C2SP tlog-proof).
  function readProofFile(text) {
    const end = text.indexOf('\n\n'), lines = text.slice(0, end).split('\n');
    if (lines.shift() !== 'c2sp.org/tlog-proof@v1') throw new Error('a tlog-proof expected');
    const extra = lines[0].startsWith('extra ') ? fromBase64(lines.shift().slice(6)) : null;
    return { extra, index: Number(lines.shift().slice(6)), hashes: lines.map(fromBase64), checkpoint: text.slice(end + 2) };
  }

  const saltOf = proof => proof.extra.slice(0, 32), textOf = proof => new TextDecoder().decode(proof.extra.slice(32));

  // The entry of a proof file, as the log has it (`merkle/leaf.rs`).
  function entryOf(proof) {
    const [version, kind, recordedAt, organisation, commitment] = textOf(proof).split('\n');
    if (version !== 'jilu-entry/v1') throw new Error('an entry expected');
    return { kind, recordedAt, organisation, commitment: fromBase64(commitment) };
  }

  // Whether the entry of a proof file commits to the document.
  async function isOf(document, proof) {
    return proof.extra !== null && equal(entryOf(proof).commitment, await sha256(join(saltOf(proof), utf8.encode(document))));
  }

  // Whether the document is the one that the entry of a proof file commits to, and the entry is in the log.
  async function isLogged(document, proof, verifierKey) {
    if (!await isOf(document, proof)) return false;
    const checkpoint = await openCheckpoint(proof.checkpoint, verifierKey);
    return checkpoint !== null && isIncluded(textOf(proof), proof.index, proof.hashes, checkpoint.size, checkpoint.root);
  }

  const digest = async bytes => toHex(await sha256(bytes));

  // What pages write for a member of a certificate, and for a moment.
  const isChinese = document.documentElement.lang === 'zh-CN';
  function written(certificate, member, words) {
    if (member === 'level') return words[certificate.level];
    if (member === 'occupation_name' && certificate.occupation_code) return certificate.occupation_name + (isChinese ? `（${certificate.occupation_code}）` : ` (${certificate.occupation_code})`);
    return certificate[member];
  }
  const beijing = text => new Date(text).toLocaleString('sv-SE', { timeZone: 'Asia/Shanghai' }) + (isChinese ? '（北京时间）' : ' (Beijing time)');

  // Some browsers have WebCrypto on pages by https only, older ones not Ed25519.
  const isAble = () => Promise.resolve().then(() => crypto.subtle.importKey('raw', fromBase64url('11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'), { name: 'Ed25519' }, false, ['verify'])).then(() => true, () => false);
  return { fromBase64, readJws, jwsKey, openCheckpoint, isIncluded, readProofFile, isOf, entryOf, isLogged, digest, written, beijing, isAble };
})();
