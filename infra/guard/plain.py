"""Writes the plain CloudFormation that AWS makes of template.yaml: `plain.py TEMPLATE > PLAIN.json`.

With the transform that AWS itself publishes, so that rules see the resources that are deployed and not SAM's short forms of
them. Where a function's code lies is not known before it is built, and no rule asks for it.
"""

import json
import sys

from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform


class NoManagedPolicies:
    """Roles name no managed policy of AWS, so that none has to be looked up."""

    def load(self):
        return {}


def main(path):
    with open(path, encoding="utf-8") as file:
        template = yaml_parse(file.read())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://artefacts/code.zip"
    json.dump(transform(template, {}, NoManagedPolicies()), sys.stdout, indent=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
