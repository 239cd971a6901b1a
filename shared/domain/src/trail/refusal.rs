//! `limit/refused-events/<hour>`: what people were told in an hour of events that nobody looks into.
//!
//! | what | where it is | told |
//! | --- | --- | --- |
//! | an event that cannot be taken | the dead-letter queue | of each source once an hour: of the sources that the agent takes events of always, of invented ones up to a number, and then that there are more |
//! | one about nothing that the gateway has | on its proposal, declined | of each source up to a number of troubles an hour, each once, and then that there are more |

use serde::{Deserialize, Serialize};

use super::{Fact, Record, StreamId};
use crate::incident::Malformed;
use crate::value::{ProposalId, Timestamp, shorten};

/// The name of the limit.
pub const NAME: &str = "refused-events";

/// How many sources that the agent takes nothing of are named in an hour.
pub const MOST_OTHERS: usize = 20;

/// How many troubles of a source about what the gateway does not have are told in an hour.
pub const MOST_NAMES: usize = 5;

/// An event that was not taken. All of it is text from outside, cut and printable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Who sent it, as far as it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Its id, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The field that is at fault.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

/// An event about what the gateway does not have, at least not by that name. All of it but the proposal is text from outside,
/// cut and printable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownName {
    /// Who sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Its id.
    pub event: String,
    /// What the gateway does not have.
    pub problem: String,
    /// The proposal that it is recorded on.
    pub proposal: ProposalId,
}

/// Facts of an hour's refusals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum RefusalFact {
    /// An event of a source was not taken, the first of the hour.
    EventRefused(Refusal),
    /// So many sources that the agent takes nothing of were named: the others are not.
    SourcesLeftOut {
        /// How many were named.
        after: u64,
    },
    /// An event is about what the gateway does not have, the first of its trouble in the hour.
    NameUnknown(UnknownName),
    /// So many of these of a source were told: the others are not.
    NamesLeftOut {
        /// The source.
        source: Option<String>,
        /// How many were told.
        after: u64,
    },
}

impl Fact for RefusalFact {
    fn kind(&self) -> &'static str {
        match self {
            RefusalFact::EventRefused(_) => "event_refused",
            RefusalFact::SourcesLeftOut { .. } => "sources_left_out",
            RefusalFact::NameUnknown(_) => "name_unknown",
            RefusalFact::NamesLeftOut { .. } => "names_left_out",
        }
    }
}

/// The longest problem that is kept, characters.
const MOST_CHARS: usize = 600;

impl UnknownName {
    /// Of an event of a source, which is recorded on a proposal.
    pub fn of(source: Option<&str>, event: &str, problem: &str, proposal: &ProposalId) -> Self {
        Self {
            source: source.map(shorten),
            event: shorten(event),
            problem: problem.chars().take(MOST_CHARS).collect(),
            proposal: proposal.clone(),
        }
    }

    /// What people are to be told of it, if anything, after an hour's records.
    pub fn tell(&self, records: &[Record]) -> Option<RefusalFact> {
        let (mut told, mut left_out) = (0, false);
        for record in records {
            match RefusalFact::read(record) {
                Ok(RefusalFact::NameUnknown(before)) if before.source == self.source => {
                    if before.proposal.fingerprint() == self.proposal.fingerprint() {
                        return None;
                    }
                    told += 1;
                }
                Ok(RefusalFact::NamesLeftOut { source, .. }) => left_out |= source == self.source,
                Ok(
                    RefusalFact::NameUnknown(_)
                    | RefusalFact::EventRefused(_)
                    | RefusalFact::SourcesLeftOut { .. },
                )
                | Err(_) => {}
            }
        }
        if told < MOST_NAMES {
            return Some(RefusalFact::NameUnknown(self.clone()));
        }
        (!left_out).then(|| RefusalFact::NamesLeftOut {
            source: self.source.clone(),
            after: told as u64,
        })
    }
}

impl Refusal {
    /// Why an event was not taken, with its source and its id as far as it says them.
    pub fn of(source: Option<String>, event: Option<String>, malformed: &Malformed) -> Self {
        Self {
            source: source.as_deref().map(shorten),
            event: event.as_deref().map(shorten),
            field: shorten(&malformed.field),
            problem: malformed.problem.chars().take(MOST_CHARS).collect(),
        }
    }
}

/// The stream of the UTC hour of an instant.
pub fn stream(now: Timestamp) -> StreamId {
    StreamId::Limit {
        name: NAME.to_owned(),
        window: now.hour(),
    }
}

/// Whether a stream is an hour's refusals.
pub fn is_of_refusals(stream: &StreamId) -> bool {
    matches!(stream, StreamId::Limit { name, .. } if name == NAME)
}

/// What people are to be told of a refusal, if anything, after an hour's records. `is_taken` knows the sources whose
/// events are taken, by their names as [`shorten`] shows them.
pub fn tell(records: &[Record], refusal: &Refusal, is_taken: impl Fn(&str) -> bool) -> Option<RefusalFact> {
    let is_ours = |source: &Option<String>| source.as_deref().is_some_and(&is_taken);
    let (mut others, mut left_out) = (0, false);
    for record in records {
        match RefusalFact::read(record) {
            Ok(RefusalFact::EventRefused(told)) if told.source == refusal.source => return None,
            Ok(RefusalFact::EventRefused(told)) => others += usize::from(!is_ours(&told.source)),
            Ok(RefusalFact::SourcesLeftOut { .. }) => left_out = true,
            Ok(RefusalFact::NameUnknown(_) | RefusalFact::NamesLeftOut { .. }) => {}
            // What this version cannot read told somebody something.
            Err(_) => others += 1,
        }
    }
    if is_ours(&refusal.source) || others < MOST_OTHERS {
        return Some(RefusalFact::EventRefused(refusal.clone()));
    }
    (!left_out).then_some(RefusalFact::SourcesLeftOut { after: others as u64 })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::samples::*;
    use crate::trail::{Actor, Entry, verify_chain};

    fn refusal(source: Option<&str>) -> Refusal {
        let malformed = Malformed::new("detail.spend", "is missing");
        Refusal::of(source.map(str::to_owned), None, &malformed)
    }

    fn append(records: &mut Vec<Record>, fact: &RefusalFact) {
        let entry = Entry::next(stream(at(0)), records.last(), at(0), Actor::Agent, fact, Some(99));
        records.push(entry.seal(writer(records.len() as u64 + 1)));
    }

    /// What people are told of events of these sources, one after the other.
    fn told<'a>(sources: impl IntoIterator<Item = Option<&'a str>>) -> Vec<RefusalFact> {
        let mut records: Vec<Record> = Vec::new();
        let mut told = Vec::new();
        for source in sources {
            if let Some(fact) = tell(&records, &refusal(source), |source| source == "llm-gateway") {
                append(&mut records, &fact);
                told.push(fact);
            }
        }
        assert_eq!(verify_chain(&records), Ok(()));
        told
    }

    #[test]
    fn each_source_is_told_of_once_an_hour() {
        let facts = told([
            Some("a"),
            Some("llm-gateway"),
            Some("a"),
            None,
            Some("llm-gateway"),
            None,
        ]);
        let sources: Vec<Option<String>> = facts
            .into_iter()
            .map(|fact| match fact {
                RefusalFact::EventRefused(refusal) => refusal.source,
                other @ (RefusalFact::SourcesLeftOut { .. }
                | RefusalFact::NameUnknown(_)
                | RefusalFact::NamesLeftOut { .. }) => panic!("nobody is left out: {other:?}"),
            })
            .collect();
        assert_eq!(
            sources,
            [Some("a".to_owned()), Some("llm-gateway".to_owned()), None]
        );
    }

    #[test]
    fn invented_sources_are_no_flood_and_hide_no_source_of_ours() {
        let invented: Vec<String> = (0..500).map(|number| format!("s-{number}")).collect();
        let all = invented.iter().map(|source| Some(source.as_str()));
        let facts = told(all.chain([Some("llm-gateway"), Some("one-more")]));
        assert_eq!(facts.len(), MOST_OTHERS + 2);
        assert_eq!(facts[MOST_OTHERS], RefusalFact::SourcesLeftOut { after: 20 });
        let RefusalFact::EventRefused(last) = &facts[MOST_OTHERS + 1] else {
            panic!("{facts:?}")
        };
        assert_eq!(last.source.as_deref(), Some("llm-gateway"));
    }

    #[test]
    fn of_each_source_some_unknown_names_are_told_each_once_and_then_that_there_are_more() {
        let mut records: Vec<Record> = vec![];
        let mut told = Vec::new();
        let name = |source: &str, number: u64| {
            let event = event(
                "provider.unhealthy",
                json!({"provider": format!("invented-{number}")}),
            );
            let proposal = ProposalId::new(event.fingerprint(), 1);
            UnknownName::of(Some(source), "evt-1", "the gateway has none", &proposal)
        };
        let sent = (0..40)
            .map(|number| ("a", number))
            .chain([("a", 0), ("b", 0), ("b", 0)]);
        for (source, number) in sent {
            if let Some(fact) = name(source, number).tell(&records) {
                append(&mut records, &fact);
                told.push(fact.kind().to_owned());
            }
        }
        let mut expected = vec!["name_unknown"; MOST_NAMES];
        expected.extend(["names_left_out", "name_unknown"]);
        assert_eq!(told, expected);
        // They hide no event that cannot be taken, nor does one of these hide them.
        let refused = tell(&records, &refusal(Some("a")), |_| true);
        assert!(
            matches!(refused, Some(RefusalFact::EventRefused(_))),
            "{refused:?}"
        );
    }

    #[test]
    fn a_record_of_it_is_short_whatever_is_wrong() {
        let endless = Malformed::new(&"f".repeat(100_000), "\u{202e}".repeat(100_000));
        let name = Some("\u{202e}".repeat(100_000));
        let fact = RefusalFact::EventRefused(Refusal::of(name.clone(), name, &endless));
        assert!(fact.body().len() < 6_000, "{}", fact.body().len());
    }
}
