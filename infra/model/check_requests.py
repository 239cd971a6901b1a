"""Holds the requests in events/model/ against the types of the providers' official SDKs, and their tools' schemas
against what strict modes take. A test of ingest-and-propose keeps those files what is really sent.

    check_requests.py [FILE ...]
"""

import json
import re
import sys
from pathlib import Path

from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from botocore.session import Session
from botocore.validate import ParamValidator
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from pydantic import TypeAdapter, ValidationError

SAMPLES = Path(__file__).resolve().parents[2] / "events" / "model"

TYPES = {
    "anthropic": TypeAdapter(MessageCreateParamsNonStreaming),
    "openai": TypeAdapter(CompletionCreateParamsNonStreaming),
}

# What both strict modes take. Ranges, lengths and patterns are left out on purpose: one or the other refuses them.
#   https://platform.claude.com/docs/en/build-with-claude/structured-outputs
#   https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
KEYWORDS = {"$defs", "$ref", "additionalProperties", "anyOf", "const", "description", "enum", "items", "properties",
            "required", "type"}

# Anthropic's limits for one request, from the page above; a property that is not required is never taken here.
MOST_TOOLS = 20
MOST_UNIONS = 16

# The narrower of the two: https://platform.openai.com/docs/api-reference/chat/create
TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")

MOST_SHOWN = 8


def main() -> int:
    """Prints what is wrong, and says whether anything is."""
    files = [Path(name) for name in sys.argv[1:]] or sorted(SAMPLES.glob("*.json"))
    if not files:
        print(f"there is nothing in {SAMPLES}")
        return 1
    problems = 0
    for file in files:
        found = list(problems_of(file.name.split(".")[0], json.loads(file.read_text(encoding="utf-8"))))
        print(f"{'✗' if found else '✓'} {file.name}")
        for problem in found:
            print(f"  {problem}")
        problems += len(found)
    return 1 if problems else 0


def problems_of(api, body):
    if api == "bedrock":
        yield from unlike_converse(body)
    elif api in TYPES:
        yield from unlike_types(api, body)
    else:
        yield f"the name begins with none of {', '.join(TYPES)}, bedrock"
        return
    yield from unlike_strict(list(tools(api, body)))


def unlike_converse(body):
    """Bedrock's SDK has a model of the service in place of types; the model's id is in the path, not in the body."""
    converse = Session().get_service_model("bedrock-runtime").operation_model("Converse").input_shape
    report = ParamValidator().validate({"modelId": "any", **body}, converse)
    if report.has_errors():
        yield from report.generate_report().splitlines()


def unlike_types(api, body):
    try:
        taken = whole(TYPES[api].validate_python(body))
    except ValidationError as error:
        # One for every type that it could have been: the first few say enough.
        for detail in error.errors()[:MOST_SHOWN]:
            yield f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}"
        return
    yield from lost(body, taken, "")


def whole(value):
    """The value with its iterators run to their end: pydantic checks their items only then."""
    if isinstance(value, dict):
        return {key: whole(item) for key, item in value.items()}
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    return [whole(item) for item in value]


def lost(body, taken, at):
    """The keys that the SDK's types do not know."""
    if isinstance(body, dict) and isinstance(taken, dict):
        # The model's own words go back with whatever was in them, as the SDKs send them too.
        if body.get("role") != "assistant":
            for key in body.keys() - taken.keys():
                yield f"{at}{key}: the SDK's types do not know it"
        for key in body.keys() & taken.keys():
            yield from lost(body[key], taken[key], f"{at}{key}.")
    elif isinstance(body, list) and isinstance(taken, list):
        for index, (item, known) in enumerate(zip(body, taken)):
            yield from lost(item, known, f"{at}{index}.")


def tools(api, body):
    """Name, schema and strictness of every tool."""
    if api == "anthropic":
        for tool in body.get("tools", []):
            yield tool["name"], tool["input_schema"], tool.get("strict")
    elif api == "openai":
        for tool in body.get("tools", []):
            function = tool["function"]
            yield function["name"], function["parameters"], function.get("strict")
    else:
        for tool in body.get("toolConfig", {}).get("tools", []):
            if "toolSpec" in tool:
                spec = tool["toolSpec"]
                yield spec["name"], spec["inputSchema"]["json"], spec.get("strict")


def unlike_strict(given):
    if len(given) > MOST_TOOLS:
        yield f"tools: {len(given)}, and no more than {MOST_TOOLS} may be strict"
    unions = 0
    for name, schema, strict in given:
        if not TOOL_NAME.fullmatch(name):
            yield f"{name}: is no name for a tool"
        if strict is not True:
            yield f"{name}: is not strict"
        if schema.get("type") != "object":
            yield f"{name}: its input is no object"
        for part, at in parts(schema, name):
            yield from strictness(part, at, schema)
            unions += "anyOf" in part or isinstance(part.get("type"), list)
    if unions > MOST_UNIONS:
        yield f"tools: {unions} parameters of a union type, and no more than {MOST_UNIONS} may be"


def parts(schema, at):
    """The schema and every schema in it."""
    yield schema, at
    for name, part in [*schema.get("properties", {}).items(), *schema.get("$defs", {}).items()]:
        yield from parts(part, f"{at}.{name}")
    for index, part in enumerate(schema.get("anyOf", [])):
        yield from parts(part, f"{at}.anyOf.{index}")
    if "items" in schema:
        yield from parts(schema["items"], f"{at}.items")


def strictness(schema, at, root):
    for keyword in sorted(schema.keys() - KEYWORDS):
        yield f"{at}: strict modes do not take {keyword}"
    types = schema.get("type", [])
    if "object" in (types if isinstance(types, list) else [types]):
        if schema.get("additionalProperties") is not False:
            yield f"{at}: additionalProperties is not false"
        for name in sorted(schema.get("properties", {}).keys() ^ set(schema.get("required", []))):
            yield f"{at}: {name} is not both a property and required"
    for value in schema.get("enum", []):
        if isinstance(value, (dict, list)):
            yield f"{at}: {json.dumps(value)} in an enum"
    reference = schema.get("$ref")
    if reference is not None:
        name = reference.removeprefix("#/$defs/")
        if name not in root.get("$defs", {}):
            yield f"{at}: {reference} is not in $defs"
        elif any(part.get("$ref") for part, _ in parts(root["$defs"][name], name)):
            yield f"{at}: {reference} refers on, and strict modes take no recursion"


if __name__ == "__main__":
    sys.exit(main())
