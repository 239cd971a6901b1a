//! What is overdue about a proposal: a pure function of its trail, the switches and the clock.

use domain::inventory::LONGEST_WINDOW_S;
use domain::message::Lane;
use domain::proposal::{
    ASKED_AFTER_S, Decision, Execution, Expired, NextStep, Outcome, Proposal, ProposalFact, Scored, State,
};
use domain::telling::Row;
use domain::trail::{Control, Seq};
use domain::value::Timestamp;

/// How long a message is trusted to arrive before another is sent, seconds.
pub const PATIENCE_S: u64 = 60;

/// How long after its end an effect's restore is trusted to come, seconds.
pub const RESTORE_PATIENCE_S: u64 = 3;

/// How long after its time a verification is still made up for, seconds: it may wait for the gateway's window first.
const LEFTOVERS_S: u64 = LONGEST_WINDOW_S + 900;

/// Whether records of a proposal were not announced for too long. `announced` is the record that its row in the
/// view was made from.
pub fn unannounced(proposal: &Proposal, announced: Seq, now: Timestamp) -> bool {
    announced < proposal.last().seq && now.millis_since(proposal.last().at) > PATIENCE_S * 1000
}

/// The queues whose function is to look at it again. While the agent is paused nothing new is started; what is in force
/// is taken back all the same.
pub fn due(proposal: &Proposal, control: &Control, verify_after_s: u64, now: Timestamp) -> Vec<Lane> {
    let running = control.switches.paused.is_none();
    let waited = |since: Timestamp| now.millis_since(since) > PATIENCE_S * 1000;
    let over = |execution: &Execution| execution.restore_at.is_some_and(|end| overdue(end, now));
    let wake = |needed: bool, lane: Lane| needed.then_some(lane).into_iter().collect();
    match proposal.next_step(control, now) {
        NextStep::Reason { until } => wake(running && now > until, Lane::Ingest),
        NextStep::Score { since } => wake(running && waited(since), Lane::Scoring),
        NextStep::Start { since, deadline } => wake(
            running && waited(since) && !deadline.has_passed(now),
            Lane::Execution,
        ),
        NextStep::Act(execution) | NextStep::FindOut { execution, .. } => {
            wake(over(execution) || !execution.lease.holds(now), Lane::Restore)
        }
        NextStep::End { execution, .. } => {
            let dead = !proposal.is_in_force() && !execution.lease.holds(now);
            wake(over(execution) || dead, Lane::Restore)
        }
        NextStep::Undo { since } => wake(waited(since), Lane::Restore),
        NextStep::Decide { .. } => Vec::new(),
        NextStep::AgreeToUndo { .. } | NextStep::Nothing => settled(proposal, verify_after_s, now),
    }
}

/// The record of a deadline that has passed.
pub fn expiry(proposal: &Proposal, control: &Control, now: Timestamp) -> Option<ProposalFact> {
    let deadline = match proposal.next_step(control, now) {
        NextStep::Decide { deadline, .. } | NextStep::Start { deadline, .. } => deadline,
        NextStep::Reason { .. }
        | NextStep::Score { .. }
        | NextStep::Act(_)
        | NextStep::FindOut { .. }
        | NextStep::End { .. }
        | NextStep::AgreeToUndo { .. }
        | NextStep::Undo { .. }
        | NextStep::Nothing => return None,
    };
    deadline.has_passed(now).then_some(ProposalFact::Expired(Expired {
        deadline: deadline.set,
        extension: deadline.extension,
        closes: proposal.expires_for_good(),
    }))
}

/// Whether nothing will ever be due of a proposal as it is, whatever time passes: it is over, people and the bus know it, and
/// the times in which something may be left over have passed. `announced` is as in [`unannounced`].
pub fn rests(
    proposal: &Proposal,
    control: &Control,
    announced: Seq,
    verify_after_s: u64,
    now: Timestamp,
) -> bool {
    let Some(settled_at) = proposal.settled_at() else {
        return false;
    };
    let age_s = now.millis_since(settled_at) / 1000;
    let end = proposal.effect().and_then(|effect| effect.restore_at);
    let was_asked = end.is_none_or(|end| now >= end.plus_seconds(ASKED_AFTER_S).plus_seconds(ASKED_FOR_S));
    let was_measured =
        !proposal.had_effect() || proposal.verified().is_some() || age_s >= verify_after_s + LEFTOVERS_S;
    let calls = proposal.call().is_some_and(|call| call.acknowledged.is_none());
    let news = proposal.news().seq;
    let mut cards = proposal.messages().of(Lane::Slack.name());
    let is_shown = match cards.find(|message| message.reference.is_some()) {
        Some(card) => card.problem.is_none() && card.shows.is_some_and(|shown| shown >= news),
        None => proposal.messages().is_empty(),
    };
    matches!(proposal.next_step(control, now), NextStep::Nothing)
        && !Row::of(proposal).open
        && !calls
        && is_shown
        && announced >= proposal.last().seq
        && age_s >= 3 * PATIENCE_S
        && was_asked
        && was_measured
}

/// Whether people know too little of a proposal: no card was posted, it could not be changed, it does not show how it
/// ended, or it shows switches that were switched since. `switched_at` is when the agent was last paused or resumed.
pub fn untold(proposal: &Proposal, switched_at: Option<Timestamp>, now: Timestamp) -> bool {
    let untouched = proposal.messages().is_empty();
    // Of what was only watched from the beginning nobody is told; whoever was asked before is told that nobody is any more.
    // Where people are called instead of asked, they are told as well.
    let watched = |scored: &Scored| scored.decision == Decision::Shadow && untouched;
    if proposal.call().is_none() && proposal.scored().is_none_or(watched) {
        return false;
    }
    let waited = |since: Timestamp| now.millis_since(since) > PATIENCE_S * 1000;
    let calls = proposal.call().is_some_and(|call| call.acknowledged.is_none());
    let over = !Row::of(proposal).open && !calls;
    let mut messages = proposal.messages().of(Lane::Slack.name());
    match messages.find(|message| message.reference.is_some()) {
        // What had ended before Slack was set up is not told of.
        None => {
            (!untouched || !over)
                && waited(proposal.state_since())
                && is_tried_now(proposal.state_since(), now)
        }
        Some(card) => {
            let news = proposal.news();
            let behind = card.shows.is_none_or(|shown| shown < news.seq) && waited(news.at);
            // Its own message may have been lost: once or twice more, since only its end is recorded.
            let lately = !waited(news.at.plus_seconds(PATIENCE_S));
            let tried = is_tried_now(news.at, now);
            let switched = switched_at.is_some_and(|at| !waited(at.plus_seconds(PATIENCE_S)));
            (card.problem.is_some() && tried) || (behind && (over && tried || lately)) || (!over && switched)
        }
    }
}

/// Whether what does not work is tried again in this minute: each minute at first, each ten later, and no more after a day.
fn is_tried_now(since: Timestamp, now: Timestamp) -> bool {
    const OFTEN_S: u64 = 1200;
    const SELDOM_MIN: i64 = 10;
    match now.millis_since(since) / 1000 {
        age if age <= OFTEN_S => true,
        age => age <= 86_400 && now.as_seconds() / 60 % SELDOM_MIN == 0,
    }
}

/// Whether an effect is in force beyond its own end.
pub fn overdue_of(proposal: &Proposal, now: Timestamp) -> bool {
    let end = proposal
        .state()
        .execution()
        .and_then(|execution| execution.restore_at);
    end.is_some_and(|end| overdue(end, now))
}

/// How long the targets of an effect are asked whether it ended, seconds: two runs, should one be lost.
const ASKED_FOR_S: u64 = 120;

/// Whether the targets are to be asked whether an effect ended, as the records say.
fn to_be_asked(proposal: &Proposal, now: Timestamp) -> bool {
    let end = proposal.effect().and_then(|effect| effect.restore_at);
    end.map(|end| end.plus_seconds(ASKED_AFTER_S))
        .is_some_and(|from| from <= now && now < from.plus_seconds(ASKED_FOR_S))
}

fn overdue(end: Timestamp, now: Timestamp) -> bool {
    now > end.plus_seconds(RESTORE_PATIENCE_S)
}

/// What may be left over after the end: a claim that was not released, a metric that was not asked.
fn settled(proposal: &Proposal, verify_after_s: u64, now: Timestamp) -> Vec<Lane> {
    let mut chores = Vec::new();
    let Some(settled_at) = proposal.settled_at() else {
        return chores;
    };
    let age_ms = now.millis_since(settled_at);
    let recent = (PATIENCE_S * 1000..3 * PATIENCE_S * 1000).contains(&age_ms);
    let claimed = proposal
        .proposed()
        .is_some_and(|proposed| !proposed.preview.plan.claims.is_empty());
    let reached_start = !matches!(
        proposal.state(),
        State::Closed(Outcome::Declined | Outcome::Shadow | Outcome::Rejected)
    );
    if (recent && claimed && reached_start) || to_be_asked(proposal, now) {
        chores.push(Lane::Restore);
    }
    let verify_due =
        age_ms > (verify_after_s + PATIENCE_S) * 1000 && age_ms < (verify_after_s + LEFTOVERS_S) * 1000;
    if proposal.had_effect() && proposal.verified().is_none() && verify_due {
        chores.push(Lane::Verify);
    }
    chores
}
