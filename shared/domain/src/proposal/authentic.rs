//! How far a proposal's records hold, and what they make up to there.
//!
//! A record that does not hold stops what would begin, and nothing that ends: what is in force is taken back from the
//! records before it. Once an operator has set it aside, the proposal goes on without it.

use super::{IllegalTransition, Proposal};
use crate::trail::chain::{Chain, verify_signature};
use crate::trail::{BrokenChain, Doubt, Record, Seq, UNSIGNED_SCHEMA, Verifier};

/// How far a proposal's records hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// The first record that does not hold: the proposal is what those before it make.
    pub fault: Option<BrokenChain>,
    /// Why it is not known whether the signatures are good.
    pub unknown: Option<String>,
    /// Whether some record is of the format of before signatures.
    pub unsigned: bool,
    /// Records that do not hold, and without which an operator let it go on.
    pub set_aside: Vec<Seq>,
}

impl Standing {
    /// Why nothing may start, in words after "not started: "; none where every record holds and every decision is signed.
    pub fn keeps_from_starting(&self) -> Option<String> {
        match (&self.fault, self.unsigned, &self.unknown) {
            (Some(fault), _, _) => Some(fault.to_string()),
            (None, true, _) => Some("it was begun before decisions were signed".to_owned()),
            (None, false, Some(because)) => Some(format!("its signatures could not be checked: {because}")),
            (None, false, None) => None,
        }
    }
}

impl Proposal {
    /// The proposal that the records make as far as they hold under `keys`; or why not even the first does. Those that do
    /// not hold and are in `aside` are passed over.
    pub fn read(records: &[Record], keys: &dyn Verifier, aside: &[Seq]) -> Result<Self, BrokenChain> {
        let mut chain = Chain::new();
        let mut proposal: Option<Self> = None;
        let mut standing = Standing::default();
        for record in records {
            let next = chain
                .next(record)
                .and_then(|()| match verify_signature(record, keys) {
                    Ok(()) => Ok(()),
                    // Where the keys are not known, what was set aside is not taken up again.
                    Err(Doubt::Unknown(_)) if aside.contains(&record.seq) => {
                        Err(BrokenChain::of(record, "has a signature that cannot be checked"))
                    }
                    Err(Doubt::Unknown(because)) => {
                        standing.unknown = Some(because);
                        Ok(())
                    }
                    Err(Doubt::Forged(problem)) => Err(BrokenChain::of(record, problem)),
                })
                .and_then(|()| {
                    let next = match &proposal {
                        None => Self::open(record),
                        Some(before) => before.clone().apply(record),
                    };
                    next.map_err(|illegal: IllegalTransition| BrokenChain::of(record, said(&illegal)))
                });
            match (next, proposal.take()) {
                (Ok(next), _) => {
                    standing.unsigned |= record.schema == UNSIGNED_SCHEMA;
                    proposal = Some(next);
                }
                (Err(_), Some(before)) if aside.contains(&record.seq) => {
                    standing.set_aside.push(record.seq);
                    proposal = Some(before.pass_over(record));
                }
                (Err(fault), Some(before)) => {
                    standing.fault = Some(fault);
                    proposal = Some(before);
                    break;
                }
                (Err(fault), None) => return Err(fault),
            }
        }
        match proposal {
            Some(proposal) => Ok(Self { standing, ..proposal }),
            // No records make none: whoever asks has some.
            None => Err(BrokenChain {
                stream: crate::trail::StreamId::Control,
                seq: 0,
                kind: "none".to_owned(),
                problem: "is not there".to_owned(),
            }),
        }
    }

    /// The proposal as it is, standing behind a record that does not count.
    fn pass_over(mut self, record: &Record) -> Self {
        self.last = Record {
            // What does not hold does not tell the time either: nothing after it has to be later.
            at: self.last.at,
            expires_at: self.last.expires_at,
            schema: self.last.schema,
            ..record.clone()
        };
        self
    }
}

fn said(illegal: &IllegalTransition) -> String {
    format!("is illegal in state {}: it {}", illegal.state, illegal.problem)
}

#[cfg(test)]
mod tests;
