"""The door through which people decide: Slack's buttons, over a function URL."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import time
import urllib.parse

from botocore.exceptions import BotoCoreError, ClientError

import common
import risk
from common import Operators, Secret, log, millis, now_ms, stamp
from trail import Conflict, Control, Proposal, Signer, Trail

ENV = os.environ
MAX_BODY_BYTES = 256 * 1024
MAX_SKEW_S = 300
VALID_MS = int(ENV["APPROVAL_VALID_S"]) * 1000
ORIGIN = urllib.parse.urlsplit(ENV["SLACK_RESPONSE_ORIGIN"])[:2]
TEAMS = ENV["SLACK_TEAM_IDS"].split(",")

# Slack waits three seconds for an answer: nothing is tried twice.
trail = Trail(ENV["TRAIL_TABLE"], "callback", attempts=1, seconds=0.7)
sign = Signer(ENV["DECISION_KEYS"].split(",")[0], ENV["STACK_NAME"])
operators = Operators(ENV["OPERATORS_SECRET"])
signing = Secret(ENV["SLACK_SIGNING_SECRET"])


class Refused(Exception):
    """What a person asks for does not count. They are told why."""


def handler(event: dict) -> dict:
    method, path = event["requestContext"]["http"]["method"], event["rawPath"]
    if path == "/healthz" and method in ("GET", "HEAD"):
        return answer(200, {"status": "ok"})
    if path != "/slack/interactions":
        return problem(404, "there is nothing at this path")
    if method != "POST":
        return problem(405, "this path takes another method")
    body = event.get("body") or ""
    raw = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    if len(raw) > MAX_BODY_BYTES:
        return problem(413, "the body is too large")
    headers = {name.lower(): value for name, value in event["headers"].items()}
    # The signature first, on the bytes as they came.
    distrust = unsigned(headers, raw)
    if distrust:
        log("WARN", "refused a Slack request", reason=distrust)
        return problem(401, distrust)
    try:
        payload = json.loads(urllib.parse.parse_qs(raw.decode(), strict_parsing=True)["payload"][0])
    except (KeyError, ValueError) as err:
        return problem(400, f"the body cannot be read: {err!r}")
    if payload["type"] != "block_actions":
        return answer(200)
    return clicked(payload)


def answer(status: int, body: dict | None = None) -> dict:
    text = json.dumps(body) if body is not None else ""
    headers = {"content-type": "application/json"}
    return {"statusCode": status, "headers": headers, "body": text, "isBase64Encoded": False}


def problem(status: int, detail: str) -> dict:
    return answer(status, {"status": status, "detail": detail})


def unsigned(headers: dict[str, str], raw: bytes) -> str | None:
    """Why a request is not known to be Slack's."""
    timestamp = headers.get("x-slack-request-timestamp", "")
    signature = headers.get("x-slack-signature", "")
    if not timestamp.isascii() or not timestamp.isdigit() or not signature.startswith("v0="):
        return "the request carries no Slack signature"
    if abs(time.time() - int(timestamp)) > MAX_SKEW_S:
        return f"the signature's timestamp is more than {MAX_SKEW_S} s from now"
    if matches(signing.text, timestamp, raw, signature):
        return None
    # The secret may have been rotated since it was read.
    if matches(signing.fresh(), timestamp, raw, signature):
        return None
    return "the signature does not match"


def matches(secret: str, timestamp: str, raw: bytes, signature: str) -> bool:
    mac = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + raw, hashlib.sha256)
    return hmac.compare_digest(f"v0={mac.hexdigest()}", signature)


def clicked(payload: dict) -> dict:
    """A click on one of our buttons."""
    actions = [each for each in payload["actions"] if each.get("action_id") in ("approve", "reject")]
    if not actions:
        return answer(200)
    if len(actions) > 1:
        return problem(400, "more than one decision in one interaction")
    asks = actions[0]["action_id"]
    proposal_id, _, seen = actions[0].get("value", "").partition(".")
    response_url = payload.get("response_url", "")
    team, user = payload["team"]["id"], payload["user"]["id"]
    if payload["api_app_id"] != ENV["SLACK_APP_ID"] or team not in TEAMS:
        tell(response_url, "This does not count: it is of another Slack app or workspace.")
        return problem(403, "the request is of another Slack app or workspace")
    try:
        told = decide(asks, proposal_id, seen, payload["user"].get("team_id", team), user)
    except Refused as err:
        told = str(err)
    except (BotoCoreError, ClientError) as err:
        log("ERROR", "a request could not be recorded", proposal_id=proposal_id, error=repr(err))
        tell(response_url, "The agent cannot tell now whether this was recorded. Look again in a moment.")
        return problem(503, "it cannot be told whether this was recorded")
    tell(response_url, told)
    return answer(200)


def decide(asks: str, proposal_id: str, seen: str, team: str, user: str) -> str:
    """Records a decision, if it counts. The answer is for the person."""
    operators.refresh()
    operator = operators.by_slack(team, user)
    if operator is None:
        raise Refused(f"You are not in the operator directory, so this does not count: {team}/{user}.")
    for _ in range(2):
        control = trail.control()
        proposal = trail.proposal(proposal_id)
        if proposal is None:
            raise Refused("There is no such proposal.")
        now = max(stamp(now_ms()), proposal.last.at)
        kind, fact, told = decision(asks, proposal, operator, seen, control, now)
        actor = {"type": "operator", "id": operator["id"], "name": operator["name"], "channel": "slack"}
        try:
            trail.append(
                proposal.last.stream,
                proposal.last,
                kind,
                fact,
                at=now,
                actor=actor,
                # With the key out of reach people can still say no.
                sign=sign if kind == "approved" else None,
            )
        except Conflict:
            continue
        log("INFO", "recorded", proposal_id=proposal_id, operator_id=operator["id"], kind=kind)
        return told
    raise Refused("Somebody else was quicker. Look at it again.")


def decision(
    asks: str, proposal: Proposal, operator: dict, seen: str, control: Control, now: str
) -> tuple[str, dict, str]:
    """The record that a person's request makes, or why it does not count."""
    if operator.get("bot"):
        raise Refused("A bot cannot decide.")
    if not operator["active"]:
        raise Refused("Your operator account is not active.")
    if proposal.state != "awaiting_approval":
        raise Refused(f"It is decided already: {proposal.state} since {proposal.since}.")
    scored = proposal.facts["scored"]
    if not hmac.compare_digest(scored.digest, seen):
        raise Refused("This proposal changed since you saw it. Look at it again.")
    deadline = scored.fact["deadline"]
    if now > deadline:
        raise Refused(f"It is too late: the deadline for this decision was {deadline}.")
    if operator["id"] == proposal.facts["received"].fact["requested_by"]:
        raise Refused("You requested this proposal: somebody else must approve it.")
    approvers = risk.POLICY["approvers"]
    if "*" not in approvers and not set(approvers) & set(operator["groups"]):
        raise Refused("The policy does not let you decide this.")
    fact = {"scored": scored.digest, "policy": risk.DIGEST}
    decider = {"groups": operator["groups"], "directory": operators.digest}
    if asks == "reject":
        rejected = fact | {"extension": None, "decider": decider}
        return "rejected", rejected, "Your rejection is recorded. Nothing will be executed."
    if control.paused:
        raise Refused(f"The agent is paused ({control.paused}). Approvals are not taken until it resumes.")
    if scored.fact["approvals_needed"] > 1:
        raise Refused("A quorum of people must approve this, which is not counted here.")
    valid_until = stamp(millis(now) + VALID_MS)
    approved = fact | {
        "valid_until": valid_until,
        "paused_before_ms": control.paused_ms(now),
        "extension": None,
        "decider": decider,
    }
    return "approved", approved, f"Your approval is recorded. It is to start before {valid_until[11:16]} UTC."


def tell(response_url: str, text: str) -> None:
    """Tells the person who clicked, at Slack's host only. The decision stands if they do not hear of it."""
    if urllib.parse.urlsplit(response_url)[:2] != ORIGIN:
        log("WARN", "did not reply: the response_url is not on Slack's host")
        return
    message = {"response_type": "ephemeral", "replace_original": False, "text": text}
    body, headers = json.dumps(message).encode(), {"content-type": "application/json"}
    try:
        reply = common.http("POST", response_url, body, headers, seconds=0.7)
    except common.Unavailable:
        log("WARN", "the reply was not delivered")
        return
    if not 200 <= reply.status < 300:
        log("WARN", "the reply was refused", status=reply.status)


if __name__ == "__main__":
    common.run(handler)
