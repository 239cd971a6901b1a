//! Load, decide, append.

use domain::ports::{Clock, Trail, TrailError};
use domain::proposal::{Proposal, ProposalFact};
use domain::trail::{Actor, Chain, Entry, Fact, Record, StreamId};
use domain::value::Timestamp;

use crate::load::{alarm, load_control, load_end, load_proposal};
use crate::race::Race;

/// What a decision asks for.
#[derive(Debug)]
pub enum Next<F, R> {
    /// This is to be the next record.
    Append(F),
    /// It is as it should be already.
    Nothing,
    /// It cannot be, and this is why.
    Refuse(R),
}

/// What became of [`advance`].
#[derive(Debug)]
pub enum Advanced<R> {
    /// The record was appended; this is the proposal after it.
    Appended(Proposal),
    /// Nothing was to be appended to this proposal.
    Nothing(Proposal),
    /// It was refused.
    Refused(R),
}

/// What became of [`extend`].
#[derive(Debug)]
pub enum Extended<R> {
    /// It was appended.
    Appended {
        /// The record.
        record: Box<Record>,
        /// The records that it was decided from.
        after: Vec<Record>,
    },
    /// Nothing was to be appended.
    Nothing,
    /// It was refused.
    Refused(R),
}

/// Appends to a proposal what `decide` asks for.
///
/// `decide` sees the proposal as loaded, first the one that is passed, and the time, which is never before the last
/// record's. It must be pure: it is asked again each time somebody else's record came between. Where others keep
/// coming between for longer than a writer's patience, the error is [`TrailError::Outrun`]; a fact that is not legal is
/// [`TrailError::Corrupt`].
pub async fn advance<R>(
    trail: &dyn Trail,
    clock: &dyn Clock,
    mut proposal: Proposal,
    actor: &Actor,
    decide: impl Fn(&Proposal, Timestamp) -> Next<ProposalFact, R>,
) -> Result<Advanced<R>, TrailError> {
    let mut race = Race::begin(clock);
    loop {
        if let Some(fault) = &proposal.standing().fault {
            return Err(TrailError::Forged(fault.clone()));
        }
        let now = clock.now().max(proposal.last().at);
        let fact = match decide(&proposal, now) {
            Next::Append(fact) => fact,
            Next::Nothing => return Ok(Advanced::Nothing(proposal)),
            Next::Refuse(why) => return Ok(Advanced::Refused(why)),
        };
        let entry = proposal.entry(now, actor.clone(), &fact)?;
        match trail.append(entry).await {
            Ok(record) => return Ok(Advanced::Appended(proposal.apply(&record)?)),
            Err(TrailError::Conflict { stream, .. }) => {
                if !race.goes_on().await {
                    return Err(TrailError::Outrun(stream));
                }
            }
            Err(err) => return Err(err),
        }
        let id = proposal.id();
        proposal = load_proposal(trail, id)
            .await?
            .ok_or_else(|| TrailError::Corrupt(format!("the records of proposal {id} have gone")))?;
    }
}

/// A stream that is extended, and by whom.
#[derive(Debug, Clone)]
pub struct Stream {
    /// Its name.
    pub id: StreamId,
    /// Who appends.
    pub actor: Actor,
    /// When its records may be removed, in seconds since 1970: for the first record of a stream that expires.
    pub expires_at: Option<u64>,
    /// Whether a record that does not hold at its end keeps from appending, until it was set aside: for what begins
    /// something. What ends something goes on from the last record that holds.
    pub stops_at_forged: bool,
}

impl Stream {
    /// A stream that never ends.
    pub fn endless(id: StreamId, actor: Actor) -> Self {
        Self {
            id,
            actor,
            expires_at: None,
            stops_at_forged: false,
        }
    }

    /// The same, where a record that does not hold keeps from appending.
    pub fn unless_forged(self) -> Self {
        Self {
            stops_at_forged: true,
            ..self
        }
    }
}

/// What a stream is extended from.
#[derive(Debug, Default)]
struct Found {
    /// What is decided from: records that hold.
    held: Vec<Record>,
    /// Whatever lies last.
    last: Option<Record>,
}

async fn find(trail: &dyn Trail, stream: &Stream) -> Result<Found, TrailError> {
    let (held, last, fault) = match stream.id.expires() {
        true => {
            let records = trail.load(&stream.id).await?;
            let mut chain = Chain::new();
            let (mut held, mut fault) = (Vec::new(), None);
            for record in &records {
                match chain.next(record) {
                    Ok(()) => held.push(record.clone()),
                    Err(broken) => fault = Some(fault.unwrap_or(broken)),
                }
            }
            fault.iter().for_each(alarm);
            (held, records.last().cloned(), fault)
        }
        false => {
            let end = load_end(trail, &stream.id).await?;
            (end.held.into_iter().collect(), end.last, end.fault)
        }
    };
    if stream.stops_at_forged
        && let Some(fault) = fault
        && !load_control(trail)
            .await?
            .set_aside_of(&stream.id)
            .contains(&fault.seq)
    {
        return Err(TrailError::Forged(fault));
    }
    Ok(Found { held, last })
}

/// Appends to a stream what `decide` asks for, as [`advance`] does to a proposal.
///
/// `decide` sees every record of a stream that expires and holds. A stream that does not expire has its whole state in
/// the last record: only that one is loaded, or the last that holds.
pub async fn extend<F: Fact, R>(
    trail: &dyn Trail,
    clock: &dyn Clock,
    stream: &Stream,
    decide: impl Fn(&[Record], Timestamp) -> Result<Next<F, R>, TrailError>,
) -> Result<Extended<R>, TrailError> {
    extend_from(trail, clock, stream, None, decide).await
}

/// The same, behind records that were just appended or read: they are read again only where somebody else's came after them.
/// They must be all of a stream that expires, hold, and lie behind nothing that does not.
pub async fn extend_after<F: Fact, R>(
    trail: &dyn Trail,
    clock: &dyn Clock,
    stream: &Stream,
    known: Vec<Record>,
    decide: impl Fn(&[Record], Timestamp) -> Result<Next<F, R>, TrailError>,
) -> Result<Extended<R>, TrailError> {
    let last = known.last().cloned();
    extend_from(trail, clock, stream, Some(Found { held: known, last }), decide).await
}

async fn extend_from<F: Fact, R>(
    trail: &dyn Trail,
    clock: &dyn Clock,
    stream: &Stream,
    mut known: Option<Found>,
    decide: impl Fn(&[Record], Timestamp) -> Result<Next<F, R>, TrailError>,
) -> Result<Extended<R>, TrailError> {
    let mut race = Race::begin(clock);
    loop {
        let Found { held, last } = match known.take() {
            Some(known) => known,
            None => find(trail, stream).await?,
        };
        let now = held.last().map_or(clock.now(), |last| clock.now().max(last.at));
        let fact = match decide(&held, now)? {
            Next::Append(fact) => fact,
            Next::Nothing => return Ok(Extended::Nothing),
            Next::Refuse(why) => return Ok(Extended::Refused(why)),
        };
        let entry = behind(stream, &held, last.as_ref(), now, &fact);
        match trail.append(entry).await {
            Ok(record) => {
                return Ok(Extended::Appended {
                    record: Box::new(record),
                    after: held,
                });
            }
            Err(TrailError::Conflict { stream, .. }) => {
                if !race.goes_on().await {
                    return Err(TrailError::Outrun(stream));
                }
            }
            Err(err) => return Err(err),
        }
    }
}

/// The entry behind whatever lies last. What does not hold tells neither the time nor the expiry.
fn behind(
    stream: &Stream,
    held: &[Record],
    last: Option<&Record>,
    now: Timestamp,
    fact: &impl Fact,
) -> Entry {
    let (id, actor) = (stream.id.clone(), stream.actor.clone());
    let entry = Entry::next(id, last, now, actor, fact, stream.expires_at);
    Entry {
        at: now,
        expires_at: held.last().map_or(stream.expires_at, |held| held.expires_at),
        ..entry
    }
}
