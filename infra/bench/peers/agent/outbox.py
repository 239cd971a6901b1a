"""Tells the world what the trail says: the bus, the topic of what people are told, and the view.

Woken by the table's stream. What is announced is every record that the proposal's row in the view does not
have, and the row is written last.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from datetime import datetime

import common
import incidents
from common import SOURCE, Secret, log
from trail import Corrupt, Proposal, Record, Trail, compact

ENV = os.environ
MOST_EVENTS = 10
INFORMS = ("approved", "rejected", "expired", "started", "succeeded", "restored", "verified", "escalated")
INABILITIES = ("out_of_money", "out_of_time", "out_of_turns", "out_of_tokens")

trail = Trail(ENV["TRAIL_TABLE"], "outbox")
view = trail.dynamodb
bus = common.client("events")
topic = common.client("sns")
link_key = Secret(ENV["LINK_SECRET"])


def handler(event: dict) -> dict:
    """Announces what a batch of the stream brought, each proposal by itself."""
    if event["Records"] and event["Records"][0].get("eventSource") == "aws:sqs":
        return common.batch(event, hinted, ENV["ANNOUNCE_DLQ_URL"], "outbox")
    failures = []
    brought: dict[str, dict[int, str]] = {}
    for item in event["Records"]:
        keys = item["dynamodb"]["Keys"]
        stream, seq = keys["stream"]["S"], int(keys["seq"]["N"])
        by = item.get("userIdentity") or {}
        if item["eventName"] == "INSERT":
            if stream.startswith("proposal/"):
                brought.setdefault(stream, {})[seq] = item["dynamodb"]["SequenceNumber"]
        elif item["eventName"] == "MODIFY" or by.get("principalId") != "dynamodb.amazonaws.com":
            log("ERROR", "a record was changed or removed", alarm="tampered_record", stream=stream, seq=seq)
    for stream, positions in brought.items():
        try:
            announce(stream.removeprefix("proposal/"), positions)
        except Exception as err:  # noqa: BLE001: this proposal comes back, the others are announced.
            log("ERROR", "will be announced again", stream=stream, error=repr(err))
            failures.append({"itemIdentifier": next(iter(positions.values()))})
    return {"batchItemFailures": failures}


def hinted(message: dict) -> None:
    announce(common.hinted(message["body"]), {})


def announce(proposal_id: str, positions: dict[int, str]) -> None:
    """Announces every record that the view does not have yet, and brings the view up to date."""
    records = trail.load(f"proposal/{proposal_id}")
    missing = positions.keys() - {record.seq for record in records}
    if missing:
        raise Corrupt(f"records {sorted(missing)} of {proposal_id} are in the stream but not in the table")
    told = announced(proposal_id)
    proposal = Proposal(proposal_id)
    announcements = []
    for record in records:
        proposal.apply(record)
        if record.seq > told:
            announcements.append(announcement(proposal, record))
    if not announcements:
        return
    publish(announcements)
    for each in announcements:
        reason = concern(each)
        if reason:
            tell(proposal, each, *reason)
    put(proposal)
    log("INFO", "announced", proposal_id=proposal_id, records=len(announcements))


def announcement(proposal: Proposal, record: Record) -> dict:
    """What the bus is told of a record: with the proposal as it was just after it."""
    return {
        "version": 1,
        "proposal": proposal.id,
        "seq": record.seq,
        "kind": record.kind,
        "digest": record.digest,
        "at": record.at,
        "summary": proposal.summary(),
    }


def publish(announcements: list[dict]) -> None:
    for begin in range(0, len(announcements), MOST_EVENTS):
        entries = [
            {
                "EventBusName": ENV["BUS_NAME"],
                "Source": SOURCE,
                "DetailType": f"proposal.{each['kind']}",
                "Time": datetime.fromisoformat(each["at"]),
                "Detail": compact(each),
            }
            for each in announcements[begin : begin + MOST_EVENTS]
        ]
        reply = bus.put_events(Entries=entries)
        # The request succeeds even where single events were refused.
        if reply["FailedEntryCount"]:
            codes = [entry["ErrorCode"] for entry in reply["Entries"] if "ErrorCode" in entry]
            raise common.Unavailable(f"{len(codes)} of {len(entries)} events were refused: {codes}")


# ------------------------------------------------------------------------------------------- people


def concern(each: dict) -> tuple[str, str] | None:
    """How urgent an announcement is for people and why, if it is for them."""
    kind, summary = each["kind"], each["summary"]
    decision = summary.get("decision")
    if kind == "scored":
        return {
            "gate": ("decide", "a proposal waits for approval"),
            "auto": ("inform", "the policy lets an action run by itself"),
        }.get(decision)
    if kind == "declined" and summary["declined"] in INABILITIES:
        return "page", "the agent came to no conclusion"
    if decision in (None, "shadow"):
        return None
    pages = {
        "failed": "an action failed",
        "unknown": "it is unknown whether an action took effect",
        "refused": "what was approved was refused at its start",
    }
    if kind in pages:
        return "page", pages[kind]
    if kind == "expired" and summary["state"] == "expired":
        return "page", "nobody decided in time"
    return ("inform", "what people were told has changed") if kind in INFORMS else None


def tell(proposal: Proposal, each: dict, urgency: str, reason: str) -> None:
    """Publishes to the topic, with attributes that subscribers filter by."""
    link = link_of(proposal.id)
    lines = in_short(proposal.facts["proposed"]) if "proposed" in proposal.facts else []
    record = proposal.records[each["seq"] - 1]
    if record.kind != "proposed":
        lines += in_short(record)
    text = "\n".join((*lines, f"All of it: {link}"))
    message = {**each, "text": text, "reason": reason, "urgency": urgency, "link": link}
    summary = each["summary"]
    attributes = {
        "urgency": urgency,
        "kind": each["kind"],
        "action": summary.get("action"),
        "team": summary.get("team_id"),
        "severity": summary["severity"],
    }
    topic.publish(
        TopicArn=ENV["APPROVAL_TOPIC_ARN"],
        Message=compact(message),
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value
        },
    )


def in_short(record: Record) -> list[str]:
    """A record in a few lines."""
    fact = record.fact
    head = f"{record.at[:10]} {record.at[11:16]} UTC: {record.kind}"
    if record.kind == "proposed":
        changes = [
            f"{change['target']['id']}: {shares(change['before'])} → {shares(change['after'])}"
            for change in fact["preview"]["changes"]
        ]
        impact = fact["preview"]["impact"]
        return [f"{head}: {incidents.said(fact['action'])}", fact["rationale"], *changes, *impact]
    if record.kind == "scored":
        factors = [f"{factor['points']:+}: {factor['because']}" for factor in fact["factors"]]
        return [f"{head}: {fact['score']}, {fact['decision']}: {fact['because']}", *factors]
    for key in ("explanation", "reason", "cause"):
        if fact.get(key):
            return [f"{head}: {fact[key]}"]
    return [head]


def shares(value: dict) -> str:
    return ", ".join(f"{route['provider']} {route['weight']}" for route in value["routes"])


def link_of(proposal_id: str) -> str:
    """The link to a proposal's page: whoever has it may look, and do nothing."""
    mac = hmac.new(link_key.text.encode(), f"sre-agent/page/1:{proposal_id}".encode(), hashlib.sha256)
    token = base64.urlsafe_b64encode(mac.digest()[:18]).decode()
    return f"{ENV['PAGES_URL'].rstrip('/')}/proposals/{proposal_id}?t={token}"


# ----------------------------------------------------------------------------------------- the view


def announced(proposal_id: str) -> int:
    """The last record of a proposal that was announced."""
    found = view.get_item(
        TableName=ENV["PROPOSALS_TABLE"],
        Key={"proposal": {"S": proposal_id}},
        ConsistentRead=True,
        ProjectionExpression="#seq",
        ExpressionAttributeNames={"#seq": "seq"},
    )
    return int(found["Item"]["seq"]["N"]) if "Item" in found else 0


def put(proposal: Proposal) -> None:
    """Writes the proposal's row, unless a newer one is there."""
    last = proposal.last
    row = {
        "proposal": proposal.id,
        "seq": last.seq,
        "open": proposal.is_open,
        "in_force": proposal.is_in_force,
        "opened_at": proposal.records[0].at,
        "updated_at": last.at,
        **proposal.summary(),
    }
    item = {
        "proposal": {"S": proposal.id},
        "seq": {"N": str(last.seq)},
        "updated_at": {"S": last.at},
        "row": {"S": compact(row)},
    }
    # Sparse indexes find the rows by these.
    for mark in ("open", "in_force"):
        if row[mark]:
            item[mark] = {"S": mark}
    try:
        view.put_item(
            TableName=ENV["PROPOSALS_TABLE"],
            Item=item,
            ConditionExpression="attribute_not_exists(#seq) OR #seq < :seq",
            ExpressionAttributeNames={"#seq": "seq"},
            ExpressionAttributeValues={":seq": item["seq"]},
        )
    except view.exceptions.ConditionalCheckFailedException:
        pass


if __name__ == "__main__":
    common.run(handler)
