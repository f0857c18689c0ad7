"""Reads what a worker took away with programs that the registry did not write: openpyxl, Python's csv, jsonschema, cryptography.

Takes a JSON object: base_url, directory with the files, the CLR schema's path, and what must stand in them. Canonical JSON
(RFC 8785) and the log's proof are checked by code of its own.
"""

import base64
import csv
import datetime
import hashlib
import json
import pathlib
import sys
import urllib.parse
import urllib.request

import jsonschema
import openpyxl
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

story = json.loads(sys.argv[1])
base = story["base_url"]
files = pathlib.Path(story["directory"])


def fetch(path):
    with urllib.request.urlopen(base + path) as answer:
        return answer.read()


def sha256(data):
    return hashlib.sha256(data).digest()


def from_base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def resolve(did):
    parts = did.split(":")[2:]
    path = "/".join(parts[1:]) or ".well-known"
    document = json.loads(fetch(f"/{path}/did.json"))
    assert document["id"] == did
    return document


def key_of(identifier):
    """An Ed25519 key under assertionMethod of its controller, as JsonWebKey or Multikey."""
    document = resolve(identifier.split("#")[0])
    assert identifier in document["assertionMethod"], identifier
    method = next(method for method in document["verificationMethod"] if method["id"] == identifier)
    if method["type"] == "JsonWebKey":
        return Ed25519PublicKey.from_public_bytes(from_base64url(method["publicKeyJwk"]["x"]))
    multikey = from_base58(method["publicKeyMultibase"][1:])
    assert multikey[:2] == b"\xed\x01"
    return Ed25519PublicKey.from_public_bytes(multikey[2:])


def from_base58(text):
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    number = 0
    for character in text:
        number = number * 58 + alphabet.index(character)
    zeros = len(text) - len(text.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


def canonical(value):
    """RFC 8785 for documents whose numbers are short decimals and whose names are ASCII."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def check_proof_of(name):
    """The file's digest stands in a fact, the fact in an entry, the entry in the tree of the newest checkpoint."""
    data = (files / name).read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    known = json.loads(fetch(f"/v1/history_exports/{digest}"))
    assert json.loads(known["fact"])["sha256"] == digest and known["bytes"] == len(data), name
    proof = known["proof"]
    salt = base64.b64decode(proof["salt"])
    lines = proof["entry"].split("\n")
    assert lines[0] == "jilu-entry/v1" and lines[1] == "history_exported", lines
    assert base64.b64decode(lines[4]) == sha256(salt + known["fact"].encode()), name
    node, fn, sn = sha256(b"\0" + proof["entry"].encode()), proof["leaf_index"], proof["tree_size"] - 1
    for sibling in map(base64.b64decode, proof["hashes"]):
        assert sn > 0
        if fn & 1 or fn == sn:
            node = sha256(b"\1" + sibling + node)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            node = sha256(b"\1" + node + sibling)
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0
    text, _, signatures = proof["checkpoint"].partition("\n\n")
    origin, size, root = text.split("\n")[:3]
    assert int(size) == proof["tree_size"] and base64.b64decode(root) == node, name
    name_of_key, _, key = fetch("/log/vkey").decode().strip().split("+", 2)
    signature = next(line for line in signatures.splitlines() if line.startswith(f"— {name_of_key} "))
    signed = base64.b64decode(signature.rsplit(" ", 1)[1])
    Ed25519PublicKey.from_public_bytes(base64.b64decode(key)[1:]).verify(signed[4:], text.encode() + b"\n")


for name in ("history.json", "history.csv", "history-bom.csv", "history.xlsx", "history.jwt"):
    check_proof_of(name)

# JSON: everything, the number masked, each credential signed.
record = json.loads((files / "history.json").read_text("utf-8"))
assert record["name"] == story["name"] and story["number"] not in json.dumps(record)
kinds = [entry["kind"] for entry in record["entries"]]
assert kinds[0] == "registered" and kinds.count("attended") == 10 and "class_result" in kinds and "certificate_issued" in kinds, kinds
assert record["credits"]["balance"] == str(story["credits"]) and len(record["certificates"]) == 1

# CSV: the mark only when asked for; texts that look like formulas are defused; quotes and line breaks survive.
plain, marked = (files / "history.csv").read_bytes(), (files / "history-bom.csv").read_bytes()
assert not plain.startswith(b"\xef\xbb\xbf") and marked.startswith(b"\xef\xbb\xbf")
with open(files / "history.csv", encoding="utf-8", newline="") as file:
    rows = list(csv.DictReader(file))
assert rows.pop()["entry"] == "exported" and len(rows) == len(kinds) and all(None not in row for row in rows)
assert "'" + story["class"] in [row["name"] for row in rows], [row["name"] for row in rows]
assert not any(cell[:1] in "=+@" for row in rows for cell in row.values() if cell), "a formula"
attended = [row for row in rows if row["entry"] == "attended"]
assert [row["minutes"] for row in attended] == ["270"] * 10 and attended[0]["time"] == "2026-03-09T09:00:00+08:00", attended[0]
with open(files / "history-bom.csv", encoding="utf-8-sig", newline="") as file:
    chinese = list(csv.DictReader(file))
assert chinese[0]["时间"] and {row["事项"] for row in chinese} >= {"建档", "出勤", "取得证书"}

# XLSX: Chinese headings that stay in sight, typed cells.
book = openpyxl.load_workbook(files / "history.xlsx")
assert book.sheetnames == ["培训档案", "证书", "说明"], book.sheetnames
sheet = book["培训档案"]
heading = [cell.value for cell in sheet[1]]
assert heading[:4] == ["时间", "事项", "机构", "名称"] and sheet.freeze_panes == "A2" and sheet["A1"].font.bold
cells = [dict(zip(heading, row)) for row in sheet.iter_rows(min_row=2)]
assert len(cells) == len(kinds)
attended = [row for row in cells if row["事项"].value == "出勤"]
assert attended[0]["时间"].value == datetime.datetime(2026, 3, 9, 9, 0) and attended[0]["分钟"].value == 270
posted = next(row for row in cells if row["事项"].value == "学分入账")
assert posted["学分"].value == story["credits"] and posted["学分"].data_type == "n"
assert next(row for row in cells if row["事项"].value == "结班结果")["等级"].value.startswith("四级"), [row["等级"].value for row in cells]
named = next(row for row in cells if row["名称"].value == story["class"])
assert named["名称"].data_type == "s", "a text, not a formula"
assert book["证书"]["F2"].is_date and book["说明"]["B1"].value

# CLR: the registry's signature around it, each issuer's inside, the schema of 1EdTech.
text = (files / "history.jwt").read_text("ascii")
header, payload, signature = text.split(".")
head = json.loads(from_base64url(header))
assert head["typ"] == "vc+jwt" and head["alg"] == "EdDSA"
clr = json.loads(from_base64url(payload))
assert clr["issuer"]["id"] == head["kid"].split("#")[0]
key_of(head["kid"]).verify(from_base64url(signature), f"{header}.{payload}".encode())
schema = json.loads(pathlib.Path(story["schema"]).read_text("utf-8"))
jsonschema.Draft201909Validator(schema).validate(clr)
assert clr["partial"] is False and clr["credentialSubject"]["achievement"][0]["creditsAvailable"] == story["credits"]
for credential in clr["credentialSubject"]["verifiableCredential"]:
    document = dict(credential)
    proofs = document.pop("proof")
    assert sorted(proof["cryptosuite"] for proof in proofs) == ["eddsa-jcs-2022", "eddsa-rdfc-2022"]
    # The one over the meaning needs JSON-LD; others' libraries check it in verify_forms.
    (proof,) = (proof for proof in proofs if proof["cryptosuite"] == "eddsa-jcs-2022")
    options = {name: value for name, value in proof.items() if name != "proofValue"}
    assert options["verificationMethod"].split("#")[0] == credential["issuer"]["id"]
    key, value = key_of(options["verificationMethod"]), from_base58(proof["proofValue"][1:])
    key.verify(value, sha256(canonical(options)) + sha256(canonical(document)))
    document["credentialSubject"]["licenseNumber"] += "1"
    try:
        key.verify(value, sha256(canonical(options)) + sha256(canonical(document)))
        raise AssertionError("a changed credential was accepted")
    except InvalidSignature:
        pass
invalid = json.loads(json.dumps(clr))
del invalid["credentialSubject"]["verifiableCredential"]
assert list(jsonschema.Draft201909Validator(schema).iter_errors(invalid)), "the schema refuses a record without credentials"
print("all checks passed")
