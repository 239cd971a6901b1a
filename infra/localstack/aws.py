"""AWS calls that `cargo xtask` makes on the local stack.

    aws.py <task> <request.json> [<reply.json>]

A task reads its request from a file and writes its reply to one; what it prints is progress. The endpoint and
the credentials come from the usual AWS_* variables.
"""

import json
import sys

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


TASKS = {
    "deploy": deploy.deploy,
    "update-functions": deploy.update_functions,
    "put-event": put_event,
    "invoke": invoke,
    "environments": environments,
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
