"""AWS calls that `cargo xtask` makes on the local stack.

    aws.py <task> <request.json> [<reply.json>]

A task reads its request from a file and writes its reply to one; what it prints is progress. The endpoint and
the credentials come from the usual AWS_* variables.
"""

import json
import sys
import time

import clients
import deploy


def put_event(request):
    """Puts one entry on the bus. Its `Detail` is the text itself, which nothing here rewrites."""
    answer = clients.client("events").put_events(Entries=[request["entry"]])
    entry = answer["Entries"][0]
    if "ErrorCode" in entry:
        raise clients.Failed(f"the bus refused the event: {entry['ErrorCode']}: {entry.get('ErrorMessage', '')}")
    return {"event_id": entry["EventId"]}


def invoke(request):
    """Invokes a function with a payload given as text and waits for its reply."""
    answer = clients.client("lambda").invoke(FunctionName=request["function"], Payload=request["payload"].encode())
    return {"failed": "FunctionError" in answer, "reply": answer["Payload"].read().decode()}


def environments(request):
    """The environment of each of these functions, as it is deployed."""
    functions = clients.client("lambda")
    return {
        name: functions.get_function_configuration(FunctionName=name).get("Environment", {}).get("Variables", {})
        for name in request["functions"]
    }


def wait(request):
    """Waits until the trail has a record of a kind in a stream that begins with a prefix and whose body holds a
    text, and returns it with all records of its stream."""
    deadline = time.monotonic() + request["seconds"]
    while True:
        records = trail(request["table"], request["prefix"])
        for record in records:
            if record["kind"] in request["kinds"] and request["text"] in record["body"]:
                stream = [other for other in records if other["stream"] == record["stream"]]
                return {"record": record, "stream": stream}
        if time.monotonic() > deadline:
            found = ", ".join(f"{record['stream']} {record['seq']} {record['kind']}" for record in records) or "nothing"
            raise clients.Failed(
                f"no record {' or '.join(request['kinds'])} of {request['prefix']} on the trail within "
                f"{request['seconds']} s; it has: {found}"
            )
        time.sleep(0.1)


def trail(table, prefix):
    """All records of the streams that begin with a prefix, in the order of their streams and sequence numbers."""
    pages = clients.client("dynamodb").get_paginator("scan").paginate(
        TableName=table,
        ConsistentRead=True,
        FilterExpression="begins_with(#stream, :prefix)",
        ExpressionAttributeNames={"#stream": "stream"},
        ExpressionAttributeValues={":prefix": {"S": prefix}},
    )
    records = [record(item) for page in pages for item in page["Items"]]
    return sorted(records, key=lambda record: (record["stream"], record["seq"]))


def record(item):
    """A record as `sre-agent trail export` prints it: numbers as numbers, the actor as an object."""
    attributes = {"prev": None, "expires_at": None}
    for name, value in item.items():
        attributes[name] = int(value["N"]) if "N" in value else value["S"]
    attributes["actor"] = json.loads(attributes["actor"])
    return attributes


TASKS = {
    "deploy": deploy.deploy,
    "update-functions": deploy.update_functions,
    "put-event": put_event,
    "invoke": invoke,
    "environments": environments,
    "wait": wait,
}


def main(arguments):
    task, request_path, *reply_path = arguments
    with open(request_path, encoding="utf-8") as file:
        request = json.load(file)
    try:
        reply = TASKS[task](request)
    except clients.Failed as failure:
        sys.exit(f"error: {failure}")
    if reply_path:
        with open(reply_path[0], "w", encoding="utf-8") as file:
            json.dump(reply, file)


if __name__ == "__main__":
    main(sys.argv[1:])
