"""Checks the public log of a running registry with code of its own, written from the specifications' texts alone.

RFC 6962 section 2.1 (hashes), RFC 9162 section 2.1 (proofs), C2SP signed-note, tlog-checkpoint, tlog-tiles, tlog-proof. Only Ed25519
comes from a library. Takes the JSON object of `jilu demo --json`. Every proof must hold, and none of its mutations.
"""

import base64
import hashlib
import json
import random
import sys
import urllib.parse
import urllib.request

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

story = json.loads(sys.argv[1])
base = story["base_url"]
chance = random.Random(7)


def fetch(path, data=None, **headers):
    request = urllib.request.Request(base + path, data=data, headers={name.replace("_", "-"): value for name, value in headers.items()})
    with urllib.request.urlopen(request) as answer:
        return answer.read()


def sha256(data):
    return hashlib.sha256(data).digest()


def leaf_hash(entry):
    return sha256(b"\x00" + entry)


def node_hash(left, right):
    return sha256(b"\x01" + left + right)


def tree_root(leaves):
    """MTH of RFC 6962, 2.1, by its recursion."""
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(tree_root(leaves[:split]), tree_root(leaves[split:]))


def is_included(leaf, index, size, proof, root):
    """RFC 9162, 2.1.3.2."""
    if index >= size:
        return False
    fn, sn, r = index, size - 1, leaf
    for p in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            if not fn & 1:
                while fn and not fn & 1:
                    fn >>= 1
                    sn >>= 1
        else:
            r = node_hash(r, p)
        fn >>= 1
        sn >>= 1
    return sn == 0 and r == root


def is_consistent(first, second, proof, first_root, second_root):
    """RFC 9162, 2.1.4.2."""
    if first == second:
        return not proof and first_root == second_root
    if first & (first - 1) == 0:
        proof = [first_root] + proof
    if not proof:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn >>= 1
        sn >>= 1
    fr = sr = proof[0]
    for c in proof[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            if not fn & 1:
                while fn and not fn & 1:
                    fn >>= 1
                    sn >>= 1
        else:
            sr = node_hash(sr, c)
        fn >>= 1
        sn >>= 1
    return sn == 0 and fr == first_root and sr == second_root


def strict_base64(text):
    """The bytes of a text that is their only encoding: Python itself accepts spare bits and skips foreign characters."""
    decoded = base64.b64decode(text, validate=True)
    assert base64.b64encode(decoded).decode() == text, "not the canonical base64"
    return decoded


def parse_key(vkey):
    name, key_id, encoded = vkey.strip().split("+", 2)
    typed = strict_base64(encoded)
    assert typed[0] == 1 and len(typed) == 33
    assert sha256(name.encode() + b"\n" + typed)[:4].hex() == key_id
    return name, bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(typed[1:])


def open_checkpoint(note, key):
    """Origin, size and root of a note that the key has signed."""
    name, key_id, public = key
    text, signatures = note.rsplit("\n\n", 1)
    text += "\n"
    found = False
    for line in signatures.splitlines():
        dash, signer, encoded = line.split(" ")
        assert dash == "\u2014"
        signature = strict_base64(encoded)
        if signer == name and signature[:4] == key_id:
            public.verify(signature[4:], text.encode())
            found = True
    assert found, "the log's key has not signed the checkpoint"
    origin, size, root = text.splitlines()
    assert origin == name and str(int(size)) == size
    return int(size), strict_base64(root)


def decoded(hashes):
    return [strict_base64(text) for text in hashes]


key = parse_key(fetch("/log/vkey").decode())
assert story["log_vkey"] == fetch("/log/vkey").decode().strip()
note = fetch("/log/checkpoint").decode()
size, root = open_checkpoint(note, key)
for at in range(len(note) - 1):
    changed = note[:at] + ("A" if note[at] != "A" else "B") + note[at + 1 :]
    try:
        open_checkpoint(changed, key)
    except (AssertionError, InvalidSignature, ValueError):
        continue
    raise SystemExit(f"a checkpoint with another character at {at} was accepted")

entries = []
for tile in range((size + 255) // 256):
    width = min(256, size - tile * 256)
    bundle = fetch(f"/log/tile/entries/{tile:03}" + (f".p/{width}" if width < 256 else ""))
    while bundle:
        length = int.from_bytes(bundle[:2], "big")
        entries.append(bundle[2 : 2 + length])
        bundle = bundle[2 + length :]
leaves = [leaf_hash(entry) for entry in entries]
assert len(leaves) == size and tree_root(leaves) == root, "the tree does not have the root that was signed"

checked = refused = 0
for _ in range(60):
    index = chance.randrange(size)
    answer = json.loads(fetch(f"/v1/log/proofs?index={index}"))
    proof = decoded(answer["hashes"])
    assert answer["entry"].encode() == entries[index] and is_included(leaves[index], index, size, proof, root), index
    first = chance.randrange(1, size + 1)
    second = chance.randrange(first, size + 1)
    path = decoded(json.loads(fetch(f"/v1/log/proofs?from={first}&to={second}"))["hashes"])
    roots = tree_root(leaves[:first]), tree_root(leaves[:second])
    assert is_consistent(first, second, path, *roots), (first, second)
    checked += 2
    for hashes, holds in ((proof, lambda mutated: is_included(leaves[index], index, size, mutated, root)), (path, lambda mutated: is_consistent(first, second, mutated, *roots))):
        mutations = [hashes + [root], hashes[:-1], hashes[::-1]] if hashes else [hashes + [root]]
        for at in range(len(hashes)):
            flipped = bytearray(hashes[at])
            flipped[chance.randrange(32)] ^= 1 << chance.randrange(8)
            mutations.append(hashes[:at] + [bytes(flipped)] + hashes[at + 1 :])
        for mutated in mutations:
            if mutated != hashes:
                assert not holds(mutated), "a mutated proof was accepted"
                refused += 1

client = story["clients"]["assessment_body"]
basic = base64.b64encode(f"{client['client_id']}:{client['client_secret']}".encode()).decode()
token = json.loads(fetch("/oauth/token", b"grant_type=client_credentials", authorization=f"Basic {basic}", content_type="application/x-www-form-urlencoded"))["access_token"]
number = urllib.parse.quote(story["certificates"][0]["certificate_number"])
credential = fetch(f"/v1/certificates/{number}", authorization=f"Bearer {token}", accept="application/vc+jwt")
head, checkpoint = fetch(f"/v1/certificates/{number}/proof", accept="text/plain").decode().split("\n\n", 1)
lines = head.split("\n")
assert lines[0] == "c2sp.org/tlog-proof@v1"
extra = strict_base64(lines[1].removeprefix("extra "))
salt, shown = extra[:32], extra[32:]
index = int(lines[2].removeprefix("index "))
commitment = base64.b64encode(sha256(salt + credential)).decode()
assert shown == entries[index]
entry = entries[index].decode().split("\n")
assert entry[0] == "jilu-entry/v1" and entry[1] == "credential_signed" and entry[4] == commitment, entry
proof_size, proof_root = open_checkpoint(checkpoint, key)
assert is_included(leaves[index], index, proof_size, decoded(lines[3:]), proof_root)

print(f"all checks passed: {size} entries, {checked} proofs held, {refused} mutations refused")
