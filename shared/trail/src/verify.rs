//! Whether a proposal's records hold, and up to where.

use domain::proposal::Proposal;
use domain::trail::{Record, Seq, Verifier};

/// What verifying a proposal's stream found.
#[derive(Debug)]
pub struct Verdict {
    /// Records that hold, from the first.
    pub good: usize,
    /// What these make, where there are any.
    pub proposal: Option<Proposal>,
    /// The first record that does not hold, and why.
    pub fault: Option<String>,
    /// Why it is not known whether the signatures are good.
    pub unknown: Option<String>,
}

/// Recomputes every digest, checks every signature and replays the state machine over what holds. Records in `aside`
/// that do not hold are passed over.
pub fn verify(records: &[Record], keys: &dyn Verifier, aside: &[Seq]) -> Verdict {
    match Proposal::read(records, keys, aside) {
        Ok(proposal) => {
            let standing = proposal.standing();
            let fault = standing.fault.as_ref();
            let bad = fault.and_then(|fault| records.iter().position(|record| record.seq == fault.seq));
            Verdict {
                good: bad.unwrap_or(records.len()),
                fault: fault.map(ToString::to_string),
                unknown: standing.unknown.clone(),
                proposal: Some(proposal),
            }
        }
        Err(fault) => Verdict {
            good: 0,
            proposal: None,
            fault: Some(fault.to_string()),
            unknown: None,
        },
    }
}

/// The proposal that records make, or what is wrong with them.
pub fn verified(records: &[Record], keys: &dyn Verifier, aside: &[Seq]) -> Result<Proposal, String> {
    let verdict = verify(records, keys, aside);
    match (verdict.proposal, verdict.fault) {
        (Some(proposal), None) => Ok(proposal),
        (_, fault) => Err(fault.unwrap_or_else(|| "it has no records".to_owned())),
    }
}
