"""What an emulator's CloudFormation drops, set through the services' own APIs.

Read from the template itself, so that a changed template needs no change here; `FIXUPS` is the whole list, one for
each emulator. Each is read back: a setting that did not take is a failure, not a claim.
"""

import json
import re
from dataclasses import dataclass

import yaml

from clients import Failed, client

ACCOUNT = "000000000000"


@dataclass
class Resource:
    """A deployed resource of the template."""

    logical_id: str
    name: str
    """Its physical id."""
    properties: dict
    """As the template has them, intrinsic functions and all."""
    resolve: "Resolver"

    def value(self, name):
        return self.resolve(self.properties.get(name))


def apply(emulator, stack, template, resources, parameters):
    """Yields one line for each setting that now holds."""
    document = load(template)
    resolve = Resolver(document, {"AWS::StackName": stack} | parameters, resources)
    for logical_id, declared in document["Resources"].items():
        if logical_id not in resources:
            continue
        resource = Resource(logical_id, resources[logical_id], declared.get("Properties", {}), resolve)
        for kind, name, setting in FIXUPS[emulator]:
            if declared["Type"] == kind and (value := resource.value(name)) is not None:
                if not setting(resource, value):
                    raise Failed(f"{logical_id}.{name} did not take: {value}")
                yield f"{logical_id}.{name}"


def time_to_live(table, value):
    dynamodb = client("dynamodb")
    current = dynamodb.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"]
    if current["TimeToLiveStatus"] != "ENABLED":
        dynamodb.update_time_to_live(TableName=table.name, TimeToLiveSpecification=value)
        current = dynamodb.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"]
    return current["TimeToLiveStatus"] == "ENABLED" and current["AttributeName"] == value["AttributeName"]


def point_in_time_recovery(table, value):
    dynamodb = client("dynamodb")
    dynamodb.update_continuous_backups(TableName=table.name, PointInTimeRecoverySpecification=value)
    backups = dynamodb.describe_continuous_backups(TableName=table.name)["ContinuousBackupsDescription"]
    return backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def encryption(table, value):
    dynamodb = client("dynamodb")
    dynamodb.update_table(TableName=table.name, SSESpecification={"Enabled": value["SSEEnabled"]})
    return dynamodb.describe_table(TableName=table.name)["Table"]["SSEDescription"]["Status"] == "ENABLED"


def deletion_protection(table, value):
    dynamodb = client("dynamodb")
    dynamodb.update_table(TableName=table.name, DeletionProtectionEnabled=value)
    return dynamodb.describe_table(TableName=table.name)["Table"].get("DeletionProtectionEnabled") == value


def resource_policy(table, value):
    dynamodb = client("dynamodb")
    arn = dynamodb.describe_table(TableName=table.name)["Table"]["TableArn"]
    policy = value["PolicyDocument"]
    dynamodb.put_resource_policy(ResourceArn=arn, Policy=json.dumps(policy))
    return json.loads(dynamodb.get_resource_policy(ResourceArn=arn)["Policy"]) == policy


def object_lock(bucket, value):
    storage = client("s3")
    storage.put_object_lock_configuration(Bucket=bucket.name, ObjectLockConfiguration=value)
    return storage.get_object_lock_configuration(Bucket=bucket.name)["ObjectLockConfiguration"] == value


def reserved_concurrency(function, value):
    functions = client("lambda")
    functions.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=value)
    return functions.get_function_concurrency(FunctionName=function.name)["ReservedConcurrentExecutions"] == value


def log_retention(group, value):
    logs = client("logs")
    logs.put_retention_policy(logGroupName=group.name, retentionInDays=value)
    groups = logs.describe_log_groups(logGroupNamePrefix=group.name)["logGroups"]
    return [found["retentionInDays"] for found in groups if found["logGroupName"] == group.name] == [value]


def metric_filter(declared, transformations):
    group, name, pattern = declared.value("LogGroupName"), declared.logical_id, declared.value("FilterPattern")
    logs = client("logs")

    def is_set():
        wanted = (pattern, [transformation["MetricName"] for transformation in transformations])
        found = logs.describe_metric_filters(logGroupName=group, filterNamePrefix=name)["metricFilters"]
        return [
            (one["filterPattern"], [part["metricName"] for part in one["metricTransformations"]])
            for one in found
            if one["filterName"] == name
        ] == [wanted]

    # A second one of that name would not replace the first.
    if not is_set():
        logs.put_metric_filter(
            logGroupName=group,
            filterName=name,
            filterPattern=pattern,
            metricTransformations=[in_the_api(transformation) for transformation in transformations],
        )
    return is_set()


def in_the_api(transformation):
    """A metric transformation as the API writes what CloudFormation writes."""
    written = {name[0].lower() + name[1:]: value for name, value in transformation.items() if name != "Dimensions"}
    if "Dimensions" in transformation:
        written["dimensions"] = {one["Key"]: one["Value"] for one in transformation["Dimensions"]}
    # A number in the template; the API takes the value as text.
    written["metricValue"] = str(written["metricValue"])
    return written


def bus_policy(bus, value):
    events = client("events")
    events.put_permission(EventBusName=bus.value("Name"), Policy=json.dumps(value))
    return json.loads(events.describe_event_bus(Name=bus.value("Name"))["Policy"]) == value


TABLE = "AWS::DynamoDB::Table"
FIXUPS = {
    "ministack": [
        (TABLE, "TimeToLiveSpecification", time_to_live),
        (TABLE, "PointInTimeRecoverySpecification", point_in_time_recovery),
        (TABLE, "SSESpecification", encryption),
        (TABLE, "ResourcePolicy", resource_policy),
        ("AWS::S3::Bucket", "ObjectLockConfiguration", object_lock),
        ("AWS::Serverless::Function", "ReservedConcurrentExecutions", reserved_concurrency),
    ],
    # Not the table's resource policy: DynamoDB Local has no operation for it.
    "localstack": [
        (TABLE, "TimeToLiveSpecification", time_to_live),
        (TABLE, "PointInTimeRecoverySpecification", point_in_time_recovery),
        (TABLE, "DeletionProtectionEnabled", deletion_protection),
        ("AWS::S3::Bucket", "ObjectLockConfiguration", object_lock),
        ("AWS::Serverless::Function", "ReservedConcurrentExecutions", reserved_concurrency),
        ("AWS::Logs::LogGroup", "RetentionInDays", log_retention),
        ("AWS::Logs::MetricFilter", "MetricTransformations", metric_filter),
        ("AWS::Events::EventBus", "Policy", bus_policy),
    ],
}


PSEUDO_PARAMETERS = {"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": ACCOUNT}


class Resolver:
    """Values of the few intrinsic functions that the properties above are written with."""

    def __init__(self, document, parameters, resources):
        self.document = document
        self.resources = resources
        declared = document.get("Parameters", {})
        defaults = {name: declaration.get("Default") for name, declaration in declared.items()}
        self.parameters = PSEUDO_PARAMETERS | defaults | parameters

    def __call__(self, value):
        if isinstance(value, Intrinsic):
            return self.intrinsic(value.name, value.value)
        if isinstance(value, dict):
            # AWS::NoValue takes away what it stands for.
            return {name: part for name, part in ((name, self(part)) for name, part in value.items()) if part is not None}
        if isinstance(value, list):
            return [part for part in map(self, value) if part is not None]
        return value

    def intrinsic(self, name, value):
        match name:
            case "Ref" if value == "AWS::NoValue":
                return None
            case "Ref" if value in self.parameters:
                return self.parameter(value)
            case "Ref" if value in self.resources:
                return self.resources[value]
            case "GetAtt" if value.endswith(".Arn"):
                return self.arn(value.removesuffix(".Arn"))
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

    def arn(self, logical_id):
        kind = self.document["Resources"][logical_id]["Type"]
        if kind == "AWS::IAM::Role":
            return f"arn:aws:iam::{ACCOUNT}:role/{self.resources[logical_id]}"
        raise Failed(f"a fix-up cannot tell the ARN of {logical_id}, a {kind}")

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
