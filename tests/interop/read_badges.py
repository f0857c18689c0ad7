"""Holds badges to the JSON Schema that 1EdTech publishes for Open Badges 3.0, with jsonschema.

Takes the schema's path and a JSON object of documents by name. Each must follow it; without its achievement or its issuer, or as
something else than a badge, none may.
"""

import copy
import json
import pathlib
import sys

import jsonschema

schema = json.loads(pathlib.Path(sys.argv[1]).read_text())
validator = jsonschema.validators.validator_for(schema)
validator.check_schema(schema)
documents = json.loads(sys.argv[2])
for name, document in documents.items():
    faults = [fault.message for fault in validator(schema).iter_errors(document)]
    assert not faults, (name, faults)
    for what, change in {
        "no achievement": lambda badge: badge["credentialSubject"].pop("achievement"),
        "no issuer": lambda badge: badge.pop("issuer"),
        "another type": lambda badge: badge.update(type=["VerifiableCredential"]),
    }.items():
        wrong = copy.deepcopy(document)
        change(wrong)
        assert list(validator(schema).iter_errors(wrong)), (name, what)
    print("passed:", name)
