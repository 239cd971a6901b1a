"""Takes an incident event, opens its proposal, and proposes one action or declines."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor

import common
import incidents
from common import Later, Poison, Secret, log, millis, now_ms, stamp
from incidents import Inventory
from reasoning import MAX_COST, Talk, micros, usd
from trail import LONGEST_LIFE_DAYS, Corrupt, Proposal, Record, Trail, expiry

ENV = os.environ
LEASE_MS = (int(ENV["INGEST_TIMEOUT_S"]) + 7) * 1000
CORRELATION_MS = int(ENV["CORRELATION_WINDOW_S"]) * 1000
RUNS_PER_TROUBLE = int(ENV["MODEL_RUNS_PER_TROUBLE"])
DAILY_CAP = micros(ENV["MODEL_DAILY_CAP"])
SOURCES = ENV["EVENT_SOURCES"].split(",")

# What was before: records of a target, and other proposals, that are looked at; and how much is recorded.
MOST_CLAIMS, MOST_LOOKED_AT, MOST_INCIDENTS, MOST_ACTIONS = 40, 100, 50, 12
INCIDENTS_MS = 3_600_000
# Proposals that this process knows to be incidents, whatever comes.
known: set[str] = set()
CAME = {
    "executing": "in_force",
    "unknown": "in_force",
    "succeeded": "in_force",
    "failed": "failed",
    "restored": "undone",
}

trail = Trail(ENV["TRAIL_TABLE"], "ingest")
gateway = common.Gateway(ENV["GATEWAY_URL"], Secret(ENV["GATEWAY_READ_SECRET"]))
readers = ThreadPoolExecutor(8)


def handler(event: dict) -> dict:
    return common.batch(event, work, ENV["INGEST_DLQ_URL"], "ingest-and-propose")


def work(message: dict) -> None:
    text = message["body"]
    try:
        envelope = json.loads(text)
        if "TopicArn" in envelope:
            text = envelope["Message"]
            envelope = json.loads(text)
        is_hint = "hint" in envelope
        source = "" if is_hint else envelope["source"]
        event = {} if is_hint else incidents.read_event(envelope)
    except (KeyError, TypeError, ValueError) as err:
        raise Poison(f"the message cannot be read: {err!r}") from err
    if is_hint:
        return resume(common.hinted(text))
    if source not in SOURCES:
        raise Poison(f"events of {source} are not taken")
    return take(event, text, source, int(message["attributes"]["ApproximateReceiveCount"]))


def take(event: dict, text: str, source: str, receives: int) -> None:
    """Finds or opens the event's proposal, records the event on it, and reasons if nobody else does."""
    paused = trail.control().paused
    fingerprint = incidents.fingerprint(event)
    stream = f"incident/{fingerprint}"
    opened = trail.last(stream)
    generation = opened.fact["generation"] if opened else 0
    current = trail.proposal(f"{fingerprint}-{generation}") if opened else None
    if current is not None:
        if is_orphaned(current) and not paused:
            return reason_again(current)
        if event["event_id"] in current.event_ids:
            if current.state == "reasoning" and receives > 1:
                raise Later(f"another function reasons about {current.id} until its lease ends")
            return
        if current.is_open or now_ms() < millis(current.since) + CORRELATION_MS:
            repeat(current, event, source)
            return
    if current is not None or opened is None:
        generation += 1
        fact = {"generation": generation, "proposal": f"{fingerprint}-{generation}"}
        trail.append(stream, opened, "opened", fact)
    proposal = Proposal(f"{fingerprint}-{generation}")
    log("INFO", "opened", proposal_id=proposal.id)
    now = now_ms()
    occurred = millis(event["occurred_at"]) if event["occurred_at"] else now
    received = {
        "event": event,
        "verbatim": {"inline": text},
        # Held to the hour before it was received.
        "occurred_at": stamp(max(min(occurred, now), now - 3_600_000)),
        "lease_until": stamp(now if paused else now + LEASE_MS),
        "requested_by": None,
        "source": source,
    }
    expires_at = expiry(LONGEST_LIFE_DAYS)
    record = trail.append(f"proposal/{proposal.id}", None, "received", received, expires_at=expires_at)
    proposal.apply(record)
    if paused:
        log("INFO", "paused: recorded, and not reasoned about", proposal_id=proposal.id)
        return
    conclude(proposal)


def repeat(proposal: Proposal, event: dict, source: str) -> None:
    fact = {
        "event_id": event["event_id"],
        "occurred_at": event["occurred_at"] or stamp(now_ms()),
        "content": incidents.content(event),
        "source": source,
    }
    trail.append(proposal.last.stream, proposal.last, "repeated", fact)


def resume(proposal_id: str) -> None:
    """Looks at a proposal that somebody names: its reasoner may have died."""
    proposal = trail.existing(proposal_id)
    if is_orphaned(proposal) and not trail.control().paused:
        reason_again(proposal)


def is_orphaned(proposal: Proposal) -> bool:
    """Whether somebody began to reason about it, and died."""
    return proposal.state == "reasoning" and stamp(now_ms()) > proposal.facts["received"].fact["lease_until"]


def reason_again(proposal: Proposal) -> None:
    """Takes the lease of a reasoner that died, and reasons."""
    again = proposal.facts["received"].fact | {"lease_until": stamp(now_ms() + LEASE_MS)}
    proposal.apply(trail.append(proposal.last.stream, proposal.last, "received", again))
    conclude(proposal)


# -------------------------------------------------------------------------------------- concluding


def conclude(proposal: Proposal) -> None:
    """Reasons, and records the conclusion."""
    kind, fact = conclusion(proposal)
    record = trail.append(proposal.last.stream, proposal.last, kind, fact)
    log("INFO", "concluded", proposal_id=proposal.id, kind=kind, seq=record.seq)


def declined(reason: str, explanation: str, proposer: dict | None = None) -> tuple[str, dict]:
    fact = {"reason": reason, "explanation": explanation}
    return "declined", fact | {"proposer": proposer} if proposer else fact


def conclusion(proposal: Proposal) -> tuple[str, dict]:
    event = proposal.event
    if ENV["LICENSE_TIER"] not in ("business", "enterprise"):
        return declined("unlicensed", f"the {ENV['LICENSE_TIER']} tier does not run the agent")
    contradicted = incidents.contradiction(event)
    if contradicted:
        return declined("contradiction", contradicted)
    inventory = Inventory(gateway.inventory())
    condition = inventory.condition(event)
    if condition["status"] == "refuted":
        return declined("unconfirmed", f"the gateway does not confirm it: {condition['observed']}")
    stream = f"limit/model-spend/{stamp(now_ms())[:10]}"
    reservation = reserve(stream, proposal.id)
    if isinstance(reservation, str):
        return declined("out_of_money", reservation)
    talk = Talk(proposal, inventory)
    try:
        kind, outcome = talk.conclude()
    finally:
        settle(stream, reservation, talk.cost)
    proposer = {"by": "model", **talk.store()}
    if kind == "declined":
        return declined(outcome["reason"], outcome["explanation"], proposer)
    plan = incidents.plan_of(outcome["preview"])
    evidence = inventory.evidence(event, plan)
    evidence["history"] = history(proposal, [change["target"] for change in plan["changes"]])
    return "proposed", {
        "action": outcome["action"],
        "preview": outcome["preview"],
        "evidence": evidence,
        "proposer": proposer,
        "rationale": outcome["rationale"],
    }


# ------------------------------------------------------------------------------------ the day's cap


def reserve(stream: str, proposal_id: str) -> Record | str:
    """Reserves an incident's whole budget of the day's, or says why it cannot."""
    records = trail.load(stream)
    reserved, spent, runs = {}, 0, 0
    for record in records:
        fact = record.fact
        if record.kind == "reserved":
            reserved[record.seq] = micros(fact["amount"])
            runs += fact["proposal"][:26] == proposal_id[:26]
        elif reserved.pop(fact["reservation"], None) is not None:
            spent += micros(fact["amount"])
    spent += sum(reserved.values())
    if runs >= RUNS_PER_TROUBLE:
        return f"models reasoned about this trouble {runs} times today, which is the most"
    if spent + MAX_COST > DAILY_CAP:
        return f"the models' daily cap of {usd(DAILY_CAP)} USD does not allow another {usd(MAX_COST)} USD"
    fact = {"proposal": proposal_id, "amount": usd(MAX_COST)}
    last = records[-1] if records else None
    return trail.append(stream, last, "reserved", fact, expires_at=expiry(1))


def settle(stream: str, reservation: Record, cost: int) -> None:
    """Gives back what was not spent. Where that fails, too much stays counted."""
    try:
        fact = {"reservation": reservation.seq, "amount": usd(cost)}
        trail.append(stream, trail.last(stream), "settled", fact)
        log("INFO", "what models cost on one incident", micros=cost)
    except Exception as err:  # noqa: BLE001: the conclusion stands without it.
        log("WARN", "what was not spent stays reserved for today", error=repr(err))


# --------------------------------------------------------------------------------- what was before


def history(proposal: Proposal, targets: list[dict]) -> dict:
    """What was done on the same targets before, and what else is going on."""
    holders: list[str] = []
    for target in targets:
        for record in trail.newest(incidents.stream_of(target), MOST_CLAIMS):
            holder = record.fact["proposal"]
            if holder != proposal.id and holder not in holders:
                holders.append(holder)
    found = [past(holder, targets) for holder in readers.map(look_at, holders) if holder]
    actions = sorted(filter(None, found), key=lambda each: each["since"], reverse=True)

    now = now_ms()
    since, until = stamp(now - INCIDENTS_MS), stamp(now)
    partitions = [f"{hour}/{shard}" for hour in (since[:13], until[:13]) for shard in range(4)]
    own = f"proposal/{proposal.id[:26]}-"
    opened = [
        (at, stream.removeprefix("proposal/"))
        for found in readers.map(lambda hour: trail.opened_in(hour, since, 2 * MOST_LOOKED_AT), partitions)
        for stream, at in found
        if stream.startswith("proposal/") and not stream.startswith(own)
    ]
    opened.sort(reverse=True)
    looked_at, beyond = opened[:MOST_LOOKED_AT], opened[MOST_LOOKED_AT:]
    unknown = [proposal_id for _, proposal_id in looked_at if proposal_id not in known]
    found = dict(zip(unknown, readers.map(look_at, unknown)))
    known.update(proposal_id for proposal_id, other in found.items() if other and other.fact("proposed"))
    others_at = [at for at, proposal_id in looked_at if proposal_id in known or is_incident(found[proposal_id])]
    # What was not looked at may be one.
    others_at += [at for at, _ in beyond]
    return {"actions": actions[:MOST_ACTIONS], "incidents": others_at[:MOST_INCIDENTS]}


def look_at(proposal_id: str) -> Proposal | None:
    """A proposal, or nothing where its records do not hold."""
    try:
        return trail.proposal(proposal_id)
    except Corrupt as err:
        log("ERROR", "a record of the trail does not hold", alarm="forged_record", reason=str(err))
        return None


def is_incident(proposal: Proposal | None) -> bool:
    """Whether a proposal was not declined for what its event says. One that cannot be read may be one."""
    fact = proposal.fact("declined") if proposal else None
    return not fact or fact["reason"] not in ("contradiction", "unconfirmed", "unlicensed")


def past(proposal: Proposal, targets: list[dict]) -> dict | None:
    """An action that began and changed one of the targets, as it stands."""
    proposed = proposal.fact("proposed")
    if proposal.state not in CAME or not proposed:
        return None
    if not any(change["target"] in targets for change in proposed["preview"]["changes"]):
        return None
    verified = proposal.fact("verified")
    status = verified["condition"]["status"] if verified else "unreadable"
    return {
        "proposal": proposal.id,
        "action": proposed["action"]["action"],
        "came": CAME[proposal.state],
        "since": proposal.since,
        "helped": {"refuted": True, "confirmed": False}.get(status),
    }


if __name__ == "__main__":
    common.run(handler)
