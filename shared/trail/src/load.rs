//! Reading what is decided from, and only as far as it holds.

use domain::ports::{Trail, TrailError};
use domain::proposal::Proposal;
use domain::trail::chain::{problem_of, verify_signature};
use domain::trail::{BrokenChain, Control, Doubt, Record, StreamId, UNSIGNED_SCHEMA, verify_chain};
use domain::value::ProposalId;

/// Records of an endless stream that are looked at for the last one that holds, before all of them are.
const NEWEST: usize = 20;

/// Loads a proposal as far as its records hold; `None` where its stream has no records, [`TrailError::Forged`] where not
/// even the first holds. What does not hold is logged, and [`Proposal::standing`] says so.
pub async fn load_proposal(trail: &dyn Trail, id: &ProposalId) -> Result<Option<Proposal>, TrailError> {
    let records = trail.load(&StreamId::Proposal(id.clone())).await?;
    if records.is_empty() {
        Ok(None)
    } else {
        read_proposal(trail, &records).await.map(Some)
    }
}

/// The proposal that records make as far as they hold, as [`load_proposal`] does; of none, an error.
pub async fn read_proposal(trail: &dyn Trail, records: &[Record]) -> Result<Proposal, TrailError> {
    let fault = match Proposal::read(records, trail.keys(), &[]) {
        Ok(proposal) => match &proposal.standing().fault {
            None => return Ok(proposal),
            Some(fault) => fault.clone(),
        },
        Err(fault) => fault,
    };
    // Only now: nothing is set aside where everything holds.
    let aside = load_control(trail).await?.set_aside_of(&fault.stream);
    let read = Proposal::read(records, trail.keys(), &aside);
    match &read {
        Ok(proposal) => proposal.standing().fault.iter().for_each(alarm),
        Err(fault) => alarm(fault),
    }
    read.map_err(TrailError::Forged)
}

/// Says that a record does not hold: an alarm listens for this line.
pub fn alarm(fault: &BrokenChain) {
    tracing::error!(
        alarm = "forged_record", stream = %fault.stream, seq = fault.seq, kind = fault.kind, reason = fault.problem,
        "a record of the trail does not hold"
    );
}

/// The end of a stream of which only the newest record counts.
#[derive(Debug, Clone, Default)]
pub struct End {
    /// Whatever lies last: what the next record must name.
    pub last: Option<Record>,
    /// The last record that holds.
    pub held: Option<Record>,
    /// The first record behind it, which does not.
    pub fault: Option<BrokenChain>,
    /// Why it is not known whether it was signed.
    pub unknown: Option<String>,
}

/// Reads the end of a stream that never ends. What does not hold is logged.
pub async fn load_end(trail: &dyn Trail, stream: &StreamId) -> Result<End, TrailError> {
    let Some(last) = trail.last(stream).await? else {
        return Ok(End::default());
    };
    // One of the old format counts only where none of the new one came before it.
    if last.schema != UNSIGNED_SCHEMA
        && let Some(end) = held(std::slice::from_ref(&last), trail)
    {
        return Ok(end);
    }
    for most in [NEWEST, usize::MAX] {
        let newest = trail.newest(stream, most).await?;
        let whole = newest.len() < most;
        if let Some(end) = held(&newest, trail)
            && (whole
                || end
                    .held
                    .as_ref()
                    .is_some_and(|held| held.schema != UNSIGNED_SCHEMA))
        {
            end.fault.iter().for_each(alarm);
            return Ok(end);
        }
    }
    let fault = problem(&last, trail).err();
    fault.iter().for_each(alarm);
    Ok(End {
        last: Some(last),
        fault,
        ..End::default()
    })
}

/// The end that the newest records make, the last one first; none where none of them holds.
fn held(newest: &[Record], trail: &dyn Trail) -> Option<End> {
    let signed = newest
        .iter()
        .any(|record| record.schema != UNSIGNED_SCHEMA && problem(record, trail).is_ok());
    let mut fault = None;
    for record in newest {
        let found = match problem(record, trail) {
            Ok(_) if signed && record.schema == UNSIGNED_SCHEMA => Err(BrokenChain::of(
                record,
                "is of an older format than a record before it",
            )),
            found => found,
        };
        match found {
            Ok(unknown) => {
                return Some(End {
                    last: newest.first().cloned(),
                    held: Some(record.clone()),
                    fault,
                    unknown,
                });
            }
            Err(found) => fault = Some(found),
        }
    }
    None
}

/// Whether a record holds by itself; where it does, why its signature could not be checked, if it could not.
fn problem(record: &Record, trail: &dyn Trail) -> Result<Option<String>, BrokenChain> {
    if let Some(problem) = problem_of(record) {
        return Err(BrokenChain::of(record, problem));
    }
    match verify_signature(record, trail.keys()) {
        Ok(()) => Ok(None),
        Err(Doubt::Unknown(because)) => Ok(Some(because)),
        Err(Doubt::Forged(problem)) => Err(BrokenChain::of(record, problem)),
    }
}

/// What does not hold of a stream that is no proposal's: at the end of one that never ends, anywhere on one that does.
pub async fn fault_of(trail: &dyn Trail, stream: &StreamId) -> Result<Option<BrokenChain>, TrailError> {
    if !stream.expires() {
        return Ok(load_end(trail, stream).await?.fault);
    }
    Ok(verify_chain(&trail.load(stream).await?).err())
}

/// The records of a stream that never ends, as far as each holds by itself.
pub async fn load_held(trail: &dyn Trail, stream: &StreamId) -> Result<Vec<Record>, TrailError> {
    let mut records = trail.load(stream).await?;
    records.retain(|record| problem(record, trail).is_ok());
    Ok(records)
}

/// The switches of the whole agent: the last record of `control` that holds, tightened by what `guard` says.
pub async fn load_control(trail: &dyn Trail) -> Result<Control, TrailError> {
    let (control, guard) = futures::try_join!(
        load_end(trail, &StreamId::Control),
        load_end(trail, &StreamId::Guard)
    )?;
    in_force(&control, &guard)
}

/// What the ends of `control` and `guard` put in force.
pub fn in_force(control: &End, guard: &End) -> Result<Control, TrailError> {
    let in_force = Control::read(control.held.as_ref())?.guarded(guard.held.as_ref())?;
    let unsigned = control
        .held
        .as_ref()
        .is_some_and(|held| held.schema == UNSIGNED_SCHEMA);
    Ok(match &control.unknown {
        Some(because) => in_force.unverified(format!(
            "the signature of `control` could not be checked: {because}"
        )),
        None if unsigned => {
            in_force.unverified("`control` was written before it was signed: publish the policy again")
        }
        None => in_force,
    })
}
