//! A proposal as one outbreak of its trouble: which events it has seen, how bad it was, and what came of it.

use std::collections::BTreeMap;

use super::{Declined, Evidence, MOST_REPEATS, Moved, Outcome, Proposal, Repeated, State};
use crate::incident::{Badness, Event};
use crate::inventory::Condition;
use crate::proposal::DeclineReason;
use crate::trail::generation::{Course, Ending, QUIET_S, Settled, Tried};
use crate::trail::{Record, Seq};
use crate::value::{Digest, EventId, Timestamp};

/// So long an event with the same id and content is the same delivery, seconds.
const REDELIVERED_S: u64 = 86_400;

/// The events that a proposal has taken, and the worst of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Events {
    seen: BTreeMap<EventId, Seen>,
    worst: Badness,
    worsened: Option<Seq>,
}

/// An event that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    at: Timestamp,
    /// Of older records it is not known.
    content: Option<Digest>,
}

impl Events {
    pub(super) fn of(event: &Event, at: Timestamp) -> Self {
        let mut events = Self {
            seen: BTreeMap::new(),
            worst: Badness::of(event),
            worsened: None,
        };
        events.take(event, at);
        events
    }

    /// Another event is the one that is judged.
    pub(super) fn take(&mut self, event: &Event, at: Timestamp) {
        self.saw(event.event_id.clone(), Some(event.content()), at);
    }

    /// An event that was judged is.
    pub(super) fn judged(&mut self, event: &Event) {
        self.worst = Badness::of(event);
    }

    /// What was claimed is believed as far as it was measured.
    pub(super) fn measured(&mut self, event: &Event, evidence: &Evidence) {
        if self.worsened.is_none() {
            self.worst = Badness::of(event).as_measured(evidence.measured);
        }
    }

    pub(super) fn repeated(&mut self, record: &Record, repeated: &Repeated) {
        self.saw(repeated.event_id.clone(), repeated.content, record.at);
        if let Some(worse) = &repeated.worse {
            self.worst = self.worst.worst(worse.badness);
            self.worsened = Some(record.seq);
        }
    }

    fn saw(&mut self, id: EventId, content: Option<Digest>, at: Timestamp) {
        self.seen.insert(id, Seen { at, content });
    }
}

/// People were called, because nothing that was tried has helped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The record that called them: what an acknowledgement names.
    pub record: Digest,
    /// Who has seen to it, once somebody has.
    pub acknowledged: Option<Moved>,
}

impl Call {
    pub(super) fn by(record: &Record, declined: &Declined) -> Option<Self> {
        (declined.reason == DeclineReason::Fruitless).then(|| Self {
            record: record.digest,
            acknowledged: None,
        })
    }
}

/// So often what was approved and not started in time is scored and asked about again.
const MOST_ROUNDS: u32 = 2;

impl Proposal {
    /// Where an approval that has run out leads: to another score, and in the end nowhere. Somebody has to look why it never
    /// starts.
    pub(super) fn goes_round(&mut self, next: State, closes: bool) -> Result<State, &'static str> {
        if closes && !self.expires_for_good() {
            return Err("closes what may still be asked about again");
        }
        self.rounds += u32::from(next == State::Proposed);
        // Older records do not say so, and were scored again.
        Ok(match closes {
            true => State::Closed(Outcome::Expired),
            false => next,
        })
    }

    /// Whether an approval that runs out now was the last: it has gone round often enough.
    pub fn expires_for_good(&self) -> bool {
        matches!(self.state, State::Approved(_)) && self.rounds >= MOST_ROUNDS
    }

    /// Whether this is a delivery of an event that was recorded already, as the event itself or as a repetition. An id
    /// that comes with other content, or a day later, is another event: some senders name an alert and not its firing.
    pub fn has_seen(&self, event: &Event, now: Timestamp) -> bool {
        self.events.seen.get(&event.event_id).is_some_and(|seen| {
            let same = seen.content.is_none_or(|content| content == event.content());
            same && now < seen.at.plus_seconds(REDELIVERED_S)
        })
    }

    /// How often it was reported again.
    pub fn repeats(&self) -> usize {
        self.events.seen.len().saturating_sub(1)
    }

    /// Whether another repetition still gets a record.
    pub fn takes_repeats(&self) -> bool {
        self.events.seen.len() <= MOST_REPEATS
    }

    /// How bad its trouble was at its worst, as far as the gateway bore it out, since it last got better.
    pub fn worst(&self) -> Badness {
        let before = self.received.course.worst;
        before.map_or(self.events.worst, |before| self.events.worst.worst(before))
    }

    /// Whether its last record says that the trouble has become worse.
    pub fn has_just_worsened(&self) -> bool {
        self.events.worsened == Some(self.last.seq)
    }

    /// What was before it.
    pub fn course(&self) -> &Course {
        &self.received.course
    }

    /// What came of it; `None` before it has settled.
    pub fn ending(&self) -> Option<Ending> {
        self.settled_at?;
        let outcome = match &self.state {
            State::Closed(outcome) => *outcome,
            State::Succeeded(_) => Outcome::Restored,
            State::Reasoning(_)
            | State::Proposed
            | State::AwaitingApproval(_)
            | State::Approved(_)
            | State::Executing(_)
            | State::Unknown(_) => return None,
        };
        Some(match outcome {
            Outcome::Declined => match self.call.as_ref().map(|call| &call.acknowledged) {
                Some(Some(_)) => Ending::SeenTo,
                Some(None) => Ending::Paged,
                None => Ending::TurnedDown,
            },
            Outcome::Shadow | Outcome::Rejected => Ending::TurnedDown,
            Outcome::Expired | Outcome::Refused | Outcome::Failed => Ending::Fruitless,
            Outcome::Restored => match self.verified.as_ref().map(|verified| &verified.condition) {
                Some(Condition::Refuted(_)) => Ending::Helped,
                Some(Condition::Confirmed(_)) => Ending::Fruitless,
                Some(Condition::Unreadable(_)) | None => Ending::NotKnown,
            },
        })
    }

    /// As one that has settled, if it has.
    pub fn as_settled(&self) -> Option<Settled<'_>> {
        Some(Settled {
            at: self.settled_at?,
            ended: self.ending()?,
            course: self.course(),
        })
    }

    /// What is before the next outbreak of its trouble, if that begins now.
    pub fn course_after(&self, now: Timestamp) -> Course {
        let Some(settled) = self.as_settled() else {
            return Course::default();
        };
        // What was declined for its event counts as no outbreak: nothing was tried, and what it claimed was not borne out.
        if self.was_declined_for_its_event() {
            return self.course().clone();
        }
        let quiet = self.last.at.plus_seconds(QUIET_S) < now;
        let proposed = self.proposed.as_ref();
        let tried = Tried {
            proposal: self.id.clone(),
            action: proposed.map(|proposed| proposed.action.kind()),
            targets: proposed.map_or_else(Vec::new, |proposed| proposed.preview.plan.changed()),
            ended: settled.ended,
            at: settled.at,
        };
        self.course().after(tried, self.worst(), quiet)
    }
}
