//! A proposal: the fold of its records. There is no other copy of its state.

mod apply;
mod authentic;
mod claim;
mod evidence;
mod fact;
mod history;
mod messages;
mod next_step;
mod outbreak;
mod permit;
mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

pub use self::apply::IllegalTransition;
pub use self::authentic::Standing;
pub use self::claim::claim_counts;
pub use self::evidence::{Before, Evidence, Report};
pub use self::fact::{
    Acknowledged, Amended, Approved, Commented, Decider, Decision, DeclineReason, Declined, Escalated,
    Expired, Factor, Failed, Fallback, Held, Kind, Notified, Precondition, ProposalFact, Proposed, Proposer,
    Reasoning, Received, Refused, Rejected, Repeated, Restored, Revoked, Scored, Started, Succeeded, Unclear,
    UndoDecided, UndoRequested, Verbatim, Verified, Voted, Worse,
};
pub use self::history::{Came, History, INCIDENTS_S, MOST_INCIDENTS, Past};
pub use self::messages::{Message, Messages};
pub use self::next_step::NextStep;
pub use self::outbreak::Call;
pub use self::permit::{ASKED_AFTER_S, Permit, Power};
pub use self::state::{Approval, Awaiting, Done, Execution, Lease, Outcome, State, UndoState};
use crate::incident::Event;
use crate::trail::{Actor, Entry, Fact, Record, Seq, StreamId};
use crate::value::{Digest, Fingerprint, OperatorId, ProposalId, Tier, Timestamp, WriterId};

/// The longest life of a proposal in days: its records are kept for the tier's retention after that.
pub const LONGEST_LIFE_DAYS: u64 = 30;

/// Repetitions recorded on one proposal; further ones are only counted by the gateway.
pub const MOST_REPEATS: usize = 50;

/// Events about one trouble that are each judged afresh after the last was declined for what it was; the ones after that are
/// once an hour.
pub const MOST_JUDGED: u64 = 50;

/// How long after that an event is judged again, seconds.
const JUDGED_AGAIN_S: u64 = 3_600;

/// How long after it was opened one that was declined for its event takes the next about its trouble, seconds.
const AWAITS_S: u64 = 86_400;

/// One proposal, replayed from its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    id: ProposalId,
    last: Record,
    last_kind: Kind,
    opened_at: Timestamp,
    received: Received,
    tries: u64,
    judged: u64,
    declined: Option<Declined>,
    call: Option<Call>,
    proposed: Option<Proposed>,
    scored: Option<Scored>,
    scored_record: Option<Digest>,
    scored_at: Option<Timestamp>,
    requesters: BTreeSet<OperatorId>,
    state: State,
    moved: Moved,
    news: Moved,
    approved: Option<Moved>,
    touched: bool,
    because: Option<String>,
    messages: Messages,
    settled_at: Option<Timestamp>,
    events: outbreak::Events,
    rounds: u32,
    verified: Option<Verified>,
    effect: Option<Execution>,
    standing: Standing,
}

/// The record that brought a proposal somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Its position.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
    /// Who wrote it.
    pub by: Actor,
}

impl Moved {
    fn by(record: &Record) -> Self {
        Self {
            seq: record.seq,
            at: record.at,
            by: record.actor.clone(),
        }
    }
}

impl Proposal {
    /// The proposal that these records make, in order from the first; or the first record that is illegal.
    pub fn replay(records: &[Record]) -> Result<Self, IllegalTransition> {
        let (first, rest) = records.split_first().ok_or_else(IllegalTransition::empty)?;
        rest.iter().try_fold(Self::open(first)?, Proposal::apply)
    }

    /// Its first record: an event was received. `tier` decides when the stream expires.
    pub fn first_entry(
        id: ProposalId,
        received: Received,
        now: Timestamp,
        actor: Actor,
        tier: Tier,
    ) -> Entry {
        let days = LONGEST_LIFE_DAYS + tier.retention_days();
        let expires_at = u64::try_from(now.plus_seconds(days * 86_400).as_seconds()).unwrap_or(0);
        Entry::first(
            StreamId::Proposal(id),
            now,
            actor,
            &ProposalFact::Received(received),
            Some(expires_at),
        )
    }

    /// How often somebody began to reason about its event.
    pub fn tries(&self) -> u64 {
        self.tries
    }

    /// Whether the next event about its trouble is judged afresh, as its own was declined for what it was: a worthless or
    /// early event silences nothing.
    pub fn judges_afresh(&self, now: Timestamp) -> bool {
        self.was_declined_for_its_event()
            && (self.judged < MOST_JUDGED || self.state_since().plus_seconds(JUDGED_AGAIN_S) <= now)
    }

    /// Whether its trouble stays with it, though it is settled: events that are worth nothing open no proposal each.
    pub fn awaits_a_better_event(&self, now: Timestamp) -> bool {
        self.was_declined_for_its_event() && now < self.opened_at.plus_seconds(AWAITS_S)
    }

    /// Whether it was declined for what its event was, and not for what could be done.
    pub fn was_declined_for_its_event(&self) -> bool {
        let declined = self.declined.as_ref();
        declined.is_some_and(|declined| declined.reason.is_of_the_event())
    }

    /// Whether time to live may have removed some of its records: what is left tells nothing of how it ended.
    pub fn has_expired_from_the_trail(&self, now: Timestamp) -> bool {
        let expires_at = self.last().expires_at.and_then(|at| i64::try_from(at).ok());
        expires_at.is_some_and(|at| at <= now.as_seconds())
    }

    /// The next record, if it is legal now.
    pub fn entry(
        &self,
        at: Timestamp,
        actor: Actor,
        fact: &ProposalFact,
    ) -> Result<Entry, IllegalTransition> {
        if let Some(fault) = &self.standing.fault {
            return Err(IllegalTransition::follows(fault, fact));
        }
        let entry = Entry::after(&self.last, at, actor, fact);
        // Legality does not depend on the writer: any token serves to try.
        self.clone()
            .apply(&entry.clone().seal(self.last.writer.clone()))?;
        Ok(entry)
    }

    /// Its id.
    pub fn id(&self) -> &ProposalId {
        &self.id
    }

    /// Its last record.
    pub fn last(&self) -> &Record {
        &self.last
    }

    /// What its last record says happened.
    pub fn last_kind(&self) -> Kind {
        self.last_kind
    }

    /// When its first record was written.
    pub fn opened_at(&self) -> Timestamp {
        self.opened_at
    }

    /// The event it answers.
    pub fn received(&self) -> &Received {
        &self.received
    }

    /// Why it was declined, if it was.
    pub fn declined(&self) -> Option<&Declined> {
        self.declined.as_ref()
    }

    /// How it called people instead of proposing anything, if it did.
    pub fn call(&self) -> Option<&Call> {
        self.call.as_ref()
    }

    /// The action proposed, with what an amendment made of it.
    pub fn proposed(&self) -> Option<&Proposed> {
        self.proposed.as_ref()
    }

    /// Its last score.
    pub fn scored(&self) -> Option<&Scored> {
        self.scored.as_ref()
    }

    /// The record of its last score: what a decision names.
    pub fn scored_record(&self) -> Option<&Digest> {
        self.scored_record.as_ref()
    }

    /// When it was scored last: the instant that the score is of.
    pub fn scored_at(&self) -> Option<Timestamp> {
        self.scored_at
    }

    /// Where it stands.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether its effect is known to be in force.
    pub fn is_in_force(&self) -> bool {
        matches!(self.state, State::Succeeded(_))
    }

    /// When it came there.
    pub fn state_since(&self) -> Timestamp {
        self.moved.at
    }

    /// What brought it there.
    pub fn moved(&self) -> &Moved {
        &self.moved
    }

    /// The last record that is news to people: any but that they were told.
    pub fn news(&self) -> &Moved {
        &self.news
    }

    /// Who completed the approval of its last score, if people approved it.
    pub fn approved(&self) -> Option<&Moved> {
        self.approved.as_ref()
    }

    /// Whether a person changed it or took an approval back: from then on, people decide.
    pub fn is_touched(&self) -> bool {
        self.touched
    }

    /// The messages about it, as far as the trail knows.
    pub fn messages(&self) -> &Messages {
        &self.messages
    }

    /// When it settled: nothing more will happen to the gateway because of it, unless a person asks for an undo.
    pub fn settled_at(&self) -> Option<Timestamp> {
        self.settled_at
    }

    /// Who triggered or edited it, and so has no vote.
    pub fn requesters(&self) -> &BTreeSet<OperatorId> {
        &self.requesters
    }

    /// Why it ended as it did, in the words of whoever ended it.
    pub fn because(&self) -> Option<&str> {
        self.because.as_deref()
    }

    /// What its metric read when it was last asked again.
    pub fn verified(&self) -> Option<&Verified> {
        self.verified.as_ref()
    }

    /// Whether it had an effect of which a metric tells whether it helped.
    pub fn had_effect(&self) -> bool {
        matches!(self.state, State::Succeeded(_) | State::Closed(Outcome::Restored))
    }

    /// The effect that it had, where its records say that it has none any more.
    pub fn effect(&self) -> Option<&Execution> {
        self.effect.as_ref()
    }

    /// How far its records hold.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Whether this writer wrote its last record.
    pub fn last_written_by(&self, writer: &WriterId) -> bool {
        self.last.writer == *writer
    }

    /// Opens a proposal with its first record.
    fn open(first: &Record) -> Result<Self, IllegalTransition> {
        let illegal = |problem: &str| IllegalTransition::new(first, "–", problem);
        let StreamId::Proposal(id) = &first.stream else {
            return Err(illegal("is not of a proposal's stream"));
        };
        let ProposalFact::Received(received) =
            ProposalFact::read(first).map_err(|err| illegal(&err.problem))?
        else {
            return Err(illegal("cannot be the first: nothing was received"));
        };
        if first.seq != 1 {
            return Err(illegal("is not the first"));
        }
        if !is_about(&received.event, id.fingerprint()) {
            return Err(illegal("received an event of another trouble"));
        }
        Ok(Self {
            id: id.clone(),
            last: first.clone(),
            last_kind: Kind::Received,
            opened_at: first.at,
            requesters: received.requested_by.iter().cloned().collect(),
            state: State::Reasoning(Lease {
                until: received.lease_until,
                record: first.digest,
            }),
            moved: Moved::by(first),
            news: Moved::by(first),
            approved: None,
            touched: false,
            because: None,
            messages: Messages::default(),
            settled_at: None,
            events: outbreak::Events::of(&received.event, first.at),
            rounds: 0,
            received,
            tries: 1,
            judged: 1,
            declined: None,
            call: None,
            proposed: None,
            scored: None,
            scored_record: None,
            scored_at: None,
            verified: None,
            effect: None,
            standing: Standing::default(),
        })
    }
}

/// Whether an event is of this trouble; older records name it by its former fingerprint.
fn is_about(event: &Event, fingerprint: &Fingerprint) -> bool {
    event.fingerprint() == *fingerprint || event.former_fingerprints().contains(fingerprint)
}
