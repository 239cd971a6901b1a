"""What the emulator's CloudFormation drops, set through the services' own APIs.

Read from the template itself, so that a changed template needs no change here; `FIXUPS` is the whole list. Each
is read back: a setting that did not take is a failure, not a claim.
"""

import json
import re

import yaml

from clients import Failed, client


def apply(template, resources, parameters):
    """Yields one line for each setting that now holds."""
    document = load(template)
    resolve = Resolver(document, parameters)
    for logical_id, resource in document["Resources"].items():
        if logical_id not in resources:
            continue
        properties = resource.get("Properties", {})
        for kind, name, setting in FIXUPS:
            value = resolve(properties.get(name))
            if resource["Type"] == kind and value is not None:
                if not setting(resources[logical_id], value):
                    raise Failed(f"{logical_id}.{name} did not take: {value}")
                yield f"{logical_id}.{name}"


def time_to_live(table, value):
    dynamodb = client("dynamodb")
    current = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    if current["TimeToLiveStatus"] != "ENABLED":
        dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=value)
        current = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    return current["TimeToLiveStatus"] == "ENABLED" and current["AttributeName"] == value["AttributeName"]


def point_in_time_recovery(table, value):
    dynamodb = client("dynamodb")
    dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=value)
    backups = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    return backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def encryption(table, value):
    dynamodb = client("dynamodb")
    dynamodb.update_table(TableName=table, SSESpecification={"Enabled": value["SSEEnabled"]})
    return dynamodb.describe_table(TableName=table)["Table"]["SSEDescription"]["Status"] == "ENABLED"


def resource_policy(table, value):
    dynamodb = client("dynamodb")
    arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    policy = value["PolicyDocument"]
    dynamodb.put_resource_policy(ResourceArn=arn, Policy=json.dumps(policy))
    return json.loads(dynamodb.get_resource_policy(ResourceArn=arn)["Policy"]) == policy


def object_lock(bucket, value):
    storage = client("s3")
    storage.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=value)
    return storage.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"] == value


def reserved_concurrency(function, value):
    functions = client("lambda")
    functions.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=value)
    return functions.get_function_concurrency(FunctionName=function)["ReservedConcurrentExecutions"] == value


FIXUPS = [
    ("AWS::DynamoDB::Table", "TimeToLiveSpecification", time_to_live),
    ("AWS::DynamoDB::Table", "PointInTimeRecoverySpecification", point_in_time_recovery),
    ("AWS::DynamoDB::Table", "SSESpecification", encryption),
    ("AWS::DynamoDB::Table", "ResourcePolicy", resource_policy),
    ("AWS::S3::Bucket", "ObjectLockConfiguration", object_lock),
    ("AWS::Serverless::Function", "ReservedConcurrentExecutions", reserved_concurrency),
]


PSEUDO_PARAMETERS = {"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "000000000000"}


class Resolver:
    """Values of the few intrinsic functions that the properties above are written with."""

    def __init__(self, document, parameters):
        self.document = document
        declared = document.get("Parameters", {})
        defaults = {name: declaration.get("Default") for name, declaration in declared.items()}
        self.parameters = PSEUDO_PARAMETERS | defaults | parameters

    def __call__(self, value):
        if isinstance(value, Intrinsic):
            return self.intrinsic(value.name, value.value)
        if isinstance(value, dict):
            return {name: self(part) for name, part in value.items()}
        if isinstance(value, list):
            return [self(part) for part in value]
        return value

    def intrinsic(self, name, value):
        match name:
            case "Ref" if value == "AWS::NoValue":
                return None
            case "Ref" if value in self.parameters:
                return self.parameter(value)
            case "FindInMap":
                table, first, second = (self(part) for part in value)
                return self.document["Mappings"][table][first][second]
            case "Sub" if isinstance(value, str):
                return re.sub(r"\$\{([A-Za-z:]+)\}", lambda match: str(self.intrinsic("Ref", match[1])), value)
            case "Select":
                index, values = value
                return self(values)[index]
            case "If":
                condition, yes, no = value
                return self(yes if self.condition(condition) else no)
            case "Equals":
                left, right = (str(self(part)) for part in value)
                return left == right
            case "Not":
                return not self(value[0])
            case "Condition":
                return self.condition(value)
        raise Failed(f"a fix-up cannot read !{name} {value}")

    def parameter(self, name):
        value = self.parameters[name]
        match self.document["Parameters"].get(name, {}).get("Type"):
            case "Number":
                return int(value)
            case "CommaDelimitedList":
                return str(value).split(",")
        return value

    def condition(self, name):
        return self(self.document["Conditions"][name])


class Intrinsic:
    """`!Name value`."""

    def __init__(self, name, value):
        self.name = name
        self.value = value


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short-form functions."""


def intrinsic_node(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return Intrinsic(suffix, value)


Loader.add_multi_constructor("!", intrinsic_node)


def load(template):
    return yaml.load(template, Loader)
