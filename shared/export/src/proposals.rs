//! One row a proposal: what was reported, what was proposed and why, how risky it was, who decided what, what came of it.

use domain::inventory::{Condition, Reading};
use domain::proposal::{Decider, Proposal, ProposalFact, Proposed, Proposer, Reasoning, Scored, Verbatim};
use domain::trail::{Actor, Fact as _, Record, Seq, StreamId, Verifier};
use domain::value::{Digest, ProposalId, Timestamp};
use serde_json::{Value, json};
use trail::verify::verify;

use crate::Column;
use crate::cell::Cell;

/// A proposal as its records tell it, as far as they hold.
#[derive(Debug, Clone)]
pub struct Case {
    id: ProposalId,
    opened: Timestamp,
    records: Vec<Record>,
    /// What happened, and by which record: without what does not hold, what stands behind that, and what was set aside.
    facts: Vec<(usize, ProposalFact)>,
    proposal: Option<Proposal>,
    fault: Option<(Seq, String)>,
    unknown: Option<String>,
    aside: Vec<Seq>,
}

impl Case {
    /// Of a proposal's records, in order; none where there are none, or they are of another stream.
    pub fn of(records: Vec<Record>, keys: &dyn Verifier, aside: &[Seq]) -> Option<Self> {
        let first = records.first()?;
        let StreamId::Proposal(id) = first.stream.clone() else {
            return None;
        };
        let opened = first.at;
        let verdict = verify(&records, keys, aside);
        let aside = verdict.proposal.as_ref();
        let aside = aside.map_or_else(Vec::new, |proposal| proposal.standing().set_aside.clone());
        let held = records.iter().take(verdict.good).enumerate();
        let facts = held
            .filter(|(_, record)| !aside.contains(&record.seq))
            .filter_map(|(at, record)| Some((at, ProposalFact::read(record).ok()?)))
            .collect();
        let fault = verdict
            .fault
            .and_then(|fault| Some((records.get(verdict.good)?.seq, fault)));
        Some(Self {
            id,
            opened,
            facts,
            proposal: verdict.proposal,
            fault,
            unknown: verdict.unknown,
            aside,
            records,
        })
    }

    /// When its first record was written.
    pub fn opened(&self) -> Timestamp {
        self.opened
    }

    /// Its records.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// What the records that hold make; none where not even the first does.
    pub fn proposal(&self) -> Option<&Proposal> {
        self.proposal.as_ref()
    }

    /// Why not everything of it holds, where that is so.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_ref().map(|(_, fault)| fault.as_str())
    }

    /// Whether a record of it holds, as [`crate::records::Told`] says it.
    pub(crate) fn holds(&self, record: &Record) -> String {
        match &self.fault {
            Some((seq, fault)) if record.seq == *seq => format!("no: {fault}"),
            Some((seq, _)) if record.seq > *seq => format!("unknown: record {seq} before it does not hold"),
            Some(_) | None if self.aside.contains(&record.seq) => "set aside".to_owned(),
            Some(_) | None => match (&self.unknown, &record.signature) {
                (Some(because), Some(_)) => format!("unknown: {because}"),
                (Some(_) | None, _) => "yes".to_owned(),
            },
        }
    }

    /// Whether it is true for one of its records that count that a person wrote it.
    pub(crate) fn has_operator(&self, wanted: &str) -> bool {
        let mut actors = self
            .facts
            .iter()
            .map(|(at, _)| self.records[*at].actor.operator());
        actors.any(|operator| operator.is_some_and(|operator| operator.to_string() == wanted))
    }

    fn proposed(&self) -> Option<&Proposed> {
        self.proposal.as_ref()?.proposed()
    }

    fn scored(&self) -> Option<&Scored> {
        self.proposal.as_ref()?.scored()
    }

    fn proposer(&self) -> Option<&Proposer> {
        let declined = || self.proposal.as_ref()?.declined()?.proposer.as_ref();
        self.proposed()
            .map(|proposed| &proposed.proposer)
            .or_else(declined)
    }

    fn transcript(&self) -> Option<Digest> {
        let reasoning: Option<&Reasoning> = match self.proposer()? {
            Proposer::Model(reasoning) => Some(reasoning),
            Proposer::Runbook { instead_of, .. } => instead_of.as_ref()?.reasoning.as_ref(),
        };
        reasoning.map(|reasoning| reasoning.transcript)
    }

    fn because(&self) -> Option<String> {
        let proposal = self.proposal.as_ref()?;
        match proposal.declined() {
            Some(declined) => Some(format!("{}: {}", declined.reason.name(), declined.explanation)),
            None => proposal.because().map(str::to_owned),
        }
    }

    /// What people did, in order.
    fn operators(&self) -> Vec<Value> {
        let did = self.facts.iter().filter_map(|(at, fact)| {
            let record = &self.records[*at];
            let Actor::Operator { id, name, channel } = &record.actor else {
                return None;
            };
            let (reason, decider) = said(fact);
            Some(json!({
                "operator": id,
                "name": name,
                "channel": channel,
                "groups": decider.map(|decider| &decider.groups),
                "did": fact.what().name(),
                "reason": reason,
                "at": record.at,
                "record": record.digest,
            }))
        });
        did.collect()
    }

    /// What the targets read last.
    fn readings(&self) -> Option<&[Reading]> {
        self.facts.iter().rev().find_map(|(_, fact)| readings(fact))
    }

    fn restored_at(&self) -> Option<Timestamp> {
        let mut facts = self.facts.iter().rev();
        let at = facts.find_map(|(at, fact)| matches!(fact, ProposalFact::Restored(_)).then_some(*at));
        at.map(|at| self.records[at].at)
    }

    fn verified(&self) -> Option<(&'static str, &str)> {
        match &self.proposal.as_ref()?.verified()?.condition {
            Condition::Confirmed(observed) => Some(("goes_on", observed)),
            Condition::Refuted(observed) => Some(("over", observed)),
            Condition::Unreadable(problem) => Some(("unreadable", problem)),
        }
    }

    fn integrity(&self) -> String {
        let mut said = match (&self.fault, &self.unknown) {
            (Some((_, fault)), _) => format!("does not hold: {fault}"),
            (None, Some(because)) => format!("signatures not checked: {because}"),
            (None, None) => "holds".to_owned(),
        };
        for seq in &self.aside {
            said.push_str(&format!("; record {seq} set aside"));
        }
        said
    }
}

/// The reason a person gave, and who they were then.
fn said(fact: &ProposalFact) -> (Option<&str>, Option<&Decider>) {
    match fact {
        ProposalFact::Amended(one) => (None, one.decider.as_ref()),
        ProposalFact::Voted(one) => (None, one.decider.as_ref()),
        ProposalFact::Approved(one) => (None, one.decider.as_ref()),
        ProposalFact::Revoked(one) => (None, one.decider.as_ref()),
        ProposalFact::Rejected(one) => (one.reason.as_deref(), one.decider.as_ref()),
        ProposalFact::UndoRequested(one) => (Some(&one.reason), one.decider.as_ref()),
        ProposalFact::UndoApproved(one) | ProposalFact::UndoRejected(one) => {
            (one.reason.as_deref(), one.decider.as_ref())
        }
        ProposalFact::Acknowledged(one) => (Some(&one.reason), Some(&one.decider)),
        ProposalFact::Commented(one) => (Some(&one.text), None),
        ProposalFact::Received(_)
        | ProposalFact::Declined(_)
        | ProposalFact::Proposed(_)
        | ProposalFact::Scored(_)
        | ProposalFact::Expired(_)
        | ProposalFact::Refused(_)
        | ProposalFact::Started(_)
        | ProposalFact::Succeeded(_)
        | ProposalFact::Failed(_)
        | ProposalFact::Unknown(_)
        | ProposalFact::Restored(_)
        | ProposalFact::RestoreFailed(_)
        | ProposalFact::Verified(_)
        | ProposalFact::Repeated(_)
        | ProposalFact::Notified(_)
        | ProposalFact::Escalated(_) => (None, None),
    }
}

fn readings(fact: &ProposalFact) -> Option<&[Reading]> {
    match fact {
        ProposalFact::Succeeded(one) => Some(&one.readings),
        ProposalFact::Failed(one) | ProposalFact::RestoreFailed(one) => Some(&one.readings),
        ProposalFact::Restored(one) => Some(&one.readings),
        ProposalFact::Received(_)
        | ProposalFact::Declined(_)
        | ProposalFact::Proposed(_)
        | ProposalFact::Scored(_)
        | ProposalFact::Amended(_)
        | ProposalFact::Voted(_)
        | ProposalFact::Approved(_)
        | ProposalFact::Revoked(_)
        | ProposalFact::Rejected(_)
        | ProposalFact::Expired(_)
        | ProposalFact::Refused(_)
        | ProposalFact::Started(_)
        | ProposalFact::Unknown(_)
        | ProposalFact::UndoRequested(_)
        | ProposalFact::UndoApproved(_)
        | ProposalFact::UndoRejected(_)
        | ProposalFact::Verified(_)
        | ProposalFact::Repeated(_)
        | ProposalFact::Notified(_)
        | ProposalFact::Escalated(_)
        | ProposalFact::Acknowledged(_)
        | ProposalFact::Commented(_) => None,
    }
}

fn event<T: ToString>(case: &Case, of: impl Fn(&domain::proposal::Received) -> Option<T>) -> Cell {
    Cell::text(
        case.proposal
            .as_ref()
            .and_then(|proposal| of(proposal.received())),
    )
}

fn score(case: &Case, of: impl Fn(&Scored) -> Cell) -> Cell {
    case.scored().map_or(Cell::Empty, of)
}

/// Who chose, in words.
fn proposer(proposer: &Proposer) -> String {
    match proposer {
        Proposer::Model(reasoning) => format!("model {}", reasoning.model),
        Proposer::Runbook {
            version,
            instead_of: None,
        } => format!("runbook {version}"),
        Proposer::Runbook {
            version,
            instead_of: Some(fallback),
        } => format!("runbook {version} instead of a model: {}", fallback.because),
    }
}

/// The action without its name.
fn parameters(proposed: &Proposed) -> Cell {
    // Plain data: serialising it cannot fail.
    let mut action = serde_json::to_value(&proposed.action).unwrap_or_default();
    if let Some(fields) = action.as_object_mut() {
        fields.remove("action");
    }
    Cell::Json(action)
}

fn verbatim(case: &Case) -> Option<&Verbatim> {
    Some(&case.proposal.as_ref()?.received().verbatim)
}

/// What stands in a proposal's row.
pub const COLUMNS: [Column<Case>; 35] = [
    Column::new("id", "the proposal's id", |case| Cell::text(Some(&case.id))),
    Column::new("opened", "when its first record was written, UTC", |case| {
        Cell::text(Some(case.opened))
    }),
    Column::new("event_id", "the sender's id of the event", |case| {
        event(case, |one| Some(one.event.event_id.to_string()))
    }),
    Column::new("event_type", "the detail-type it came as", |case| {
        event(case, |one| Some(one.event.event_type().name()))
    }),
    Column::new("severity", "how bad, as the sender says", |case| {
        event(case, |one| Some(one.event.severity.name()))
    }),
    Column::new("org", "the organisation", |case| {
        event(case, |one| Some(one.event.org.to_string()))
    }),
    Column::new(
        "team",
        "the team most concerned, where the event names one",
        |case| event(case, |one| one.event.team.clone()),
    ),
    Column::new(
        "event_source",
        "who reported it: the `source` of the bus event",
        |case| event(case, |one| one.source.clone()),
    ),
    Column::new(
        "source",
        "whose record it is: the `source` of its first record, `sre-agent`",
        |case| Cell::text(case.records.first().map(|record| &record.source)),
    ),
    Column::new(
        "event",
        "the event byte for byte; empty where it was too large for a record",
        |case| {
            Cell::text(verbatim(case).and_then(|verbatim| match verbatim {
                Verbatim::Inline(text) => Some(text),
                Verbatim::Stored { .. } => None,
            }))
        },
    ),
    Column::new(
        "event_sha256",
        "its SHA-256: the name of a large one in the payload bucket",
        |case| {
            Cell::text(verbatim(case).map(|verbatim| match verbatim {
                Verbatim::Inline(text) => Digest::of(text.as_bytes()),
                Verbatim::Stored { sha256, .. } => *sha256,
            }))
        },
    ),
    Column::new("action", "the action proposed, as people narrowed it", |case| {
        Cell::text(case.proposed().map(|proposed| proposed.action.kind().name()))
    }),
    Column::new("parameters", "its parameters, JSON", |case| {
        case.proposed().map_or(Cell::Empty, parameters)
    }),
    Column::new(
        "proposer",
        "who chose it, or declined: `runbook 1`, `model NAME`",
        |case| Cell::text(case.proposer().map(proposer)),
    ),
    Column::new(
        "rationale",
        "why it was proposed, in the words of whoever chose it",
        |case| Cell::text(case.proposed().map(|proposed| &proposed.rationale)),
    ),
    Column::new(
        "transcript",
        "SHA-256 of the model's transcript: its name in the transcript bucket",
        |case| Cell::text(case.transcript()),
    ),
    Column::new("score", "its last risk score, 0 to 100", |case| {
        score(case, |one| Cell::Number(one.score.into()))
    }),
    Column::new("baseline", "the action's risk before any factor", |case| {
        score(case, |one| Cell::Number(one.baseline.into()))
    }),
    Column::new(
        "factors",
        "what moved the score: JSON of `name`, `points`, `because`",
        |case| {
            score(case, |one| {
                Cell::Json(serde_json::to_value(&one.factors).unwrap_or_default())
            })
        },
    ),
    Column::new(
        "threshold",
        "the score up to which it could have run by itself",
        |case| score(case, |one| Cell::Number(one.threshold.into())),
    ),
    Column::new(
        "decision",
        "where the score led: `gate`, `auto` or `shadow`",
        |case| score(case, |one| Cell::text(Some(one.decision.name()))),
    ),
    Column::new("decision_because", "why there", |case| {
        score(case, |one| Cell::text(Some(&one.because)))
    }),
    Column::new(
        "approvals_needed",
        "how many different people had to agree",
        |case| score(case, |one| Cell::Number(one.approvals_needed.into())),
    ),
    Column::new("policy", "SHA-256 of the policy it was scored under", |case| {
        score(case, |one| Cell::text(Some(one.policy)))
    }),
    Column::new(
        "operators",
        "what people did, in order: JSON of `operator`, `name`, `channel`, `groups` then, `did`, `reason`, `at`, `record`",
        |case| Cell::Json(Value::Array(case.operators())),
    ),
    Column::new("outcome", "where it stands: one of the outcomes below", |case| {
        Cell::text(case.proposal.as_ref().map(|proposal| proposal.state().name()))
    }),
    Column::new(
        "because",
        "why it ended like that, or why nothing was proposed",
        |case| Cell::text(case.because()),
    ),
    Column::new("readings", "what its targets read last, JSON", |case| {
        case.readings().map_or(Cell::Empty, |readings| {
            Cell::Json(serde_json::to_value(readings).unwrap_or_default())
        })
    }),
    Column::new("restored_at", "when its effect was taken back", |case| {
        Cell::text(case.restored_at())
    }),
    Column::new(
        "verified",
        "what the metric said afterwards: `over`, `goes_on` or `unreadable`",
        |case| Cell::text(case.verified().map(|(verdict, _)| verdict)),
    ),
    Column::new("verified_observed", "the same in numbers", |case| {
        Cell::text(case.verified().map(|(_, observed)| observed))
    }),
    Column::new(
        "integrity",
        "`holds`; or `does not hold` with the first such record, and then the row is of those before it; or `signatures not checked`",
        |case| Cell::Text(case.integrity()),
    ),
    Column::new("first_digest", "the digest of its first record", |case| {
        Cell::text(case.records.first().map(|record| record.digest))
    }),
    Column::new("last_digest", "the digest of its last record", |case| {
        Cell::text(case.records.last().map(|record| record.digest))
    }),
    Column::new("records", "how many records it has", |case| {
        Cell::Number(case.records.len() as u64)
    }),
];

/// A proposal's row.
pub fn row(case: &Case) -> Vec<Cell> {
    COLUMNS.iter().map(|column| (column.of)(case)).collect()
}
