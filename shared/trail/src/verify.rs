//! Whether records hold, and up to where: a proposal's, and those of any stream.

use domain::proposal::Proposal;
use domain::trail::chain::{Chain, verify_signature};
use domain::trail::{BrokenChain, Control, Doubt, Record, Seq, SetAside, StreamId, Verifier};

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

/// Asks of one stream after the other whether it holds. `control` comes first: what it sets aside is passed over in those
/// after it.
pub struct Judge<'a> {
    keys: &'a dyn Verifier,
    aside: Vec<SetAside>,
    unknown: Option<String>,
}

impl<'a> Judge<'a> {
    /// By these keys.
    pub fn new(keys: &'a dyn Verifier) -> Self {
        Self {
            keys,
            aside: Vec::new(),
            unknown: None,
        }
    }

    /// The records of a stream that do not hold and count for nothing: an operator set them aside or, in `control`, a
    /// later one overruled them. Where another one does not hold, the first.
    ///
    /// Each record is asked by itself and after the one before it; whether it is legal where a proposal stands is not.
    pub fn passed_over(&mut self, records: &[Record]) -> Result<Vec<BrokenChain>, BrokenChain> {
        let Some(first) = records.first() else {
            return Ok(Vec::new());
        };
        let aside = self.aside_of(&first.stream);
        let is_control = first.stream == StreamId::Control;
        let (mut chain, mut held) = (Chain::new(), None);
        let (mut over, mut open) = (Vec::new(), None);
        for record in records {
            match self.fault_of(&mut chain, record) {
                Ok(()) => held = Some(record),
                Err(fault) if is_control || aside.contains(&fault.seq) => {
                    if is_control {
                        open = Some(fault.clone());
                    }
                    over.push(fault);
                }
                Err(fault) => return Err(fault),
            }
        }
        if let Some(fault) = open
            && held.is_none_or(|held| held.seq < fault.seq)
        {
            return Err(fault);
        }
        if is_control {
            let control = Control::read(held).map_err(|bad| BrokenChain {
                stream: bad.stream,
                seq: bad.seq,
                kind: bad.kind,
                problem: format!("cannot be read: {}", bad.problem),
            })?;
            self.aside = control.switches.set_aside;
        }
        Ok(over)
    }

    fn fault_of<'r>(&mut self, chain: &mut Chain<'r>, record: &'r Record) -> Result<(), BrokenChain> {
        chain.next(record)?;
        match verify_signature(record, self.keys) {
            Ok(()) => Ok(()),
            Err(Doubt::Unknown(because)) => {
                self.unknown = Some(because);
                Ok(())
            }
            Err(Doubt::Forged(problem)) => Err(BrokenChain::of(record, problem)),
        }
    }

    /// The positions of a stream that an operator set aside.
    pub fn aside_of(&self, stream: &StreamId) -> Vec<Seq> {
        let aside = self.aside.iter().filter(|aside| aside.stream == *stream);
        aside.map(|aside| aside.seq).collect()
    }

    /// Why of some signature so far it is not known whether it is good.
    pub fn unknown(&self) -> Option<&str> {
        self.unknown.as_deref()
    }
}
