//! `target/<kind>/<id>`: who may hold an effect on it. Each record holds the whole state: only the last one is read.

use serde::{Deserialize, Serialize};

use super::{BadBody, Fact, Record, Seq};
use crate::value::{ProposalId, Timestamp};

/// Facts of a `target/…` stream. Each holds the whole state: only the last one is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum TargetFact {
    /// A proposal may now change the target.
    Claimed(Claim),
    /// Nobody holds it.
    Released(Release),
}

/// Who holds a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The holder.
    pub proposal: ProposalId,
    /// Grows with every claim of this target: the seq of the claim itself.
    pub fence: Seq,
    /// Until when the claim counts although the proposal has not started.
    pub lease_until: Timestamp,
    /// When the effect ends by itself, if it does.
    pub restore_at: Option<Timestamp>,
    /// Whether it was claimed to take the effect back: one does that at a time, too.
    pub taking_back: bool,
}

/// Why nobody holds a target any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Who held it.
    pub proposal: ProposalId,
    /// The fence of the claim that ended.
    pub fence: Seq,
}

impl TargetFact {
    /// The proposal that holds, or held.
    pub fn proposal(&self) -> &ProposalId {
        match self {
            TargetFact::Claimed(claim) => &claim.proposal,
            TargetFact::Released(release) => &release.proposal,
        }
    }
}

impl Fact for TargetFact {
    fn kind(&self) -> &'static str {
        match self {
            TargetFact::Claimed(_) => "claimed",
            TargetFact::Released(_) => "released",
        }
    }
}

/// The claim that the last record of a target's stream names, if it names one.
pub fn claim_of(last: Option<&Record>) -> Result<Option<Claim>, BadBody> {
    Ok(match last.map(TargetFact::read).transpose()? {
        Some(TargetFact::Claimed(claim)) => Some(claim),
        Some(TargetFact::Released(_)) | None => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Target;
    use crate::samples::*;
    use crate::trail::{Actor, Entry, StreamId};

    #[test]
    fn the_last_record_says_who_holds_a_target() {
        let story = executing(breaks(300));
        let held = Claim {
            proposal: story.proposal().id().clone(),
            fence: 1,
            lease_until: at(100),
            restore_at: None,
            taking_back: false,
        };
        let stream = StreamId::Target(Target::Provider(id("openai")));
        let claimed = TargetFact::Claimed(held.clone());
        let first = Entry::next(stream.clone(), None, at(0), Actor::Agent, &claimed, None).seal(writer(1));
        assert_eq!(claim_of(Some(&first)), Ok(Some(held.clone())));
        let released = TargetFact::Released(Release {
            proposal: held.proposal,
            fence: held.fence,
        });
        let second = Entry::next(stream, Some(&first), at(1), Actor::Agent, &released, None).seal(writer(2));
        assert_eq!(claim_of(Some(&second)), Ok(None));
        assert_eq!(claim_of(None), Ok(None));
        assert!(
            claim_of(Some(story.last())).is_err(),
            "a proposal's record is not a target's"
        );
    }
}
