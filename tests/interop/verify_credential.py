"""Checks a running registry with libraries that it did not write: PyJWT and cryptography.

Takes the JSON object of `jilu demo --json`. Resolves the issuer's did:web over HTTP, verifies credential, receipt and status
list, and expects every forged form to be refused.
"""

import base64
import gzip
import json
import sys
import urllib.parse
import urllib.request

import jwt

story = json.loads(sys.argv[1])
base = story["base_url"]


def fetch(path, data=None, **headers):
    request = urllib.request.Request(base + path, data=data, headers={name.replace("_", "-"): value for name, value in headers.items()})
    with urllib.request.urlopen(request) as answer:
        return answer.read()


def resolve(did):
    """did:web by its specification, with the registry's own address in place of https."""
    parts = did.split(":")[2:]
    assert urllib.parse.unquote(parts[0]) == base.split("://")[1], did
    path = "/".join(parts[1:]) or ".well-known"
    document = json.loads(fetch(f"/{path}/did.json"))
    assert document["id"] == did
    return document


def key_of(token):
    """The key that the header names, found under assertionMethod of its controller."""
    kid = jwt.get_unverified_header(token)["kid"]
    document = resolve(kid.split("#")[0])
    assert kid in document["assertionMethod"]
    method = next(method for method in document["verificationMethod"] if method["id"] == kid)
    assert method["type"] == "JsonWebKey" and method["controller"] == document["id"]
    return jwt.PyJWK.from_dict(method["publicKeyJwk"]).key, document["id"]


def verified(token):
    key, controller = key_of(token)
    return jwt.decode(token, key, algorithms=["EdDSA"], options={"verify_aud": False}), controller


client = story["clients"]["assessment_body"]
basic = base64.b64encode(f"{client['client_id']}:{client['client_secret']}".encode()).decode()
form = {"authorization": f"Basic {basic}", "content_type": "application/x-www-form-urlencoded"}
token = json.loads(fetch("/oauth/token", b"grant_type=client_credentials", **form))["access_token"]

certificate = story["certificates"][0]
credential = fetch(f"/v1/certificates/{certificate['certificate_number']}", authorization=f"Bearer {token}", accept="application/vc+jwt").decode()
header = jwt.get_unverified_header(credential)
assert header["typ"] == "vc+jwt" and header["alg"] == "EdDSA", header
document, controller = verified(credential)
assert document["issuer"]["id"] == controller
assert document["@context"][0] == "https://www.w3.org/ns/credentials/v2"
assert document["credentialSubject"]["licenseNumber"] == certificate["certificate_number"]
assert document["credentialSubject"]["identifier"][0]["identityHash"] == certificate["name"]
assert certificate["document_number"] not in json.dumps(document), "the document number is masked"
assert "vc" not in document and "vp" not in document

refused = 0
# The last character of a base64url part may carry bits that no byte holds, so another one may read the same.
ends = {at - 1 for at in range(len(credential) + 1) if at == len(credential) or credential[at] == "."}
for at in range(0, len(credential), 41):
    if at in ends:
        continue
    forged = credential[:at] + ("B" if credential[at] == "A" else "A") + credential[at + 1 :]
    try:
        verified(forged)
    except Exception:
        refused += 1
    else:
        sys.exit(f"a credential with character {at} changed was accepted")
assert refused > 50

jwks = {key["kid"]: key for key in json.loads(fetch("/.well-known/jwks.json"))["keys"]}
assert jwks[header["kid"]]["x"], "the JWK set has the key under the same name"

query = json.dumps({"certificate_number": certificate["certificate_number"], "name": certificate["name"]}).encode()
answer = json.loads(fetch("/v1/verifications", query, content_type="application/json"))
receipt, _ = verified(answer.pop("receipt"))
assert receipt == answer and answer["outcome"] == "valid", answer


def revoked(number):
    token_of = fetch(f"/v1/certificates/{number}", authorization=f"Bearer {token}", accept="application/vc+jwt").decode()
    entry = verified(token_of)[0]["credentialStatus"]
    status_list, _ = verified(fetch(entry["statusListCredential"].removeprefix(base)).decode())
    encoded = status_list["credentialSubject"]["encodedList"]
    assert encoded[0] == "u" and status_list["credentialSubject"]["statusPurpose"] == entry["statusPurpose"]
    bits = gzip.decompress(base64.urlsafe_b64decode(encoded[1:] + "=" * (-len(encoded[1:]) % 4)))
    assert len(bits) * 8 >= 131072
    index = int(entry["statusListIndex"])
    return bool(bits[index // 8] & (0x80 >> index % 8))


for item in story["certificates"]:
    assert revoked(item["certificate_number"]) == (item["state"] == "revoked"), item["state"]

print("all checks passed")
