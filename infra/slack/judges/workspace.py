"""What is sent, sent again by slack_sdk.web to the sandbox's Slack, which takes it; and what it refuses, refused so that
the SDK understands why."""

from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from slack_sdk.web import WebClient
from slack_sdk.webhook import WebhookClient

from sandbox import PATIENCE_S, TOKEN

CHANNEL = "C0SRE00001"
FOREIGN = "C0GENERAL1"
ADA = "U0123456789"


def client(sandbox, token=TOKEN, retry_handlers=None):
    """The SDK's client of the sandbox."""
    return WebClient(token, base_url=f"{sandbox.url}/api/", timeout=PATIENCE_S, retry_handlers=retry_handlers or [])


def judges(sandbox, said, told):
    """Each judge with what it says yes to."""
    web = client(sandbox)
    by_method = {}
    for method, name, body in said:
        by_method.setdefault(method, []).append((name, body))
    posts, updates, opens = (by_method[method] for method in ("chat.postMessage", "chat.update", "views.open"))
    yield f"the sandbox takes {len(posts)} posts from slack_sdk", lambda: posted(web, posts)
    yield f"the sandbox takes {len(updates)} updates from slack_sdk", lambda: updated(web, updates)
    yield f"the sandbox opens {len(opens)} forms for slack_sdk", lambda: opened(sandbox, web, opens)
    yield f"the sandbox takes {len(told)} answers from slack_sdk", lambda: answered(sandbox, web, told)
    yield "slack_sdk finds in the sandbox what was posted there", lambda: found(web)
    yield "slack_sdk understands what the sandbox refuses", lambda: refused(sandbox, web)
    yield "slack_sdk waits as long as the sandbox says", lambda: throttled(sandbox)
    yield "slack_sdk takes the sandbox's signatures", lambda: signatures(sandbox)


def tried(name, call):
    """What a call answers, or why it was refused."""
    try:
        return call(), None
    except SlackApiError as error:
        return None, f"{name}: {error.response.data}"
    except UserWarning as warning:
        return None, f"{name}: {warning}"


def kept(sent, answered):
    """Whether the message that was answered is the one that was sent. Slack names blocks that have no name."""
    def named(block):
        return {key: value for key, value in block.items() if key != "block_id"}
    blocks = [named(block) for block in answered.get("blocks", [])]
    return blocks == [named(block) for block in sent.get("blocks", [])] and answered.get("text") == sent["text"]


def posted(web, posts):
    """Posts that are refused, or that come back as others."""
    parent = web.chat_postMessage(channel=CHANNEL, text="a card")["ts"]
    for name, body in posts:
        if "thread_ts" in body:
            body = {**body, "thread_ts": parent}
        answer, problem = tried(name, lambda: web.chat_postMessage(**body))
        if problem:
            yield problem
        elif not kept(body, answer["message"]) or answer["channel"] != CHANNEL:
            yield f"{name}: came back as {answer['message']}"
        elif answer["message"].get("thread_ts") != body.get("thread_ts"):
            yield f"{name}: is not in its thread"


def updated(web, updates):
    """Updates that are refused, or that come back as others."""
    ts = web.chat_postMessage(channel=CHANNEL, text="a card")["ts"]
    for name, body in updates:
        answer, problem = tried(name, lambda: web.chat_update(**{**body, "ts": ts}))
        if problem:
            yield problem
        elif answer["ts"] != ts or not kept(body, answer["message"]):
            yield f"{name}: came back as {answer['message']}"


def opened(sandbox, web, opens):
    """Forms that do not open."""
    ts = clickable(web)
    for name, body in opens:
        clicked = sandbox.ask("POST", "click", {"user": ADA, "channel": CHANNEL, "ts": ts, "action_id": "reject"})
        trigger = clicked["payload"]["trigger_id"]
        answer, problem = tried(name, lambda: web.views_open(trigger_id=trigger, view=body["view"]))
        if problem:
            yield problem
        elif answer["view"]["title"] != body["view"]["title"] or not answer["view"]["id"]:
            yield f"{name}: came back as {answer['view']}"


def answered(sandbox, web, told):
    """Answers to a response_url that are refused, or that the person who clicked does not see."""
    ts = clickable(web)
    if not told:
        yield "there are none"
    for body in told:
        clicked = sandbox.ask("POST", "click", {"user": ADA, "channel": CHANNEL, "ts": ts, "action_id": "reject"})
        answer = WebhookClient(clicked["payload"]["response_url"], timeout=PATIENCE_S).send_dict(body)
        seen = sandbox.ask("GET", "ephemeral")["ephemeral"]
        if (answer.status_code, answer.body) != (200, "ok"):
            yield f"{answer.status_code} {answer.body}: {body}"
        elif (seen[-1]["text"], seen[-1]["user"], seen[-1]["about"]) != (body["text"], ADA, ts):
            yield f"{ADA} sees {seen[-1]} of {body}"


def clickable(web):
    """A message with a button."""
    words = {"type": "plain_text", "text": "Reject", "emoji": False}
    button = {"type": "button", "action_id": "reject", "value": "x", "text": words}
    return web.chat_postMessage(
        channel=CHANNEL, text="a card", blocks=[{"type": "actions", "block_id": "a", "elements": [button]}])["ts"]


def found(web):
    """What is posted and not found by its metadata, page by page."""
    metadata = {"event_type": "sre_agent_proposal", "event_payload": {"proposal": "found-1"}}
    card = web.chat_postMessage(channel=CHANNEL, text="a card", metadata=metadata)["ts"]
    replies = [web.chat_postMessage(channel=CHANNEL, text=f"reply {n}", thread_ts=card)["ts"] for n in range(5)]
    # The SDK gives one object for all pages, which holds one of them at a time.
    pages = [page["messages"] for page in
             web.conversations_history(channel=CHANNEL, limit=100, include_all_metadata=True)]
    messages = [message for page in pages for message in page]
    if [message["ts"] for message in messages if message.get("metadata") == metadata] != [card]:
        yield "the card is not in the channel's history, once and with its metadata"
    if len(pages) < 2:
        yield "the history has one page, and no cursor was followed"
    if len({message["ts"] for message in messages}) != len(messages):
        yield "a message is on two pages of the history"
    pages = [page["messages"] for page in web.conversations_replies(channel=CHANNEL, ts=card, limit=2)]
    thread = {message["ts"] for page in pages for message in page}
    if thread != {card, *replies} or len(pages) < 2:
        yield f"the thread has {sorted(thread)} on {len(pages)} pages"
    about = web.conversations_info(channel=CHANNEL)["channel"]
    if (about["is_member"], about["is_archived"], about["name"]) != (True, False, "sre"):
        yield f"conversations.info says {about}"
    if web.conversations_info(channel=FOREIGN)["channel"]["is_member"]:
        yield "the bot is a member of a channel that nobody invited it to"


def refused(sandbox, web):
    """Calls that Slack refuses, and that are not refused by its word for it."""
    footer = [{"type": "footer", "text": "x"}]
    long = [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]
    no_view = {"type": "modal", "title": {"type": "plain_text", "text": "x" * 25}, "blocks": footer}
    for word, call in [
        ("invalid_auth", lambda: client(sandbox, "xoxb-of-nobody").chat_postMessage(channel=CHANNEL, text="x")),
        ("channel_not_found", lambda: web.chat_postMessage(channel="C0NOWHERE1", text="x")),
        ("not_in_channel", lambda: web.chat_postMessage(channel=FOREIGN, text="x")),
        ("is_archived", lambda: web.chat_postMessage(channel="C0ARCHIVED", text="x")),
        ("invalid_blocks", lambda: web.chat_postMessage(channel=CHANNEL, text="x", blocks=footer)),
        ("invalid_blocks", lambda: web.chat_postMessage(channel=CHANNEL, text="x", blocks=long)),
        ("no_text", lambda: web.api_call("chat.postMessage", json={"channel": CHANNEL})),
        ("thread_not_found", lambda: web.chat_postMessage(channel=CHANNEL, text="x", thread_ts="1.000001")),
        ("message_not_found", lambda: web.chat_update(channel=CHANNEL, ts="1.000001", text="x")),
        ("msg_too_long", lambda: web.chat_update(channel=CHANNEL, ts=clickable(web), text="x" * 4001)),
        ("invalid_trigger_id", lambda: web.views_open(trigger_id="1.2.3", view=form("x"))),
        ("invalid_arguments", lambda: web.views_open(trigger_id="1.2.3", view=no_view)),
    ]:
        try:
            yield f"{word}: {call().data}"
        except SlackApiError as error:
            if error.response["ok"] is not False or error.response["error"] != word or error.response.status_code != 200:
                yield f"{word}: {error.response.status_code} {error.response.data}"


def form(title):
    """A modal of one line."""
    words = {"type": "plain_text", "text": title}
    return {"type": "modal", "title": words, "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x"}}]}


def throttled(sandbox):
    """What is wrong with how the sandbox throttles."""
    fault = {"method": "chat.postMessage", "fault": {"throttle": {"retry_after_s": 1}}, "times": 1}
    sandbox.ask("POST", "faults", fault)
    try:
        client(sandbox).chat_postMessage(channel=CHANNEL, text="x")
        yield "a call that is throttled goes through"
    except SlackApiError as error:
        answer = error.response
        after = {name.lower(): value for name, value in answer.headers.items()}.get("retry-after")
        if (answer.status_code, answer["error"], after) != (429, "ratelimited", "1"):
            yield f"{answer.status_code} {answer.data}, again after {after}"
    sandbox.ask("POST", "faults", fault)
    patient = client(sandbox, retry_handlers=[RateLimitErrorRetryHandler(max_retry_count=1)])
    _, problem = tried("the second try", lambda: patient.chat_postMessage(channel=CHANNEL, text="x"))
    if problem:
        yield problem


def signatures(sandbox):
    """Interactions that are not signed as the SDK wants it; a forgery must be among them."""
    if not sandbox.received or sandbox.unsigned:
        yield f"of {len(sandbox.received)} interactions, {len(sandbox.unsigned)} are not signed"
        return
    ts = clickable(client(sandbox))
    click = {"user": ADA, "channel": CHANNEL, "ts": ts, "action_id": "reject", "secret": "of somebody else"}
    sandbox.ask("POST", "click", click)
    sandbox.received.pop()
    if not sandbox.unsigned:
        yield "a forgery goes through"
