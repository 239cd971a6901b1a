//! The factors: named rules over the recorded evidence. Each says how many points, and why, in one plain sentence.
//!
//! What is not known is taken at its worst, so that missing evidence never lowers a score; and nothing that lowers one
//! rests on evidence that is missing.

use crate::action::{Action, ActionKind, Undo};
use crate::inventory::Condition;
use crate::policy::{Local, Points, Policy};
use crate::proposal::{Factor, Past, Proposed};
use crate::value::{Ppm, Timestamp};

/// What is judged.
pub(super) struct Case<'a> {
    /// The proposal.
    pub(super) proposed: &'a Proposed,
    /// The weights.
    pub(super) policy: &'a Policy,
    /// The time in the company's zone.
    pub(super) local: Local,
    /// The time.
    pub(super) now: Timestamp,
}

/// One named rule.
pub struct Rule {
    /// Its name, as recorded.
    pub name: &'static str,
    /// What it looks at, for the documents.
    pub looks_at: &'static str,
    judge: fn(&Case<'_>) -> Option<Found>,
}

/// Points with their sentence.
type Found = (i32, String);

impl Rule {
    pub(super) fn judge(&self, case: &Case<'_>) -> Option<Factor> {
        let (points, because) = (self.judge)(case).filter(|(points, _)| *points != 0)?;
        Some(Factor {
            name: self.name.to_owned(),
            points,
            because,
        })
    }
}

/// Every factor, in the order in which they are recorded.
pub const FACTORS: [Rule; 17] = [
    Rule {
        name: "night",
        looks_at: "the time of day in the company's time zone, `hours.night`",
        judge: night,
    },
    Rule {
        name: "weekend",
        looks_at: "the day of the week there, `hours.working.days`",
        judge: weekend,
    },
    Rule {
        name: "change_freeze",
        looks_at: "the change-freeze calendar, `[[freeze]]`",
        judge: change_freeze,
    },
    Rule {
        name: "teams",
        looks_at: "how many teams use what the action changes, from the gateway's inventory",
        judge: teams,
    },
    Rule {
        name: "traffic",
        looks_at: "their share of the gateway's requests in the last 5 minutes",
        judge: traffic,
    },
    Rule {
        name: "critical_team",
        looks_at: "whether the gateway calls one of them critical",
        judge: critical_team,
    },
    Rule {
        name: "team_tier",
        looks_at: "the highest tier among them, `[[team_tier]]`",
        judge: team_tier,
    },
    Rule {
        name: "magnitude",
        looks_at: "the size of the change within the action's bounds; the smallest lowers",
        judge: magnitude,
    },
    Rule {
        name: "repeat",
        looks_at: "actions on the same target within `windows.repeat_s`",
        judge: repeat,
    },
    Rule {
        name: "reverted",
        looks_at: "whether the same action on the same target failed or was taken back within `windows.reverted_s`",
        judge: reverted,
    },
    Rule {
        name: "cascade",
        looks_at: "other incidents within `windows.incidents_s`",
        judge: cascade,
    },
    Rule {
        name: "no_alternative",
        looks_at: "whether a healthy deployment is left to take the traffic that moves",
        judge: no_alternative,
    },
    Rule {
        name: "unconfirmed",
        looks_at: "whether the gateway confirmed the event",
        judge: unconfirmed,
    },
    Rule {
        name: "stale_evidence",
        looks_at: "how old the evidence is, `windows.stale_s`",
        judge: stale_evidence,
    },
    Rule {
        name: "undo",
        looks_at: "how the action is taken back, `raises.undo`",
        judge: undo,
    },
    Rule {
        name: "proven",
        looks_at: "whether the same action on the same target helped within `windows.proven_s`; lowers",
        judge: proven,
    },
    Rule {
        name: "staffed",
        looks_at: "whether people work and somebody is on call, `hours`; lowers",
        judge: staffed,
    },
];

fn raise(points: Points, because: impl Into<String>) -> Option<Found> {
    Some((points.get(), because.into()))
}

fn lower(points: Points, because: impl Into<String>) -> Option<Found> {
    Some((-points.get(), because.into()))
}

/// So many points each, and at most `most`.
fn each(number: u64, each: Points, most: Points) -> i32 {
    let points = i64::try_from(number)
        .unwrap_or(i64::MAX)
        .saturating_mul(i64::from(each.get()));
    i32::try_from(points.min(i64::from(most.get()))).unwrap_or(most.get())
}

/// A part of `points`: all of them at 1, none at 0, whole ones only.
fn part(points: Points, part: Ppm) -> i32 {
    let ppm = i64::from(part.0.min(Ppm::ONE.0));
    i32::try_from(i64::from(points.get()) * ppm / i64::from(Ppm::ONE.0)).unwrap_or(points.get())
}

fn night(case: &Case<'_>) -> Option<Found> {
    let night = case.policy.hours.night;
    let because = format!("it is {} in {}: night", case.local, case.policy.time_zone);
    night
        .covers(&case.local)
        .then(|| raise(case.policy.raises.night, because))?
}

fn weekend(case: &Case<'_>) -> Option<Found> {
    let day = case.local.weekday();
    let because = format!("{} is no working day", day.name());
    (!case.policy.hours.working.days.contains(&day)).then(|| raise(case.policy.raises.weekend, because))?
}

fn change_freeze(case: &Case<'_>) -> Option<Found> {
    let freeze = case.policy.freeze_at(&case.local)?;
    let because = format!("the change freeze \"{}\" lasts until {}", freeze.name, freeze.to);
    raise(case.policy.raises.change_freeze, because)
}

impl Case<'_> {
    /// Whether the action changes or thins anything on the gateway: a page does not.
    fn touches(&self) -> bool {
        !self.proposed.preview.plan.claims.is_empty()
    }

    /// Whether it touches something and the gateway could not tell what that affects.
    fn blind(&self) -> bool {
        let evidence = &self.proposed.evidence;
        self.touches() && (evidence.read_at.is_none() || evidence.affected_unknown)
    }

    /// Earlier actions on the same targets; `None` where they are not known.
    fn before(&self) -> Option<&[Past]> {
        if self.proposed.preview.plan.changes.is_empty() {
            return Some(&[]);
        }
        let history = self.proposed.evidence.history.as_ref();
        history.map(|history| history.actions.as_slice())
    }
}

fn teams(case: &Case<'_>) -> Option<Found> {
    case.touches().then_some(())?;
    let raises = &case.policy.raises;
    if case.blind() {
        return raise(
            raises.most_teams,
            "how many teams are affected is not known: taken at the most",
        );
    }
    let number = case.proposed.evidence.teams_affected;
    let points = each(number.saturating_sub(1), raises.each_team, raises.most_teams);
    Some((points, format!("{number} teams use what it changes")))
}

fn traffic(case: &Case<'_>) -> Option<Found> {
    case.touches().then_some(())?;
    let raises = &case.policy.raises;
    if case.blind() {
        return raise(
            raises.traffic,
            "the traffic affected is not known: taken at the most",
        );
    }
    let (share, from) = (case.proposed.evidence.traffic_share, case.policy.traffic_from());
    let above = Ppm::ratio(
        u64::from(share.0.saturating_sub(from.0)),
        u64::from(Ppm::ONE.0.saturating_sub(from.0)),
    );
    Some((
        part(raises.traffic, above),
        format!("the teams affected send {share} of the gateway's requests"),
    ))
}

fn critical_team(case: &Case<'_>) -> Option<Found> {
    case.touches().then_some(())?;
    let points = case.policy.raises.critical_team;
    if case.blind() {
        return raise(
            points,
            "whether a critical team is affected is not known: taken so",
        );
    }
    case.proposed
        .evidence
        .critical_team
        .then(|| raise(points, "a team that the gateway calls critical is affected"))?
}

fn team_tier(case: &Case<'_>) -> Option<Found> {
    case.touches().then_some(())?;
    let evidence = &case.proposed.evidence;
    let tiers = || case.policy.team_tier.iter();
    let highest = tiers().max_by_key(|tier| tier.points)?;
    // Records name twenty teams and count them all: the others may be of the highest tier.
    if case.blind() || evidence.teams_affected > evidence.teams.len() as u64 {
        let because = format!(
            "not every team affected is known: taken as of the tier {}",
            highest.name
        );
        return raise(highest.points, because);
    }
    let affected = tiers()
        .filter(|tier| tier.teams.iter().any(|team| evidence.teams.contains(team)))
        .max_by_key(|tier| tier.points)?;
    raise(
        affected.points,
        format!("a team of the tier {} is affected", affected.name),
    )
}

/// How large a change is within its action's bounds: 0 the smallest, 1 the largest. `None` for actions that have no
/// size.
pub fn size(proposed: &Proposed) -> Option<Ppm> {
    proposed.action.operation().size(&proposed.preview.plan)
}

fn magnitude(case: &Case<'_>) -> Option<Found> {
    let size = size(case.proposed)?;
    if size == Ppm(0) {
        return lower(
            case.policy.lowers.smallest_change,
            "the change is the smallest that the action can make",
        );
    }
    Some((
        part(case.policy.raises.largest_change, size),
        format!("the change has {size} of the size that the action can have"),
    ))
}

fn repeat(case: &Case<'_>) -> Option<Found> {
    let (raises, window_s) = (&case.policy.raises, case.policy.windows.repeat_s.get());
    let Some(before) = case.before() else {
        return raise(
            raises.most_repeats,
            "earlier actions on the target are not known: taken at the most",
        );
    };
    let number = before
        .iter()
        .filter(|past| past.is_within(window_s, case.now))
        .count() as u64;
    Some((
        each(number, raises.each_repeat, raises.most_repeats),
        format!("{number} earlier actions changed the same target within {window_s} s"),
    ))
}

/// Earlier runs of the same action on the same target.
fn same<'a>(case: &Case<'_>, before: &'a [Past]) -> impl Iterator<Item = &'a Past> {
    let action: ActionKind = case.proposed.action.kind();
    before.iter().filter(move |past| past.action == action)
}

fn reverted(case: &Case<'_>) -> Option<Found> {
    let (points, window_s) = (case.policy.raises.reverted, case.policy.windows.reverted_s.get());
    let Some(before) = case.before() else {
        return raise(points, "whether it failed here before is not known: taken so");
    };
    let bad = same(case, before).find(|past| past.is_bad() && past.is_within(window_s, case.now))?;
    raise(
        points,
        format!("the same action on the same target went wrong: {}", bad.proposal),
    )
}

fn cascade(case: &Case<'_>) -> Option<Found> {
    let (raises, window_s) = (&case.policy.raises, case.policy.windows.incidents_s.get());
    let Some(history) = &case.proposed.evidence.history else {
        return raise(
            raises.most_incidents,
            "other incidents are not known: taken at the most",
        );
    };
    let since = case.now.minus_seconds(window_s);
    let number = history
        .incidents
        .iter()
        .filter(|opened| **opened >= since)
        .count() as u64;
    Some((
        each(number, raises.each_incident, raises.most_incidents),
        format!("{number} other incidents within {window_s} s"),
    ))
}

fn no_alternative(case: &Case<'_>) -> Option<Found> {
    let moves_traffic = matches!(
        case.proposed.action,
        Action::CircuitBreakProvider(_) | Action::RerouteModelGroup(_)
    );
    let evidence = &case.proposed.evidence;
    let points = case.policy.raises.no_alternative;
    if !moves_traffic {
        return None;
    }
    match (evidence.read_at, evidence.alternatives) {
        (None, _) => raise(
            points,
            "whether another healthy provider is left is not known: taken as none",
        ),
        (Some(_), Some(0)) => raise(points, "no other healthy provider is left to take the traffic"),
        // No model group uses it: no traffic moves.
        (Some(_), Some(_) | None) => None,
    }
}

fn unconfirmed(case: &Case<'_>) -> Option<Found> {
    let points = case.policy.raises.unconfirmed;
    match &case.proposed.evidence.condition {
        Condition::Confirmed(_) => None,
        Condition::Refuted(_) => raise(points, "the gateway shows otherwise"),
        Condition::Unreadable(_) => raise(points, "the gateway could not confirm the event"),
    }
}

fn stale_evidence(case: &Case<'_>) -> Option<Found> {
    let (points, window_s) = (case.policy.raises.stale, case.policy.windows.stale_s.get());
    match case.proposed.evidence.read_at {
        None => raise(points, "the gateway could not be read"),
        Some(read_at) if case.now.millis_since(read_at) > window_s.saturating_mul(1000) => raise(
            points,
            format!("the gateway was read at {read_at}, more than {window_s} s ago"),
        ),
        Some(_) => None,
    }
}

fn undo(case: &Case<'_>) -> Option<Found> {
    let undo = case.proposed.preview.undo;
    let because = match undo {
        Undo::Restore { .. } => "it ends by itself",
        Undo::OnDemand => "it stays until a person has it taken back",
        Undo::OneShot => "it cannot be taken back",
    };
    raise(case.policy.raises.undo.of(undo), because)
}

fn proven(case: &Case<'_>) -> Option<Found> {
    let window_s = case.policy.windows.proven_s.get();
    case.proposed.evidence.read_at?;
    let history = case.proposed.evidence.history.as_ref()?;
    // What came last tells: a success before a failure proves nothing.
    let last = same(case, &history.actions).next()?;
    (last.is_good() && last.is_within(window_s, case.now)).then(|| {
        lower(
            case.policy.lowers.proven,
            format!("the same action on the same target helped: {}", last.proposal),
        )
    })?
}

fn staffed(case: &Case<'_>) -> Option<Found> {
    let hours = &case.policy.hours;
    let on_call = hours
        .on_call
        .as_ref()
        .is_some_and(|week| week.covers(&case.local));
    (on_call && hours.working.covers(&case.local))
        .then(|| lower(case.policy.lowers.staffed, "people work, and somebody is on call"))?
}
