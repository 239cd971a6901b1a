"""What is sent, read by slack_sdk.models: nothing is refused, and nothing is dropped as unknown."""

import copy

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models import JsonObject
from slack_sdk.models.blocks import Block
from slack_sdk.models.metadata import Metadata
from slack_sdk.models.views import View


def problems(said):
    """What is wrong with what is sent."""
    for method, name, body in said:
        for problem in of_one(method, body):
            yield f"{method} {name}: {problem}"


def of_one(method, body):
    """What is wrong with one request."""
    if method == "views.open":
        yield from read(body["view"], lambda: View(**body["view"]))
        return
    for block in body.get("blocks", []):
        yield from read(block, lambda: Block.parse(block))
    yield from read(body["metadata"], lambda: Metadata(**body["metadata"]))


def read(sent, parse):
    """What is wrong with one object of a request."""
    try:
        understood = parse()
        if not isinstance(understood, JsonObject):
            yield f"is nothing that the SDK knows: {sent}"
            return
        for part in parts(understood):
            if isinstance(part, JsonObject):
                part.validate_json()
            else:
                yield f"holds something that the SDK does not know: {part}"
        again = understood.to_dict()
    except (SlackObjectFormationError, TypeError, ValueError) as error:
        yield f"{type(error).__name__}: {error}: {sent}"
        return
    if again != sent:
        yield f"is not what the SDK makes of it: {sent} / {again}"


def parts(value):
    """An object of the SDK and every one in it, and what was left as it came."""
    yield value
    for name, inner in vars(value).items():
        for one in inner if isinstance(inner, (list, tuple)) else [inner]:
            if isinstance(one, JsonObject):
                yield from parts(one)
            elif isinstance(one, dict) and name != "event_payload" and one:
                yield one


def plain(text):
    """A plain text."""
    return {"type": "plain_text", "text": text, "emoji": False}


BUTTON = {"type": "button", "text": plain("Approve"), "action_id": "approve", "value": "x"}

GOOD = {
    "blocks": [
        {"type": "header", "text": plain("x")},
        {"type": "section", "text": {"type": "mrkdwn", "text": "x", "verbatim": True}},
        {"type": "actions", "block_id": "a", "elements": [BUTTON]},
    ],
    "metadata": {"event_type": "t", "event_payload": {"proposal": "x"}},
}

MODAL = {"type": "modal", "title": plain("x"), "close": plain("x"), "callback_id": "x", "blocks": [GOOD["blocks"][1]]}


def faults_that_are_missed():
    """Changes for which Slack refuses a request, and that went through all the same."""
    for problem in [*of_one("chat.postMessage", GOOD), *of_one("views.open", {"view": MODAL})]:
        yield f"what is right is refused: {problem}"
    block = "chat.postMessage"
    for name, method, where, value in [
        ("a header of 151 characters", block, ["blocks", 0, "text", "text"], "x" * 151),
        ("a section of 3001 characters", block, ["blocks", 1, "text", "text"], "x" * 3001),
        ("a field that nobody knows", block, ["blocks", 1, "colour"], "red"),
        ("a text that is neither", block, ["blocks", 1, "text", "type"], "html"),
        ("a button in a colour of its own", block, ["blocks", 2, "elements", 0, "style"], "green"),
        ("a label of 76 characters", block, ["blocks", 2, "elements", 0, "text", "text"], "x" * 76),
        ("a value of 2001 characters", block, ["blocks", 2, "elements", 0, "value"], "x" * 2001),
        ("26 buttons", block, ["blocks", 2, "elements"], [{**BUTTON, "action_id": str(n)} for n in range(26)]),
        ("a block of no kind", block, ["blocks", 0, "type"], "footer"),
        ("a title of 25 characters", "views.open", ["view", "title", "text"], "x" * 25),
        ("a modal without blocks", "views.open", ["view", "blocks"], []),
    ]:
        body = copy.deepcopy({**GOOD, "view": MODAL})
        inner = body
        for step in where[:-1]:
            inner = inner[step]
        inner[where[-1]] = value
        if not list(of_one(method, body)):
            yield f"{name} goes through"
