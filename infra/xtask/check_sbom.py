"""Holds bills of materials against CycloneDX's JSON schema, and each one's graph against its components.

    check_sbom.py FILE ...
"""

import json
import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)


def faults(bill):
    """What is wrong with a bill."""
    refused = VALIDATOR.validate_str(json.dumps(bill))
    if refused is not None:
        return [f"the schema refuses it: {str(refused.data)[:400]}"]
    known = {component["bom-ref"] for component in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}
    told = {entry["ref"] for entry in bill["dependencies"]}
    named = {to for entry in bill["dependencies"] for to in entry["dependsOn"]}
    found = [f"{one} is in the graph and no component" for one in sorted((told | named) - known)]
    return found + [f"{one} is not in the graph" for one in sorted(known - told)]


def check_the_check(bill):
    """A bill with a mistake in it is refused."""
    nameless = json.loads(json.dumps(bill))
    del nameless["components"][0]["name"]
    lost = json.loads(json.dumps(bill))
    lost["components"].pop()
    for mistake in (nameless, lost):
        if not faults(mistake):
            sys.exit("a bill with a mistake in it is taken: the check is worth nothing")


def main(files):
    if not files:
        sys.exit(__doc__)
    bills = {Path(file).name: json.loads(Path(file).read_text()) for file in files}
    check_the_check(next(iter(bills.values())))
    failed = False
    for name, bill in bills.items():
        found = faults(bill)
        failed = failed or bool(found)
        print(f"{name}: {len(bill['components'])} components", *found, sep="\n  ")
    sys.exit(1 if failed else 0)


main(sys.argv[1:])
