//! Load, decide, append.

use domain::ports::{Clock, Trail, TrailError};
use domain::proposal::{Proposal, ProposalFact};
use domain::trail::{Actor, Entry, Fact, Record, StreamId};
use domain::value::Timestamp;

use crate::load::load_proposal;
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
}

impl Stream {
    /// A stream that never ends.
    pub fn endless(id: StreamId, actor: Actor) -> Self {
        Self {
            id,
            actor,
            expires_at: None,
        }
    }
}

/// Appends to a stream what `decide` asks for, as [`advance`] does to a proposal.
///
/// `decide` sees every record of a stream that expires. A stream that does not has its whole state in the last record:
/// only that one is loaded.
pub async fn extend<F: Fact, R>(
    trail: &dyn Trail,
    clock: &dyn Clock,
    stream: &Stream,
    decide: impl Fn(&[Record], Timestamp) -> Result<Next<F, R>, TrailError>,
) -> Result<Extended<R>, TrailError> {
    let mut race = Race::begin(clock);
    loop {
        let records = match stream.id.expires() {
            true => trail.load(&stream.id).await?,
            false => trail.last(&stream.id).await?.into_iter().collect(),
        };
        let last = records.last();
        let now = last.map_or(clock.now(), |last| clock.now().max(last.at));
        let fact = match decide(&records, now)? {
            Next::Append(fact) => fact,
            Next::Nothing => return Ok(Extended::Nothing),
            Next::Refuse(why) => return Ok(Extended::Refused(why)),
        };
        let (id, actor) = (stream.id.clone(), stream.actor.clone());
        let entry = Entry::next(id, last, now, actor, &fact, stream.expires_at);
        match trail.append(entry).await {
            Ok(record) => {
                return Ok(Extended::Appended {
                    record: Box::new(record),
                    after: records,
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
