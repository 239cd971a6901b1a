//! `limit/model-spend/<day>`: what the agent's models cost in a day, so that they never cost more than the cap.
//!
//! An incident's whole budget is reserved before the first model is asked, and what it did cost is settled
//! afterwards. A function that dies in between leaves its reservation in force: too much is counted, never too little.

use serde::{Deserialize, Serialize};

use super::{BadBody, Fact, Record, Seq, StreamId};
use crate::value::{Fingerprint, Micros, ProposalId, Timestamp};

/// Facts of a day's spending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum SpendFact {
    /// So much may be spent on a proposal.
    Reserved {
        /// The proposal.
        proposal: ProposalId,
        /// How much, USD.
        amount: Micros,
    },
    /// So much was spent of a reservation; the rest is free again.
    Settled {
        /// The reservation's position.
        reservation: Seq,
        /// How much, USD.
        amount: Micros,
    },
}

impl Fact for SpendFact {
    fn kind(&self) -> &'static str {
        match self {
            SpendFact::Reserved { .. } => "reserved",
            SpendFact::Settled { .. } => "settled",
        }
    }
}

/// The stream of the UTC day of an instant.
pub fn stream(now: Timestamp) -> StreamId {
    StreamId::Limit {
        name: "model-spend".to_owned(),
        window: now.hour().chars().take("2026-11-22".len()).collect(),
    }
}

/// What a day's records come to: everything settled, and everything reserved and not settled.
pub fn total(records: &[Record]) -> Result<Micros, BadBody> {
    let mut total: u64 = 0;
    let mut open: Vec<(Seq, u64)> = Vec::new();
    for record in records {
        match SpendFact::read(record)? {
            SpendFact::Reserved { amount, .. } => open.push((record.seq, amount.0)),
            SpendFact::Settled { reservation, amount } => {
                let before = open.len();
                open.retain(|(seq, _)| *seq != reservation);
                // A reservation is settled once; what does not name one is counted all the same.
                if open.len() < before || !records.iter().any(|record| record.seq == reservation) {
                    total = total.saturating_add(amount.0);
                }
            }
        }
    }
    Ok(Micros(
        open.iter()
            .fold(total, |sum, (_, amount)| sum.saturating_add(*amount)),
    ))
}

/// What a day allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// What models may cost in all, USD.
    pub cap: Micros,
    /// How often they may reason about one trouble.
    pub runs_per_trouble: u64,
}

/// What a day does not allow any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// So much is spent or reserved.
    Money(Micros),
    /// So often models reasoned about this trouble.
    Runs(u64),
}

/// The fact that reserves an amount, or what the day does not allow.
pub fn reserve(
    records: &[Record],
    proposal: &ProposalId,
    amount: Micros,
    day: Day,
) -> Result<Result<SpendFact, Full>, BadBody> {
    let runs = runs(records, proposal.fingerprint())?;
    if runs >= day.runs_per_trouble {
        return Ok(Err(Full::Runs(runs)));
    }
    let spent = total(records)?;
    if spent.0.saturating_add(amount.0) > day.cap.0 {
        return Ok(Err(Full::Money(spent)));
    }
    Ok(Ok(SpendFact::Reserved {
        proposal: proposal.clone(),
        amount,
    }))
}

/// How often models reasoned about a trouble.
fn runs(records: &[Record], trouble: &Fingerprint) -> Result<u64, BadBody> {
    let mut runs = 0;
    for record in records {
        match SpendFact::read(record)? {
            SpendFact::Reserved { proposal, .. } => runs += u64::from(proposal.fingerprint() == trouble),
            SpendFact::Settled { .. } => {}
        }
    }
    Ok(runs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::*;
    use crate::trail::{Actor, Entry, verify_chain};

    const CAP: Micros = Micros(1_000_000);

    const DAY: Day = Day {
        cap: CAP,
        runs_per_trouble: 100,
    };

    fn proposal(generation: u32) -> ProposalId {
        ProposalId::new(unhealthy().fingerprint(), generation)
    }

    fn reserved(records: &mut Vec<Record>, amount: u64) -> Result<(), Full> {
        let fact = reserve(records, &proposal(1), Micros(amount), DAY).unwrap()?;
        append(records, &fact);
        Ok(())
    }

    fn append(records: &mut Vec<Record>, fact: &SpendFact) {
        let writer = writer(records.len() as u64 + 1);
        let entry = Entry::next(stream(at(0)), records.last(), at(0), Actor::Agent, fact, Some(99));
        records.push(entry.seal(writer));
    }

    fn settled(amount: u64) -> SpendFact {
        SpendFact::Settled {
            reservation: 1,
            amount: Micros(amount),
        }
    }

    #[test]
    fn reservations_and_what_was_spent_stay_below_the_cap() {
        let mut records = Vec::new();
        reserved(&mut records, 600_000).unwrap();
        assert_eq!(reserved(&mut records, 500_000), Err(Full::Money(Micros(600_000))));
        // Only a little of it was needed.
        append(&mut records, &settled(10_000));
        assert_eq!(total(&records), Ok(Micros(10_000)));
        // Settled twice, as after a lost reply, it counts once.
        append(&mut records, &settled(10_000));
        assert_eq!(total(&records), Ok(Micros(10_000)));
        reserved(&mut records, 990_000).unwrap();
        assert_eq!(reserved(&mut records, 1), Err(Full::Money(CAP)));
        assert_eq!(verify_chain(&records), Ok(()));
        assert_eq!(records[0].stream.to_string(), "limit/model-spend/2026-11-22");
    }

    #[test]
    fn models_reason_about_one_trouble_so_often_in_a_day() {
        let mut records = Vec::new();
        let day = Day {
            runs_per_trouble: 3,
            ..DAY
        };
        let reserves = |records: &[Record], id: &ProposalId| reserve(records, id, Micros(1), day).unwrap();
        for generation in 1..=3 {
            let fact = reserves(&records, &proposal(generation)).unwrap();
            append(&mut records, &fact);
            append(&mut records, &settled(1));
        }
        assert_eq!(
            reserves(&records, &proposal(4)),
            Err(Full::Runs(3)),
            "whichever outbreak of it"
        );
        let other = ProposalId::new(event("budget.exceeded", serde_json::json!({})).fingerprint(), 1);
        assert!(reserves(&records, &other).is_ok());
    }
}
