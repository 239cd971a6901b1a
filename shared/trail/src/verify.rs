//! Whether a proposal's records hold, and up to where.

use domain::proposal::Proposal;
use domain::trail::{Record, verify_chain};

/// What verifying a proposal's stream found.
#[derive(Debug)]
pub struct Verdict {
    /// Records that hold, from the first.
    pub good: usize,
    /// What these make, where they are all that was there.
    pub proposal: Option<Proposal>,
    /// The first record that does not hold, and why.
    pub fault: Option<String>,
}

/// Recomputes every digest and replays the state machine over what is intact.
pub fn verify(records: &[Record]) -> Verdict {
    let (intact, broken) = match verify_chain(records) {
        Ok(()) => (records.len(), None),
        Err(broken) => {
            let holds = |end: &usize| verify_chain(&records[..*end]).is_ok();
            let intact = (0..records.len()).rev().find(holds).unwrap_or(0);
            (intact, Some(broken.to_string()))
        }
    };
    match Proposal::replay(&records[..intact]) {
        Ok(proposal) => Verdict {
            good: intact,
            proposal: Some(proposal),
            fault: broken,
        },
        Err(illegal) => {
            let position = records[..intact]
                .iter()
                .position(|record| record.seq == illegal.seq);
            Verdict {
                good: position.unwrap_or(0),
                proposal: None,
                // Nothing is intact: the broken record is the first.
                fault: broken
                    .filter(|_| intact == 0)
                    .or_else(|| Some(illegal.to_string())),
            }
        }
    }
}

/// The proposal that records make, or what is wrong with them.
pub fn verified(records: &[Record]) -> Result<Proposal, String> {
    let verdict = verify(records);
    match (verdict.proposal, verdict.fault) {
        (Some(proposal), None) => Ok(proposal),
        (_, fault) => Err(fault.unwrap_or_else(|| "it has no records".to_owned())),
    }
}
