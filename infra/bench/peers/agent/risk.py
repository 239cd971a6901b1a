"""Risk: a score from 0 to 100 with the factors that explain it, and where it leads.

`score = clamp(baseline + factors, floor, 100)`, a pure function of the recorded evidence, the policy, the
switches and the clock. The policy is the default one of `infra/policy/risk.toml`; its rules are Python.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timezone

from common import millis, stamp
from incidents import digest_of, percent
from trail import Control, Proposal

POLICY: dict = {
    "time_zone": "UTC",
    "shadow": [],
    "approvers": ["*"],
    "quorum": {"from": 75, "people": 2},
    "working_days": [0, 1, 2, 3, 4],
    "working_hours": ["08:00", "18:00"],
    "night": ["22:00", "06:00"],
    "on_call": None,
    "freeze": [],
    "team_tier": [],
    "raises": {
        "night": 10,
        "weekend": 5,
        "change_freeze": 40,
        "each_team": 2,
        "most_teams": 20,
        "traffic": 15,
        "traffic_from_ppm": 250_000,
        "critical_team": 10,
        "each_repeat": 10,
        "most_repeats": 30,
        "reverted": 20,
        "each_incident": 3,
        "most_incidents": 15,
        "no_alternative": 15,
        "unconfirmed": 15,
        "stale": 10,
        "undo": {"restore": 0, "on_demand": 0, "one_shot": 0},
    },
    "lowers": {"proven": 5, "staffed": 5},
    "windows": {
        "repeat_s": 3600,
        "reverted_s": 86_400,
        "incidents_s": 900,
        "proven_s": 604_800,
        "stale_s": 300,
    },
}
DIGEST = digest_of(POLICY)
THRESHOLD = int(os.environ["SRE_RISK_THRESHOLD"])
AUTO_APPROVE = os.environ["SRE_AUTO_APPROVE"] == "true"
DEADLINE_MS = int(os.environ["APPROVAL_DEADLINE_S"]) * 1000
MOVES_TRAFFIC = ("circuit_break_provider", "reroute_model_group")

# Every action's baseline and floor.
RISKS = {
    "circuit_break_provider": (15, 5),
    "reroute_model_group": (25, 10),
    "raise_rate_limit": (30, 20),
    "page_oncall": (35, 10),
    "disable_guardrail": (60, 50),
    "bump_budget_cap": (75, 65),
    "disable_sla_contract": (85, 75),
}

Factor = tuple[str, int, str]


def _clock(now: datetime, span: list[str]) -> bool:
    """Whether a time of day lies in a span, which may end on the next day."""
    time, (begin, end) = f"{now:%H:%M}", span
    return begin <= time < end if begin < end else time >= begin or time < end


def _calendar(now: datetime) -> Iterator[Factor]:
    raises, night, days = POLICY["raises"], POLICY["night"], POLICY["working_days"]
    working = now.weekday() in days
    if _clock(now, night):
        yield "night", raises["night"], f"it is {now:%Y-%m-%dT%H:%M} in {POLICY['time_zone']}: night"
    if not working:
        yield "weekend", raises["weekend"], f"{now:%A} is no working day".lower()
    local = f"{now:%Y-%m-%dT%H:%M}"
    for freeze in POLICY["freeze"]:
        if freeze["from"] <= local < freeze["to"]:
            because = f"the change freeze \"{freeze['name']}\" lasts until {freeze['to']}"
            yield "change_freeze", raises["change_freeze"], because
    on_call = POLICY["on_call"]
    if on_call and _clock(now, on_call) and working and _clock(now, POLICY["working_hours"]):
        yield "staffed", -POLICY["lowers"]["staffed"], "people work, and somebody is on call"


def _reach(evidence: dict, touches: bool) -> Iterator[Factor]:
    """Whom it affects. What is not known is taken at its worst."""
    if not touches:
        return
    raises = POLICY["raises"]
    if evidence["read_at"] is None or evidence.get("affected_unknown"):
        because = "who is affected is not known: taken at the most"
        yield "teams", raises["most_teams"], because
        yield "traffic", raises["traffic"], because
        yield "critical_team", raises["critical_team"], because
        return
    number, share, least = evidence["teams_affected"], evidence["traffic_share"], raises["traffic_from_ppm"]
    points = min(max(number - 1, 0) * raises["each_team"], raises["most_teams"])
    yield "teams", points, f"{number} teams use what it changes"
    above = max(share - least, 0) * 1_000_000 // (1_000_000 - least)
    because = f"the teams affected send {percent(share)} of the gateway's requests"
    yield "traffic", raises["traffic"] * above // 1_000_000, because
    if evidence["critical_team"]:
        yield "critical_team", raises["critical_team"], "a team that the gateway calls critical is affected"
    tiers = [tier for tier in POLICY["team_tier"] if set(tier["teams"]) & set(evidence["teams"])]
    if tiers:
        highest = max(tiers, key=lambda tier: tier["points"])
        yield "team_tier", highest["points"], f"a team of the tier {highest['name']} is affected"


def _history(proposed: dict, now_ms: int) -> Iterator[Factor]:
    """What was before."""
    raises, windows, history = POLICY["raises"], POLICY["windows"], proposed["evidence"]["history"]
    if history is None:
        because = "what was before is not known: taken at the most"
        yield "repeat", raises["most_repeats"], because
        yield "reverted", raises["reverted"], because
        yield "cascade", raises["most_incidents"], because
        return

    def since(window: str) -> str:
        return stamp(now_ms - windows[window] * 1000)

    repeated = sum(past["since"] >= since("repeat_s") for past in history["actions"])
    because = f"{repeated} earlier actions changed the same target within {windows['repeat_s']} s"
    yield "repeat", min(repeated * raises["each_repeat"], raises["most_repeats"]), because
    same = [past for past in history["actions"] if past["action"] == proposed["action"]["action"]]
    bad = [p for p in same if p["came"] in ("failed", "undone") and p["since"] >= since("reverted_s")]
    if bad:
        because = f"the same action on the same target went wrong: {bad[0]['proposal']}"
        yield "reverted", raises["reverted"], because
    others = sum(opened >= since("incidents_s") for opened in history["incidents"])
    because = f"{others} other incidents within {windows['incidents_s']} s"
    yield "cascade", min(others * raises["each_incident"], raises["most_incidents"]), because
    if same and same[0]["helped"] and same[0]["since"] >= since("proven_s"):
        because = f"the same action on the same target helped: {same[0]['proposal']}"
        yield "proven", -POLICY["lowers"]["proven"], because


def _doubts(proposed: dict, now_ms: int) -> Iterator[Factor]:
    evidence, raises, stale_s = proposed["evidence"], POLICY["raises"], POLICY["windows"]["stale_s"]
    read_at = evidence["read_at"]
    if proposed["action"]["action"] in MOVES_TRAFFIC:
        if read_at is None:
            because = "whether another healthy provider is left is not known: taken as none"
            yield "no_alternative", raises["no_alternative"], because
        elif evidence["alternatives"] == 0:
            because = "no other healthy provider is left to take the traffic"
            yield "no_alternative", raises["no_alternative"], because
    if evidence["condition"]["status"] != "confirmed":
        yield "unconfirmed", raises["unconfirmed"], "the gateway could not confirm the event"
    if read_at is None:
        yield "stale_evidence", raises["stale"], "the gateway could not be read"
    elif read_at < stamp(now_ms - stale_s * 1000):
        because = f"the gateway was read at {read_at}, more than {stale_s} s ago"
        yield "stale_evidence", raises["stale"], because
    undone = proposed["preview"]["undo"]
    yield "undo", raises["undo"][undone], "it stays until a person has it taken back"


def assess(proposed: dict, now: str) -> tuple[int, list[dict]]:
    """The score at an instant, and what it is made of."""
    now_ms = millis(now)
    baseline, floor = RISKS[proposed["action"]["action"]]
    touches = bool(proposed["preview"]["claims"])
    found = [
        *_calendar(datetime.fromtimestamp(now_ms / 1000, timezone.utc)),
        *_reach(proposed["evidence"], touches),
        *_history(proposed, now_ms),
        *_doubts(proposed, now_ms),
    ]
    factors = [
        {"name": name, "points": points, "because": because} for name, points, because in found if points
    ]
    total = baseline + sum(factor["points"] for factor in factors)
    score = min(max(total, floor), 100)
    if score > total:
        because = f"nothing brings {proposed['action']['action']} below {floor}"
        factors.append({"name": "floor", "points": score - total, "because": because})
    elif score < total:
        factors.append({"name": "ceiling", "points": score - total, "because": "no score is above 100"})
    return score, factors


def approvals_needed(score: int) -> int:
    return POLICY["quorum"]["people"] if score >= POLICY["quorum"]["from"] else 1


def _gate(proposal: Proposal, score: int, control: Control) -> tuple[str, str]:
    """Where a score leads, and why. Every doubt leads to a person."""
    proposed = proposal.facts["proposed"].fact
    if proposed["action"]["action"] in POLICY["shadow"]:
        return "shadow", "the policy only watches this action"
    if score > THRESHOLD:
        return "gate", f"the score of {score} is above the threshold of {THRESHOLD}"
    if score >= POLICY["quorum"]["from"]:
        return "gate", f"the quorum begins at a score of {POLICY['quorum']['from']}"
    if not AUTO_APPROVE:
        return "gate", "automatic approval is off"
    if control.automatic_off:
        return "gate", f"automatic execution was switched off: {control.automatic_off}"
    if proposed["evidence"]["condition"]["status"] != "confirmed":
        return "gate", "the gateway could not confirm the event"
    # What runs by itself takes slots of the hour's limits, which are not counted here.
    return "gate", "the limits of automatic execution are not counted here"


def score(proposal: Proposal, control: Control, now: str) -> dict:
    """The body of the `scored` record."""
    proposed = proposal.facts["proposed"].fact
    points, factors = assess(proposed, now)
    decision, because = _gate(proposal, points, control)
    baseline, floor = RISKS[proposed["action"]["action"]]
    return {
        "score": points,
        "baseline": baseline,
        "floor": floor,
        "factors": factors,
        "threshold": THRESHOLD,
        "auto_approve": AUTO_APPROVE,
        "decision": decision,
        "because": because,
        "policy": DIGEST,
        "approvals_needed": approvals_needed(points),
        "deadline": stamp(millis(now) + DEADLINE_MS) if decision == "gate" else None,
        "valid_until": None,
        "paused_before_ms": control.paused_ms(now),
    }
