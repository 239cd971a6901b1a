"""Scores a proposal's risk, and decides whether a person must approve it."""

from __future__ import annotations

import os

import common
import risk
from common import log, now_ms, stamp
from trail import Trail

trail = Trail(os.environ["TRAIL_TABLE"], "scoring")


def handler(event: dict) -> dict:
    return common.batch(event, work, os.environ["SCORING_DLQ_URL"], "scoring")


def work(message: dict) -> None:
    proposal = trail.existing(common.hinted(message["body"]))
    if proposal.state != "proposed":
        return
    control = trail.control()
    if control.paused:
        log("INFO", "paused: not scored", proposal_id=proposal.id, reason=control.paused)
        return
    # A score is of the instant of its record, so that whoever has the record can compute it again.
    now = max(stamp(now_ms()), proposal.last.at)
    fact = risk.score(proposal, control, now)
    trail.append(proposal.last.stream, proposal.last, "scored", fact, at=now)
    log("INFO", "scored", proposal_id=proposal.id, score=fact["score"], decision=fact["decision"])


if __name__ == "__main__":
    common.run(handler)
