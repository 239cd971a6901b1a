//! A proposal as one outbreak of its trouble: which events it has seen, how bad it was, and what came of it.

use std::collections::BTreeMap;

use super::{Declined, MOST_REPEATS, Moved, Outcome, Proposal, Repeated, State};
use crate::incident::{Badness, Event};
use crate::inventory::Condition;
use crate::proposal::DeclineReason;
use crate::trail::generation::{Course, Ending, QUIET_S, Settled, Tried};
use crate::trail::{Record, Seq};
use crate::value::{Digest, EventId, Timestamp};

/// So long an event with the same id and content is the same delivery, seconds.
const REDELIVERED_S: u64 = 86_400;

/// The same where the proposal is over: longer than a queue takes to deliver once more what a function died of, seconds.
const REDELIVERED_SOON_S: u64 = 900;

/// The events that a proposal has taken, and the worst of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Events {
    /// By their ids, in the order in which they were taken.
    seen: BTreeMap<EventId, Vec<Seen>>,
    /// The worst that those claim which are judged.
    claimed: Badness,
    /// The worst that the gateway bore out; none before it did.
    worst: Option<Badness>,
    /// How often it was reported again.
    repeats: usize,
    worsened: Option<Seq>,
}

/// An event that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    at: Timestamp,
    /// Of older records it is not known.
    content: Option<Digest>,
}

impl Seen {
    /// Whether it is this event, and was taken less than some seconds ago.
    fn is(&self, event: &Event, now: Timestamp, within_s: u64) -> bool {
        let same = self.content.is_none_or(|content| content == event.content());
        same && now < self.at.plus_seconds(within_s)
    }
}

impl Events {
    pub(super) fn of(event: &Event, at: Timestamp) -> Self {
        let mut events = Self {
            seen: BTreeMap::new(),
            claimed: Badness::of(event),
            worst: None,
            repeats: 0,
            worsened: None,
        };
        events.take(event, at);
        events
    }

    /// Whether it is the last that was taken of its id, and just now.
    pub(super) fn just_took(&self, event: &Event, now: Timestamp) -> bool {
        let last = self.seen.get(&event.event_id).and_then(|seen| seen.last());
        last.is_some_and(|seen| seen.is(event, now, REDELIVERED_SOON_S))
    }

    /// What was judged is over, and another is.
    pub(super) fn begins_anew(&mut self, event: &Event) {
        self.claimed = Badness::of(event);
    }

    /// Another event is the one that is judged.
    pub(super) fn take(&mut self, event: &Event, at: Timestamp) {
        // The worst of all: two that outdo each other by turns are not judged by turns for ever.
        self.claimed = self.claimed.worst(Badness::of(event));
        self.saw(event.event_id.clone(), Some(event.content()), at);
    }

    /// What was claimed is believed as far as the gateway bears it out.
    pub(super) fn borne_out(&mut self, badness: Option<Badness>) {
        self.worst = Badness::worst_of(self.worst, badness);
    }

    pub(super) fn repeated(&mut self, record: &Record, repeated: &Repeated) {
        self.saw(repeated.event_id.clone(), repeated.content, record.at);
        self.repeats += 1;
        if let Some(worse) = &repeated.worse {
            self.borne_out(Some(worse.badness));
            self.worsened = Some(record.seq);
        }
    }

    fn saw(&mut self, id: EventId, content: Option<Digest>, at: Timestamp) {
        self.seen.entry(id).or_default().push(Seen { at, content });
    }
}

/// People were called, because nothing that was tried has helped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The record that called them: what an acknowledgement names.
    pub record: Digest,
    /// Until when it can be acknowledged: after a day they were called again, or it is over.
    pub until: Timestamp,
    /// Who has seen to it, once somebody has.
    pub acknowledged: Option<Moved>,
}

impl Call {
    pub(super) fn by(record: &Record, declined: &Declined) -> Option<Self> {
        (declined.reason == DeclineReason::Fruitless).then_some(Self {
            record: record.digest,
            until: record.at.plus_seconds(QUIET_S),
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
    /// that comes with other content, a day later, or a quarter of an hour after it where all is over, is another event: some
    /// senders name an alert and not its firing.
    pub fn has_seen(&self, event: &Event, now: Timestamp) -> bool {
        // What is over, or was nothing, must not keep a trouble that goes on quiet: some senders say the same again and again.
        let over = self.settled_at.is_some() || self.was_declined_for_its_event();
        let within_s = if over { REDELIVERED_SOON_S } else { REDELIVERED_S };
        let mut seen = self.events.seen.get(&event.event_id).into_iter().flatten();
        seen.any(|seen| seen.is(event, now, within_s))
    }

    /// How often it was reported again.
    pub fn repeats(&self) -> usize {
        self.events.repeats
    }

    /// Whether another repetition still gets a record.
    pub fn takes_repeats(&self) -> bool {
        self.events.repeats < MOST_REPEATS
    }

    /// How bad its trouble was at its worst, as far as the gateway bore it out, since it last got better; none where it did
    /// not.
    pub fn worst(&self) -> Option<Badness> {
        Badness::worst_of(self.received.course.worst, self.events.worst)
    }

    /// Whether this is worse than all before. What was never borne out is less than what is.
    pub fn is_outdone_by(&self, badness: Badness) -> bool {
        self.worst().is_none_or(|worst| badness.is_worse_than(worst))
    }

    /// Whether an event that comes while this one is still to be judged is the one to judge: what is judged now contradicts
    /// itself, or claims less.
    pub fn is_better_judged_by(&self, event: &Event) -> bool {
        let now = &self.received.event;
        event.contradiction().is_none()
            && (now.contradiction().is_some() || Badness::of(event).is_worse_than(self.events.claimed))
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
            Outcome::Shadow => Ending::Watched,
            Outcome::Rejected => Ending::TurnedDown,
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
            return self.course().as_of(now);
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
