"""Starts what was approved, and records what came of it, as the targets read afterwards."""

from __future__ import annotations

import json
import os

import common
import incidents
import risk
from common import Later, Operators, Secret, log, now_ms, stamp
from incidents import Complaint, Inventory
from trail import Conflict, Control, Proposal, Record, Trail

ENV = os.environ
LEASE_MS = (int(ENV["EXECUTION_TIMEOUT_S"]) + 7) * 1000
REQUEST_MS = 2_000
VERIFY_AFTER_S = int(ENV["VERIFY_AFTER_S"])

trail = Trail(ENV["TRAIL_TABLE"], "execution")
sqs = common.client("sqs")
gateway = common.Gateway(ENV["GATEWAY_URL"], Secret(ENV["GATEWAY_WRITE_SECRET"]))
operators = Operators(ENV["OPERATORS_SECRET"])


def handler(event: dict) -> dict:
    return common.batch(event, work, ENV["EXECUTION_DLQ_URL"], "execution")


def work(message: dict) -> None:
    if message["eventSourceARN"].endswith("-verify"):
        return verify(common.hinted(message["body"]))
    proposal = trail.existing(common.hinted(message["body"]))
    receives = int(message["attributes"]["ApproximateReceiveCount"])
    if proposal.state == "approved":
        start(proposal)
    elif proposal.state == "executing":
        if stamp(now_ms()) > proposal.facts["started"].fact["lease_until"]:
            perform(proposal)
        elif receives > 1:
            raise Later(f"another function acts for {proposal.id} until its lease ends")
    elif proposal.state in ("succeeded", "failed"):
        release_all(proposal)


def record(proposal: Proposal, kind: str, fact: dict) -> None:
    proposal.apply(trail.append(proposal.last.stream, proposal.last, kind, fact))


# ------------------------------------------------------------------------------------------ starting


def start(proposal: Proposal) -> None:
    """Starts an approved proposal, or says on the trail why not."""
    control = trail.control()
    if control.paused:
        log("INFO", "paused: not started", proposal_id=proposal.id, reason=control.paused)
        return
    approved = proposal.facts["approved"].fact
    if stamp(now_ms()) > approved["valid_until"]:
        record(proposal, "expired", {"deadline": approved["valid_until"], "extension": None})
        return
    refused = lapsed(proposal, control)
    if refused:
        record(proposal, "refused", refused)
        return
    previewed = proposal.facts["proposed"].fact["preview"]
    fences = claim(proposal, previewed["claims"])
    if fences is None:
        return
    refused = changed(proposal, previewed)
    if refused:
        record(proposal, "refused", refused)
        release_all(proposal)
        return
    started = {
        "plan": incidents.plan_of(previewed),
        "fences": fences,
        "lease_until": stamp(now_ms() + LEASE_MS),
        "restore_at": None,
        "extension": None,
    }
    try:
        record(proposal, "started", started)
    except Conflict:
        release_all(proposal)
        raise
    perform(proposal)


def refusal(precondition: str, explanation: str) -> dict:
    return {"precondition": precondition, "explanation": explanation}


def lapsed(proposal: Proposal, control: Control) -> dict | None:
    """Why an approval does not count now: what people were shown, and who approved, are asked again."""
    if proposal.last.expires_at is None or proposal.last.expires_at < now_ms() // 1000:
        return refusal("authority", "its records expire before their time")
    scored = proposal.facts["scored"]
    again = risk.score(proposal, control, scored.at)
    for name in ("score", "baseline", "floor", "factors", "approvals_needed"):
        if again[name] != scored.fact[name]:
            return refusal("recomputed", f"people were shown another {name} than evidence and policy give")
    approved = proposal.facts["approved"]
    if approved.author != "callback" or approved.signature is None:
        return refusal("authority", "its approval is not signed")
    operators.refresh()
    operator = operators.get(json.loads(approved.actor).get("id", ""))
    if operator is None or operator.get("bot") or not operator["active"]:
        return refusal("authority", "whoever approved it may not decide any more")
    approvers = risk.POLICY["approvers"]
    if "*" not in approvers and not set(approvers) & set(operator["groups"]):
        return refusal("approval", "whoever approved it may not approve it any more")
    return None


def changed(proposal: Proposal, previewed: dict) -> dict | None:
    """Which precondition does not hold any more: the condition, or what was previewed."""
    inventory = Inventory(gateway.inventory())
    condition = inventory.condition(proposal.event)
    if condition["status"] == "refuted":
        return refusal("condition", f"the condition is gone: {condition['observed']}")
    try:
        again = incidents.preview(proposal.facts["proposed"].fact["action"], proposal.event, inventory)
    except Complaint as err:
        return refusal("possible", str(err))
    if again != previewed:
        return refusal("no_drift", "the gateway is not as it was when this was previewed")
    return None


# -------------------------------------------------------------------------------------------- claims


def claim(proposal: Proposal, targets: list[dict]) -> list[int] | None:
    """Claims every target or none, in one order, so that nobody waits for each other."""
    lasts = []
    # Looked at before anything is written: one that waits for a target leaves no trace of it.
    for target in targets:
        last = trail.last(incidents.stream_of(target))
        if last is not None and last.kind == "claimed":
            holder = last.fact["proposal"]
            if holder == proposal.id:
                raise Later("another function is about to start it")
            if counts(last, holder):
                log("INFO", "not started yet", proposal_id=proposal.id, reason=f"{holder} holds a target")
                return None
        lasts.append(last)
    fences: list[int] = []
    for target, last in zip(targets, lasts):
        fence = last.seq + 1 if last else 1
        fact = {
            "proposal": proposal.id,
            "fence": fence,
            "lease_until": stamp(now_ms() + LEASE_MS),
            "restore_at": None,
            "taking_back": False,
        }
        try:
            trail.append(incidents.stream_of(target), last, "claimed", fact)
        except Conflict:
            release(proposal, targets[: len(fences)])
            raise
        fences.append(fence)
    return fences


def counts(claimed: Record, holder_id: str) -> bool:
    """Whether another's claim still counts."""
    holder = trail.proposal(holder_id)
    if holder is None:
        return False
    if holder.state in ("executing", "unknown"):
        return True
    return holder.state == "approved" and stamp(now_ms()) <= claimed.fact["lease_until"]


def release_all(proposal: Proposal) -> None:
    """Releases whatever a settled proposal still holds."""
    release(proposal, proposal.facts["proposed"].fact["preview"]["claims"])


def release(proposal: Proposal, targets: list[dict]) -> None:
    for target in targets:
        stream = incidents.stream_of(target)
        last = trail.last(stream)
        if last is not None and last.kind == "claimed" and last.fact["proposal"] == proposal.id:
            trail.append(stream, last, "released", {"proposal": proposal.id, "fence": last.fact["fence"]})


# -------------------------------------------------------------------------------------- the effect


def perform(proposal: Proposal) -> None:
    """Writes what does not read as planned yet, and records what the targets read then."""
    plan = proposal.facts["started"].fact["plan"]
    lease_until = proposal.facts["started"].fact["lease_until"]
    for change in plan["changes"]:
        target, path = change["target"], incidents.path_of(change["target"])
        value = incidents.setting(target, gateway.read(path))
        if value == change["after"]:
            continue
        if value != change["before"]:
            fail(proposal, f"{target['id']} drifted")
            return
        if stamp(now_ms() + REQUEST_MS) > lease_until:
            raise Later("the lease is too short for another request")
        try:
            gateway.put(path, change["after"])
        except common.Unavailable as err:
            # It may have been done: the target is read.
            record(proposal, "unknown", {"cause": str(err)})
            break
    readings = read_all(plan)
    if any(reading["value"] != change["after"] for reading, change in zip(readings, plan["changes"])):
        fail(proposal, "the change did not take effect", readings)
        return
    record(proposal, "succeeded", {"readings": readings, "receipt": None})
    log("INFO", "succeeded", proposal_id=proposal.id)
    hint, delay = json.dumps({"hint": {"proposal": proposal.id}}), min(VERIFY_AFTER_S, 900)
    sqs.send_message(QueueUrl=ENV["VERIFY_QUEUE_URL"], MessageBody=hint, DelaySeconds=delay)
    release_all(proposal)


def read_all(plan: dict) -> list[dict]:
    targets = [change["target"] for change in plan["changes"]]
    return [
        {"target": target, "value": incidents.setting(target, gateway.read(incidents.path_of(target)))}
        for target in targets
    ]


def fail(proposal: Proposal, reason: str, readings: list[dict] | None = None) -> None:
    log("ERROR", "failed", proposal_id=proposal.id, reason=reason)
    plan = proposal.facts["started"].fact["plan"]
    record(proposal, "failed", {"reason": reason, "readings": readings or read_all(plan)})
    release_all(proposal)


def verify(proposal_id: str) -> None:
    """Some time after an effect, the very metric that fired is asked again."""
    proposal = trail.existing(proposal_id)
    if proposal.state == "succeeded" and "verified" not in proposal.facts:
        condition = Inventory(gateway.inventory()).condition(proposal.event)
        record(proposal, "verified", {"condition": condition})


if __name__ == "__main__":
    common.run(handler)
