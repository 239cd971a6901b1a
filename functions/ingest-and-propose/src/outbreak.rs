//! Which outbreak of its trouble an event belongs to, and whether it is worse than all before.

use domain::incident::Badness;
use domain::inventory::Condition;
use domain::message::Reported;
use domain::ports::TrailError;
use domain::proposal::{Evidence, Proposal, Report, State, Worse};
use domain::trail::generation::{self, Belongs, Course, Ending, IncidentFact};
use domain::trail::{Actor, Entry, StreamId};
use domain::value::{ProposalId, Timestamp};
use runtime::queue::Fault;
use trail::{End, load_end, load_proposal};

use crate::{Deps, complaints, propose};

/// Whether an event makes its trouble worse.
enum Worsening {
    /// It does not.
    No,
    /// The gateway bears it out.
    Yes(Worse),
    /// It claims so, and the gateway does not answer.
    Unknown,
    /// It claims so, and the gateway has nothing to measure it by.
    Unmeasured,
}

/// Where an event belongs.
pub(crate) struct Outbreak {
    /// The proposal.
    pub(crate) proposal: ProposalId,
    /// The same as it stands; absent where nothing is recorded of it yet.
    pub(crate) current: Option<Proposal>,
    /// What was before it.
    pub(crate) course: Course,
    /// Where the event makes the current one worse.
    pub(crate) worse: Option<Worse>,
}

/// Finds the outbreak that an event belongs to, and opens it if need be.
pub(crate) async fn of(
    deps: &Deps<'_>,
    incident: &Reported,
    paused: bool,
    receives: u32,
) -> Result<Outbreak, Fault> {
    let event = &incident.event;
    let fingerprint = event.fingerprint();
    let stream = StreamId::Incident(fingerprint.clone());
    let end = load_end(deps.trail, &stream).await?;
    let (generation, course) = generation::opened_by(end.held.as_ref()).map_err(TrailError::from)?;
    let of_generation = |generation| ProposalId::new(fingerprint.clone(), generation);
    let current = match generation {
        0 => None,
        generation => {
            let loaded = load_proposal(deps.trail, &of_generation(generation)).await;
            let forged = match &loaded {
                Ok(current) => current.as_ref().is_some_and(|one| one.standing().fault.is_some()),
                Err(err) => matches!(err, TrailError::Forged(_)),
            };
            let now = deps.clock.now();
            if forged || is_over(&loaded, &end, now) {
                // A record of it does not hold, or its time on the trail is over: it takes no more, and what happens next is
                // another outbreak.
                let next = of_generation(generation.saturating_add(1));
                return open(deps, stream, &end, next, Course::default(), now).await;
            }
            loaded?
        }
    };
    let now = deps.clock.now();
    if let Some(current) = current.as_ref().filter(|current| current.has_seen(event, now)) {
        // A redelivery is not a new outbreak.
        return Ok(Outbreak::known(current.clone()));
    }
    if generation > 1 {
        // Nor is one that comes when the next outbreak is under way already. What is over on the trail is no memory.
        let before = match load_proposal(deps.trail, &of_generation(generation - 1)).await {
            Err(TrailError::Forged(_)) => None,
            loaded => loaded?,
        };
        let kept = before.filter(|before| !before.has_expired_from_the_trail(now));
        if let Some(before) = kept.filter(|before| before.has_seen(event, now)) {
            return Ok(Outbreak::known(before));
        }
    }
    if let Some(current) = &current
        && was_seen_to(deps, current).await?
    {
        let next = of_generation(generation.saturating_add(1));
        return open(deps, stream, &end, next, Course::default(), now).await;
    }
    let settled = current.as_ref().filter(|one| !one.awaits_a_better_event(now));
    let settled = settled.and_then(Proposal::as_settled);
    let window_s = deps.deployment.correlation_window_s;
    let belongs = |is_worse| {
        let settled = settled.as_ref();
        generation::belongs(&fingerprint, generation, settled, is_worse, window_s, now)
    };
    let worsening = match &current {
        // Where it opens the next outbreak in any case, nobody needs to know.
        Some(current) if matches!(belongs(false), Belongs::Current(_)) => {
            worsening(deps, current, incident, paused).await
        }
        Some(_) | None => Worsening::No,
    };
    let most_looks = if paused { MOST_LOOKS_PAUSED } else { MOST_LOOKS };
    let (is_worse, worse) = match worsening {
        Worsening::No => (false, None),
        Worsening::Yes(worse) => (true, Some(worse)),
        // Nothing is asked during a pause: if it is worse is found out with its own outbreak, after it.
        Worsening::Unknown if paused && settled.is_some() => (true, None),
        Worsening::Unknown if receives < most_looks => {
            return Err(Fault::Later(
                "it claims to be worse, which nobody can tell now".to_owned(),
            ));
        }
        // Some traffic may come. A sender that goes on says so again.
        Worsening::Unmeasured if receives < MOST_LOOKS_UNMEASURED => {
            return Err(Fault::Later(
                "it claims to be worse, which nothing measures now".to_owned(),
            ));
        }
        Worsening::Unknown | Worsening::Unmeasured => (false, None),
    };
    match belongs(is_worse) {
        Belongs::Current(proposal) => Ok(Outbreak {
            proposal,
            current,
            course,
            worse,
        }),
        Belongs::Next(next) => {
            let course = current.map_or_else(Course::default, |current| current.course_after(now));
            open(deps, stream, &end, next, course, now).await
        }
    }
}

impl Outbreak {
    /// The outbreak of a proposal that has seen the event.
    fn known(current: Proposal) -> Self {
        Self {
            proposal: current.id().clone(),
            course: current.course().clone(),
            current: Some(current),
            worse: None,
        }
    }
}

/// How often a message that claims what nobody can tell comes back, before it counts as one of many: half an hour.
const MOST_LOOKS: u32 = 15;

/// The same where the gateway answers, and has nothing to measure.
const MOST_LOOKS_UNMEASURED: u32 = 4;

/// The same during a pause: as long as a message of the queue lives, but for a few deliveries.
const MOST_LOOKS_PAUSED: u32 = 90;

/// Whether people were called, and somebody has seen to it since by a call before this one: cards stay where they are.
async fn was_seen_to(deps: &Deps<'_>, current: &Proposal) -> Result<bool, Fault> {
    if current.ending() != Some(Ending::Paged) {
        return Ok(false);
    }
    let tried = current.course().tried.iter();
    for call in tried.filter(|tried| tried.ended == Ending::Paged) {
        let called = match load_proposal(deps.trail, &call.proposal).await {
            Err(TrailError::Forged(_)) => None,
            loaded => loaded?,
        };
        let acknowledged = called.as_ref().and_then(Proposal::call);
        let acknowledged = acknowledged.and_then(|call| call.acknowledged.as_ref());
        if acknowledged.is_some_and(|moved| current.opened_at() <= moved.at) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether an event is worse than all before: as far as the gateway bears it out, for a sender may say anything.
async fn worsening(deps: &Deps<'_>, current: &Proposal, incident: &Reported, paused: bool) -> Worsening {
    let event = &incident.event;
    // What is still to be judged is judged first.
    let judged = !matches!(current.state(), State::Reasoning(_));
    // Against what was nothing, everything that is something is worse.
    let nothing = current.was_declined_for_its_event();
    let is_worse = |badness: Badness| nothing || current.is_outdone_by(badness);
    let claims = judged && is_worse(Badness::of(event)) && event.contradiction().is_none();
    if !claims || !deps.deployment.tier.runs_agent() {
        return Worsening::No;
    }
    if nothing && current.judges_afresh(deps.clock.now()) {
        // It is judged, or recorded to be judged, whatever the gateway says.
        return Worsening::No;
    }
    if paused {
        return Worsening::Unknown;
    }
    let inventory = match deps.gateway.reading(deps.clock.now()).await {
        Ok(inventory) => inventory,
        Err(err) => {
            tracing::warn!(proposal.id = %current.id(), error = %err, "whether it is worse is not known");
            return Worsening::Unknown;
        }
    };
    let (event, foreign) = &deps.sources.heard(&incident.source, event, &inventory);
    let badness = match inventory.condition(event) {
        Condition::Confirmed(_) => inventory.borne_out(event),
        Condition::Refuted(_) => None,
        // Of some spenders the gateway never tells: to come back would be of no use.
        Condition::Unreadable(_) if !inventory.could_tell(event) => None,
        Condition::Unreadable(_) => return Worsening::Unmeasured,
    };
    let Some(badness) = badness.filter(|badness| is_worse(*badness)) else {
        return Worsening::No;
    };
    let asks = matches!(current.state(), State::AwaitingApproval(_));
    let evidence = match current.proposed().filter(|_| asks) {
        Some(proposed) => {
            let plan = &proposed.preview.plan;
            let before = propose::before(deps, current, plan).await;
            let tried = &current.course().tried;
            let report = Report::new(Some(&incident.source), &complaints(incident), tried);
            let evidence = Evidence::gather(event, plan, &inventory);
            let evidence = evidence.without(foreign.clone());
            Some(Box::new(evidence.with_history(before).with_report(report)))
        }
        None => None,
    };
    tracing::warn!(proposal.id = %current.id(), "reported worse than before");
    Worsening::Yes(Worse {
        badness,
        told: event.to_string(),
        evidence,
    })
}

/// How long after it was opened a proposal has its first record, seconds, whatever was away meanwhile: a message lives for
/// 14 days.
const OPENED_LATELY_S: u64 = 15 * 86_400;

/// Whether the time of a proposal on the trail is over: all of it was removed, or the rest will be.
fn is_over(current: &Result<Option<Proposal>, TrailError>, end: &End, now: Timestamp) -> bool {
    match current {
        Ok(Some(proposal)) => proposal.has_expired_from_the_trail(now),
        // Opened just now, and nothing is recorded of it yet; or opened long ago, and nothing is left.
        Ok(None) => end
            .held
            .as_ref()
            .is_some_and(|opened| opened.at.plus_seconds(OPENED_LATELY_S) < now),
        Err(_) => false,
    }
}

async fn open(
    deps: &Deps<'_>,
    stream: StreamId,
    end: &End,
    proposal: ProposalId,
    course: Course,
    now: Timestamp,
) -> Result<Outbreak, Fault> {
    let fact = IncidentFact::Opened {
        generation: proposal.generation(),
        proposal: proposal.clone(),
        course: course.clone(),
    };
    let entry = Entry::next(stream, end.last.as_ref(), now, Actor::Agent, &fact, None);
    // What does not hold does not tell the time.
    let at = end.held.as_ref().map_or(now, |held| held.at.max(now));
    deps.trail.append(Entry { at, ..entry }).await?;
    tracing::info!(proposal.id = %proposal, "opened");
    Ok(Outbreak {
        proposal,
        current: None,
        course,
        worse: None,
    })
}
