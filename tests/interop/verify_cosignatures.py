"""Checks a cosigned checkpoint with code of its own, written from the texts of C2SP signed-note and tlog-cosignature alone.

Arguments: the checkpoint, the verifier key of the log, the verifier keys of its witnesses. Every signature must hold, and none of
its mutations.
"""

import base64
import hashlib
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LOG, WITNESS = 1, 4


def key_of(vkey):
    name, identifier, encoded = vkey.split("+", 2)
    typed = base64.b64decode(encoded, validate=True)
    expected = hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4]
    assert bytes.fromhex(identifier) == expected, "the key identifier does not follow from name and key"
    return name, expected, typed[0], Ed25519PublicKey.from_public_bytes(typed[1:])


def has_signed(note, vkey):
    name, identifier, kind, key = key_of(vkey)
    text, signatures = note.rsplit("\n\n", 1)
    text += "\n"
    for line in signatures.splitlines():
        dash, signer, encoded = line.split(" ")
        signature = base64.b64decode(encoded, validate=True)
        if dash != "—" or signer != name or signature[:4] != identifier:
            continue
        message, signature = text.encode(), signature[4:]
        if kind == WITNESS:
            seconds = int.from_bytes(signature[:8], "big")
            message, signature = f"cosignature/v1\ntime {seconds}\n".encode() + message, signature[8:]
        try:
            key.verify(signature, message)
            return True
        except InvalidSignature:
            return False
    return False


note, log, witnesses = sys.argv[1], sys.argv[2], sys.argv[3:]
assert key_of(log)[2] == LOG and all(key_of(witness)[2] == WITNESS for witness in witnesses)
assert len(witnesses) > 0
origin, size, root = note.split("\n\n", 1)[0].split("\n")[:3]
assert origin == key_of(log)[0] and str(int(size)) == size and len(base64.b64decode(root)) == 32
for vkey in [log, *witnesses]:
    assert has_signed(note, vkey), f"{vkey.split('+')[0]} has not signed"
    changed = note.replace(f"\n{size}\n", f"\n{int(size) + 1}\n", 1)
    assert not has_signed(changed, vkey), "a changed checkpoint passes"
print(f"{1 + len(witnesses)} signatures under {size} entries")
