"""Packages and deploys the derived template, as `sam package` and `sam deploy` do, in a second or two."""

import base64
import hashlib
import io
import re
import time
import zipfile
from pathlib import Path

import fixups
from clients import Failed, client

BUCKET = "sre-agent-artefacts"


def deploy(request):
    """Creates the stack or updates it, applies the fix-ups and fills the secrets."""
    template_path = Path(request["template"])
    template = template_path.read_text(encoding="utf-8")
    packaged = package(template, template_path.parent)
    status = create_or_update(request["stack"], packaged, request["parameters"], request["seconds"])
    resources = resources_of(request["stack"])
    print(f"{status}: {len(resources)} resources", flush=True)

    for line in fixups.apply(request["emulator"], request["stack"], packaged, resources, request["parameters"]):
        print(f"fix-up: {line}", flush=True)

    secrets = client("secretsmanager")
    for purpose, value in request["secrets"].items():
        secrets.put_secret_value(SecretId=f"{request['stack']}/{purpose}", SecretString=value)
    print(f"{len(request['secrets'])} secrets set", flush=True)

    return describe(request["stack"], resources)


def update_functions(request):
    """Replaces the code of the functions whose code differs, and leaves everything else as it is."""
    functions = client("lambda")
    changed = []
    for name, directory in request["functions"].items():
        archive = zip_of(Path(directory))
        current = functions.get_function_configuration(FunctionName=f"{request['stack']}-{name}")
        key, digest = upload(name, archive)
        if current["CodeSha256"] != digest:
            functions.update_function_code(FunctionName=f"{request['stack']}-{name}", S3Bucket=BUCKET, S3Key=key)
            changed.append(name)
            print(f"updated {name}", flush=True)
    return changed


def package(template, directory):
    """Uploads each directory named by a `CodeUri: functions/...` and puts its S3 address in its place."""
    ensure_bucket()

    def uploaded(match):
        key, _ = upload(match["name"], zip_of(directory / "functions" / match["name"]))
        print(f"uploaded {match['name']}", flush=True)
        return f"{match['indent']}CodeUri: s3://{BUCKET}/{key}"

    return re.sub(r"^(?P<indent> +)CodeUri: functions/(?P<name>[a-z-]+)$", uploaded, template, flags=re.MULTILINE)


def ensure_bucket():
    storage = client("s3")
    if BUCKET not in [bucket["Name"] for bucket in storage.list_buckets()["Buckets"]]:
        storage.create_bucket(Bucket=BUCKET)


def zip_of(directory):
    """The bootstrap alone, stored rather than deflated: nothing travels further than this machine.

    A fixed time in the archive gives equal code an equal digest.
    """
    entry = zipfile.ZipInfo("bootstrap", date_time=(2020, 1, 1, 0, 0, 0))
    entry.external_attr = 0o755 << 16
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
        file.writestr(entry, (directory / "bootstrap").read_bytes())
    return archive.getvalue()


def upload(name, archive):
    """The key under which the archive now lies, and its digest as Lambda prints it."""
    digest = hashlib.sha256(archive)
    key = f"{name}/{digest.hexdigest()}.zip"
    client("s3").put_object(Bucket=BUCKET, Key=key, Body=archive)
    return key, base64.b64encode(digest.digest()).decode()


def create_or_update(stack, template, parameters, seconds):
    # A template over 51,200 bytes is passed by address, here as on AWS.
    key = f"templates/{hashlib.sha256(template.encode()).hexdigest()}.yaml"
    storage = client("s3")
    storage.put_object(Bucket=BUCKET, Key=key, Body=template.encode())
    call = {
        "StackName": stack,
        "TemplateURL": f"{storage.meta.endpoint_url}/{BUCKET}/{key}",
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    }
    cloudformation = client("cloudformation")
    exists = any(
        summary["StackName"] == stack and summary["StackStatus"] != "DELETE_COMPLETE"
        for summary in cloudformation.list_stacks()["StackSummaries"]
    )
    if exists:
        try:
            cloudformation.update_stack(**call)
        except cloudformation.exceptions.ClientError as error:
            if "No updates are to be performed" not in str(error):
                raise Failed(f"update of stack {stack}: {error}") from error
    else:
        cloudformation.create_stack(**call)
    return settled(cloudformation, stack, seconds)


def settled(cloudformation, stack, seconds):
    """Waits until the stack is complete."""
    deadline = time.monotonic() + seconds
    while True:
        description = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        status = description["StackStatus"]
        if not status.endswith("_IN_PROGRESS"):
            break
        if time.monotonic() > deadline:
            raise Failed(f"stack {stack} is still {status} after {seconds} s")
        time.sleep(0.1)
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        causes = [
            f"  {event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason', 'no reason')}"
            for event in cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
            if event["ResourceStatus"].endswith("_FAILED")
        ]
        reason = description.get("StackStatusReason", "no reason given")
        raise Failed("\n".join([f"stack {stack} is {status}: {reason}", *causes]))
    return status


def resources_of(stack):
    pages = client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    return {
        summary["LogicalResourceId"]: summary["PhysicalResourceId"]
        for page in pages
        for summary in page["StackResourceSummaries"]
    }


def describe(stack, resources):
    description = client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])}
    return {"outputs": outputs, "resources": resources}
