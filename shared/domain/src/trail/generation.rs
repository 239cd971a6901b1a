//! `incident/<fingerprint>`: which proposal is the current one for a trouble, and what came of those before.

use serde::{Deserialize, Serialize};

use super::{BadBody, Fact, Record};
use crate::action::ActionKind;
use crate::incident::Badness;
use crate::inventory::Target;
use crate::value::{Fingerprint, ProposalId, Timestamp};

/// Facts of an incident's stream. Each holds the whole state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum IncidentFact {
    /// A new outbreak, with a proposal of its own.
    Opened {
        /// Which outbreak, from 1.
        generation: u32,
        /// Its proposal.
        proposal: ProposalId,
        /// What was before it.
        #[serde(default, skip_serializing_if = "Course::is_new")]
        course: Course,
    },
}

impl Fact for IncidentFact {
    fn kind(&self) -> &'static str {
        match self {
            IncidentFact::Opened { .. } => "opened",
        }
    }
}

/// What came of an outbreak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Its metric was seen to recover.
    Helped,
    /// Something was done, and whether it helped is not known.
    NotKnown,
    /// What was done did not help, failed, was refused at its start, or nobody decided in time.
    Fruitless,
    /// A person, a model or the runbook did not want it.
    TurnedDown,
    /// The policy only watched it: nobody was asked.
    Watched,
    /// Nothing was proposed any more: people were called.
    Paged,
    /// People were called, and one of them has seen to it.
    SeenTo,
}

impl Ending {
    /// In words that follow an action.
    pub fn words(self) -> &'static str {
        match self {
            Ending::Helped => "helped",
            Ending::NotKnown => "was done, and whether it helped is not known",
            Ending::Fruitless => "did not help, failed, or was not decided on in time",
            Ending::TurnedDown => "was turned down",
            Ending::Watched => "was only watched",
            Ending::Paged => "people were called",
            Ending::SeenTo => "people were called, and have seen to it",
        }
    }
}

/// An earlier outbreak of the same trouble.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// Its proposal.
    pub proposal: ProposalId,
    /// What was proposed; absent where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<ActionKind>,
    /// What that would have changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Target>,
    /// What came of it.
    pub ended: Ending,
    /// When it settled.
    pub at: Timestamp,
}

impl Tried {
    /// Whether it was this action on these targets.
    pub fn is(&self, action: ActionKind, targets: &[Target]) -> bool {
        self.action == Some(action) && self.targets == targets
    }
}

/// So many remedies in a row that did not help are enough: then people are called.
pub const MOST_FRUITLESS: u32 = 2;

/// The longest that events join what has settled, seconds.
pub const LONGEST_WAIT_S: u64 = 4 * 3600;

/// Backing off begins with this, where the correlation window is shorter, seconds.
const SHORTEST_STEP_S: u64 = 60;

/// After a day without an event a trouble is a new one, seconds.
pub const QUIET_S: u64 = 86_400;

/// Earlier outbreaks that are told.
const MOST_TRIED: usize = 6;

/// What was before an outbreak of the same trouble.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Course {
    /// Outbreaks in a row that nothing helped against, or of which nobody knows.
    #[serde(default)]
    pub fruitless: u32,
    /// Outbreaks in a row of which what was proposed was turned down, or only watched.
    #[serde(default)]
    pub turned_down: u32,
    /// How bad it was at its worst since it last got better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst: Option<Badness>,
    /// The earlier outbreaks, the newest first, at most 6.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<Tried>,
}

impl Course {
    /// Whether nothing was before.
    pub fn is_new(&self) -> bool {
        *self == Self::default()
    }

    /// Whether enough was tried in vain: no more is proposed, and people are called.
    pub fn is_exhausted(&self) -> bool {
        self.fruitless >= MOST_FRUITLESS
    }

    /// The earlier outbreak in which an action on these targets was turned down, if it was.
    pub fn turned_down(&self, action: ActionKind, targets: &[Target]) -> Option<&Tried> {
        self.tried
            .iter()
            .find(|tried| tried.ended == Ending::TurnedDown && tried.is(action, targets))
    }

    /// What is before the next outbreak, once this one has ended. `worst` is how bad this one was, and `quiet` whether
    /// nothing was heard of it for a day.
    pub fn after(&self, tried: Tried, worst: Option<Badness>, quiet: bool) -> Self {
        let ended = tried.ended;
        let begins_anew = quiet || matches!(ended, Ending::Helped | Ending::SeenTo);
        let mut so_far = match begins_anew {
            true => Self::default(),
            false => self.clone(),
        };
        if !quiet {
            so_far.tried.insert(0, tried);
            so_far.forget();
        }
        if begins_anew {
            return so_far;
        }
        so_far.worst = Badness::worst_of(so_far.worst, worst);
        match ended {
            Ending::Helped | Ending::Paged | Ending::SeenTo => {}
            Ending::NotKnown | Ending::Fruitless => {
                so_far.fruitless = so_far.fruitless.saturating_add(1);
                so_far.turned_down = 0;
            }
            Ending::TurnedDown | Ending::Watched => {
                so_far.turned_down = so_far.turned_down.saturating_add(1);
            }
        }
        so_far
    }

    /// Forgets the oldest outbreaks beyond those that are kept. One in which nothing was asked goes before one in which
    /// somebody answered: what was turned down stays so, however often the trouble comes back meanwhile.
    fn forget(&mut self) {
        while self.tried.len() > MOST_TRIED {
            let turned_down = |tried: &Tried| tried.ended == Ending::TurnedDown && tried.action.is_none();
            let asked_nothing = |tried: &Tried| turned_down(tried) || tried.ended == Ending::Watched;
            // The newest says when it was heard of last.
            let oldest = self.tried.iter().skip(1).rposition(asked_nothing);
            let at = oldest.map_or(self.tried.len() - 1, |at| at + 1);
            self.tried.remove(at);
        }
    }

    /// The same as it counts later: where nothing came of the trouble for a day, nothing was before.
    pub fn as_of(&self, now: Timestamp) -> Self {
        let quiet = self
            .tried
            .first()
            .is_some_and(|newest| newest.at.plus_seconds(QUIET_S) < now);
        match quiet {
            true => Self::default(),
            false => self.clone(),
        }
    }

    /// How long events join an outbreak that ended so before they make another, seconds.
    pub fn wait_s(&self, ended: Ending, window_s: u64) -> u64 {
        match ended {
            Ending::Helped | Ending::NotKnown => window_s,
            Ending::TurnedDown | Ending::Watched => backed_off(self.turned_down, window_s),
            Ending::Fruitless => backed_off(self.fruitless, window_s),
            Ending::Paged => LONGEST_WAIT_S,
            Ending::SeenTo => 0,
        }
    }
}

/// 1, 2, 4 … windows, at most four hours.
fn backed_off(times: u32, window_s: u64) -> u64 {
    if times == 0 {
        return window_s;
    }
    let step = window_s.max(SHORTEST_STEP_S);
    step.saturating_mul(1u64.checked_shl(times).unwrap_or(u64::MAX))
        .min(LONGEST_WAIT_S.max(window_s))
}

/// The current outbreak of a trouble, as far as it decides where an event belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled<'a> {
    /// When it settled.
    pub at: Timestamp,
    /// What came of it.
    pub ended: Ending,
    /// What was before it.
    pub course: &'a Course,
}

/// The generation that an incident's last record opened, with what was before it; 0 before the first.
pub fn opened_by(last: Option<&Record>) -> Result<(u32, Course), BadBody> {
    Ok(match last.map(IncidentFact::read).transpose()? {
        Some(IncidentFact::Opened {
            generation, course, ..
        }) => (generation, course),
        None => (0, Course::default()),
    })
}

/// Where an event belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Belongs {
    /// To the current proposal.
    Current(ProposalId),
    /// To a new outbreak, which is to be opened.
    Next(ProposalId),
}

/// Decides whether an event joins the current proposal or opens the next: it joins until that proposal has settled
/// **and** the time has passed that its ending asks for. What is `worse` than all before does not wait, but where the
/// last remedy helped.
///
/// `settled` is how the proposal of `generation` stands; `None` where it has not settled, or nothing was recorded of it yet.
pub fn belongs(
    fingerprint: &Fingerprint,
    generation: u32,
    settled: Option<&Settled<'_>>,
    worse: bool,
    window_s: u64,
    now: Timestamp,
) -> Belongs {
    let over = settled.is_some_and(|settled| {
        let wait_s = settled.course.wait_s(settled.ended, window_s);
        now > settled.at.plus_seconds(wait_s) || (worse && settled.ended.gives_way_to_worse())
    });
    if generation == 0 || over {
        Belongs::Next(ProposalId::new(fingerprint.clone(), generation.saturating_add(1)))
    } else {
        Belongs::Current(ProposalId::new(fingerprint.clone(), generation))
    }
}

impl Ending {
    /// Whether what is worse does not wait for its time to pass.
    pub fn gives_way_to_worse(self) -> bool {
        match self {
            Ending::Fruitless | Ending::TurnedDown | Ending::Watched | Ending::Paged | Ending::SeenTo => true,
            Ending::Helped | Ending::NotKnown => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::{Measure, Severity};
    use crate::samples::*;
    use crate::trail::{Actor, Entry, StreamId};

    const BAD: Badness = Badness {
        severity: Severity::Warning,
        measure: Measure::FailedPpm,
        value: 300_000,
    };

    fn tried(generation: u32, ended: Ending) -> Tried {
        Tried {
            proposal: ProposalId::new(unhealthy().fingerprint(), generation),
            action: Some(ActionKind::CircuitBreakProvider),
            targets: vec![Target::Provider(id("openai"))],
            ended,
            at: at(0),
        }
    }

    /// What is before the outbreak that follows these.
    fn course(endings: &[Ending]) -> Course {
        let numbered = (1..).zip(endings);
        numbered.fold(Course::default(), |course, (generation, ended)| {
            course.after(tried(generation, *ended), Some(BAD), false)
        })
    }

    /// The generation that an event at an instant belongs to, with a window of 15 minutes.
    fn joins(
        generation: u32,
        settled: Option<&Settled<'_>>,
        worse: bool,
        now: Timestamp,
    ) -> (&'static str, u32) {
        match belongs(&unhealthy().fingerprint(), generation, settled, worse, 900, now) {
            Belongs::Current(id) => ("current", id.generation()),
            Belongs::Next(id) => ("next", id.generation()),
        }
    }

    #[test]
    fn the_first_event_opens_the_first_generation() {
        assert_eq!(joins(0, None, false, at(0)), ("next", 1));
    }

    #[test]
    fn one_that_has_not_settled_takes_every_event_however_late_or_bad() {
        assert_eq!(joins(3, None, false, at(1_000_000)), ("current", 3));
        assert_eq!(joins(3, None, true, at(1_000_000)), ("current", 3));
    }

    #[test]
    fn how_it_ended_decides_how_long_events_join() {
        use Ending::{Fruitless, Helped, NotKnown, Paged, SeenTo, TurnedDown};
        let waits = |before: &[Ending], ended| {
            let course = course(before);
            let settled = Settled {
                at: at(50),
                ended,
                course: &course,
            };
            let wait_s = course.wait_s(ended, 900);
            let ends = at(50).plus_seconds(wait_s);
            assert_eq!(joins(1, Some(&settled), false, ends), ("current", 1));
            assert_eq!(joins(1, Some(&settled), false, ends.plus_millis(1)), ("next", 2));
            let now = joins(1, Some(&settled), true, at(51)).0 == "next";
            assert_eq!(now, ended.gives_way_to_worse(), "{ended:?}");
            assert_eq!(
                joins(1, Some(&settled), false, at(0)),
                ("current", 1),
                "a clock behind opens nothing"
            );
            wait_s
        };
        assert_eq!(waits(&[], Helped), 900);
        assert_eq!(waits(&[Fruitless, Fruitless], Helped), 900);
        assert_eq!(waits(&[Fruitless], NotKnown), 900);
        assert_eq!(waits(&[], Fruitless), 900);
        assert_eq!(waits(&[Fruitless], Fruitless), 1800);
        assert_eq!(waits(&[Fruitless, NotKnown], Fruitless), 3600);
        assert_eq!(
            waits(&[Fruitless, Helped], Fruitless),
            900,
            "one that helped begins anew"
        );
        assert_eq!(waits(&[], TurnedDown), 900);
        assert_eq!(waits(&[TurnedDown, TurnedDown], TurnedDown), 3600);
        assert_eq!(waits(&[TurnedDown; 9], TurnedDown), 14_400);
        assert_eq!(waits(&[TurnedDown; 90], TurnedDown), 14_400);
        assert_eq!(waits(&[Fruitless, Fruitless], Paged), 14_400);
        assert_eq!(waits(&[Fruitless, Fruitless], SeenTo), 0);
    }

    #[test]
    fn a_window_of_nothing_still_backs_off() {
        let after = |times: usize| course(&vec![Ending::TurnedDown; times]).wait_s(Ending::TurnedDown, 0);
        assert_eq!([after(0), after(1), after(2)], [0, 120, 240]);
    }

    #[test]
    fn the_third_in_a_row_without_help_is_for_people() {
        use Ending::{Fruitless, Helped, NotKnown, Paged, SeenTo, TurnedDown};
        for (before, exhausted) in [
            (&[Fruitless][..], false),
            (&[Fruitless, NotKnown], true),
            (&[Fruitless, Fruitless, Paged], true),
            (&[Fruitless, TurnedDown, Fruitless], true),
            (&[Fruitless, Helped, Fruitless], false),
            (&[TurnedDown, TurnedDown, TurnedDown], false),
            (&[Fruitless, Fruitless, SeenTo], false),
            (&[Fruitless, Fruitless, SeenTo, Fruitless], false),
            (&[Fruitless, Fruitless, SeenTo, Fruitless, NotKnown], true),
        ] {
            assert_eq!(course(before).is_exhausted(), exhausted, "{before:?}");
        }
        let quiet = course(&[Fruitless, Fruitless]).after(tried(3, Paged), Some(BAD), true);
        assert!(quiet.is_new(), "after a quiet day it is another trouble");
    }

    #[test]
    fn what_was_turned_down_and_the_worst_are_remembered_until_it_gets_better() {
        let before = course(&[Ending::TurnedDown, Ending::Fruitless]);
        let (action, targets) = (ActionKind::CircuitBreakProvider, [Target::Provider(id("openai"))]);
        assert_eq!(
            before
                .turned_down(action, &targets)
                .map(|one| one.proposal.generation()),
            Some(1)
        );
        assert_eq!(before.turned_down(ActionKind::RerouteModelGroup, &targets), None);
        assert_eq!(before.turned_down(action, &[Target::Provider(id("azure"))]), None);
        assert_eq!(before.worst, Some(BAD));
        let better = before.after(tried(3, Ending::Helped), Some(BAD), false);
        assert_eq!((better.turned_down(action, &targets), better.worst), (None, None));
        assert_eq!(better.tried.len(), 1, "what helped is told");
        assert_eq!(course(&[Ending::NotKnown; 20]).tried.len(), MOST_TRIED);
    }

    #[test]
    fn the_generation_is_the_one_that_the_last_record_opened() {
        let stream = StreamId::Incident(unhealthy().fingerprint());
        let opened = |generation, course| IncidentFact::Opened {
            generation,
            proposal: ProposalId::new(unhealthy().fingerprint(), generation),
            course,
        };
        assert_eq!(opened_by(None), Ok((0, Course::default())));
        let first = opened(1, Course::default());
        let first = Entry::next(stream.clone(), None, at(0), Actor::Agent, &first, None).seal(writer(1));
        let before = course(&[Ending::Fruitless]);
        let second = opened(2, before.clone());
        let second = Entry::next(stream, Some(&first), at(1), Actor::Agent, &second, None).seal(writer(2));
        assert_eq!(opened_by(Some(&first)), Ok((1, Course::default())));
        assert_eq!(opened_by(Some(&second)), Ok((2, before)));
        assert!(!first.body.contains("course"), "as older records are");
        assert_eq!(second.expires_at, None);
        assert!(opened_by(Some(Story::of(&unhealthy(), None).last())).is_err());
    }
}
