//! What is overdue about a proposal: a pure function of its trail, the switches and the clock.

use domain::control::{Control, Extension};
use domain::proposal::{Expired, Outcome, Proposal, ProposalFact, State};
use domain::stream::Seq;
use domain::time::Timestamp;

/// How long a message is trusted to arrive before another is sent, seconds.
pub const PATIENCE_S: u64 = 60;

/// How long after its end an effect's restore is trusted to come, seconds.
pub const RESTORE_PATIENCE_S: u64 = 3;

/// How long after its time a verification is still made up for, seconds.
const LEFTOVERS_S: u64 = 900;

/// Something to be done about a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chore {
    /// Somebody is to look at it.
    Wake(Wake),
    /// A record is to be appended.
    Append(Box<ProposalFact>),
}

/// Who is to look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// `ingest-and-propose`.
    Ingest,
    /// `scoring`.
    Scoring,
    /// `execution`, to start.
    Execution,
    /// `execution`, to take back, to find out what became of an effect, or to release what is left: on the
    /// queue that no pause switches off.
    Restore,
    /// `execution`, to ask the metric.
    Verification,
    /// `outbox`, to announce what the stream did not bring.
    Outbox,
}

/// Whether records of a proposal were not announced for too long. `announced` is the record that its row in the
/// view was made from.
pub fn unannounced(proposal: &Proposal, announced: Seq, now: Timestamp) -> bool {
    announced < proposal.last().seq && now.millis_since(proposal.last().at) > PATIENCE_S * 1000
}

/// What is overdue. While the agent is paused nothing new is started; what is in force is taken back all the same.
pub fn due(proposal: &Proposal, control: &Control, verify_after_s: u64, now: Timestamp) -> Vec<Chore> {
    let running = control.switches.paused.is_none();
    let waited = now.millis_since(proposal.state_since()) > PATIENCE_S * 1000;
    let wake = |needed: bool, wake: Wake| {
        if needed {
            vec![Chore::Wake(wake)]
        } else {
            Vec::new()
        }
    };
    match proposal.state() {
        State::Reasoning(lease) => wake(running && !lease.holds(now), Wake::Ingest),
        State::Proposed => wake(running && waited, Wake::Scoring),
        State::AwaitingApproval(waiting) => {
            let extension = control.extension(waiting.paused_before_ms, now);
            expire(waiting.deadline, extension, now).into_iter().collect()
        }
        State::Approved(approval) => match expire(
            approval.valid_until,
            control.extension(approval.paused_before_ms, now),
            now,
        ) {
            Some(expired) => vec![expired],
            None => wake(running && waited, Wake::Execution),
        },
        State::Executing(execution) | State::Unknown(execution) => {
            let end_passed = execution.restore_at.is_some_and(|end| overdue(end, now));
            wake(end_passed || !execution.lease.holds(now), Wake::Restore)
        }
        State::Succeeded(done) => {
            let restore = done.execution.restore_at.is_some_and(|end| overdue(end, now))
                || (done.undo.is_approved() && waited);
            if restore {
                vec![Chore::Wake(Wake::Restore)]
            } else {
                settled(proposal, verify_after_s, now)
            }
        }
        State::Closed(_) => settled(proposal, verify_after_s, now),
    }
}

fn overdue(end: Timestamp, now: Timestamp) -> bool {
    now > end.plus_seconds(RESTORE_PATIENCE_S)
}

fn expire(deadline: Timestamp, extension: Option<Extension>, now: Timestamp) -> Option<Chore> {
    let extended = deadline.plus_millis(extension.map_or(0, |extension| extension.ms));
    (now > extended).then_some(Chore::Append(Box::new(ProposalFact::Expired(Expired {
        deadline,
        extension,
    }))))
}

/// What may be left over after the end: a claim that was not released, a metric that was not asked.
fn settled(proposal: &Proposal, verify_after_s: u64, now: Timestamp) -> Vec<Chore> {
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
    if recent && claimed && reached_start {
        chores.push(Chore::Wake(Wake::Restore));
    }
    let had_effect = matches!(
        proposal.state(),
        State::Succeeded(_) | State::Closed(Outcome::Restored)
    );
    let verify_due =
        age_ms > (verify_after_s + PATIENCE_S) * 1000 && age_ms < (verify_after_s + LEFTOVERS_S) * 1000;
    if had_effect && proposal.verified().is_none() && verify_due {
        chores.push(Chore::Wake(Wake::Verification));
    }
    chores
}
