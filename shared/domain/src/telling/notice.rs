//! What people are told that asks nobody to decide: an event could not be taken, or is about nothing that is there.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Line, Urgency};
use crate::trail::refusal::{MOST_OTHERS, RefusalFact};
use crate::trail::{BadBody, Fact, Record};
use crate::value::{Timestamp, visible};

/// A message of the topic of what people are told, beside its announcements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Version of this shape.
    pub version: u32,
    /// When it was recorded.
    pub at: Timestamp,
    /// What it is about.
    #[serde(flatten)]
    pub fact: RefusalFact,
}

impl Notice {
    /// What they are to do.
    pub const URGENCY: Urgency = Urgency::Page;

    /// Why they are told, in a few words.
    pub fn reason(&self) -> &'static str {
        match self.fact {
            RefusalFact::EventRefused(_) | RefusalFact::SourcesLeftOut { .. } => {
                "an event could not be taken"
            }
            RefusalFact::NameUnknown(_) | RefusalFact::NamesLeftOut { .. } => {
                "an event is about nothing that the gateway has"
            }
        }
    }

    /// The notice of a record of an hour's refusals; or why that cannot be read.
    pub fn of(record: &Record) -> Result<Self, BadBody> {
        Ok(Self {
            version: 1,
            at: record.at,
            fact: RefusalFact::read(record)?,
        })
    }

    /// Reads a notice in a notification of the topic; `None` where it holds anything else.
    pub fn read(body: &str) -> Option<Self> {
        let notification: Value = serde_json::from_str(body).ok()?;
        notification.get("TopicArn")?;
        serde_json::from_str(notification.get("Message")?.as_str()?).ok()
    }

    /// What it says.
    pub fn lines(&self) -> Vec<Line> {
        let from = |source: &Option<String>| match source {
            Some(source) => Line::of(" from ").theirs(source),
            None => Line::of(" from nobody knows whom"),
        };
        let kept = "it is in the dead-letter queue, which sre-agent redrive --list --queue ingest lists, and sre-agent \
                    redrive puts back what has been mended";
        match &self.fact {
            RefusalFact::EventRefused(refusal) => {
                let event = refusal.event.as_ref();
                let event = event.map(|event| Line::of(", event ").theirs(event));
                vec![
                    Line::of("what came")
                        .then(from(&refusal.source))
                        .then(event.unwrap_or_default())
                        .ours(" could not be taken: ")
                        .theirs(&refusal.field)
                        .ours(" ")
                        .theirs(&refusal.problem),
                    Line::of("what it reports may be going on; ").ours(kept),
                    Line::of("of the same source nothing more is told within this hour"),
                ]
            }
            RefusalFact::SourcesLeftOut { .. } => vec![
                Line::of("what came from more than ")
                    .ours(MOST_OTHERS)
                    .ours(" sources could not be taken within this hour: further ones are not named"),
                Line::of("of each, ").ours(kept),
            ],
            RefusalFact::NameUnknown(unknown) => vec![
                Line::of("what came")
                    .then(from(&unknown.source))
                    .ours(", event ")
                    .theirs(&unknown.event)
                    .ours(", is about nothing that is there: ")
                    .theirs(&unknown.problem),
                Line::of("what it reports may be going on under another name; sre-agent trail ")
                    .theirs(&unknown.proposal)
                    .ours(" has all of it, and nobody looks into it"),
                Line::of("of this trouble nothing more is told within this hour"),
            ],
            RefusalFact::NamesLeftOut { source, after } => vec![
                Line::of("what came")
                    .then(from(source))
                    .ours(" about nothing that is there was told of ")
                    .ours(*after)
                    .ours(" troubles within this hour: further ones are not"),
                Line::of("they may be going on under other names; sre-agent list has each"),
            ],
        }
    }

    /// The same as text, in which nothing is markup.
    pub fn text(&self) -> String {
        let lines = self.lines();
        let lines = lines.iter().map(|line| line.render(visible, |at| at.to_string()));
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::trail::refusal::{Refusal, UnknownName};

    #[test]
    fn a_notice_reads_back_from_the_topic_and_nothing_else_is_one() {
        let refusal = Refusal {
            source: Some("llm-gateway".to_owned()),
            event: None,
            field: "detail.spend".to_owned(),
            problem: "is missing".to_owned(),
        };
        for fact in [
            RefusalFact::EventRefused(refusal),
            RefusalFact::SourcesLeftOut { after: 20 },
            RefusalFact::NameUnknown(UnknownName::of(
                None,
                "evt-1",
                "the gateway has none",
                &"te62pwqbdtyue7vjfvvymfu5mi-1".parse().unwrap(),
            )),
            RefusalFact::NamesLeftOut {
                source: None,
                after: 5,
            },
        ] {
            let notice = Notice {
                version: 1,
                at: crate::samples::at(0),
                fact,
            };
            let message = serde_json::to_string(&notice).unwrap();
            let notification = json!({"TopicArn": "arn:x", "Message": message}).to_string();
            assert_eq!(Notice::read(&notification), Some(notice));
            assert_eq!(Notice::read(&message), None);
        }
        let announcement =
            json!({"version": 1, "proposal": "te62pwqbdtyue7vjfvvymfu5mi-1", "kind": "scored"});
        for body in [
            String::new(),
            json!({"TopicArn": "arn:x", "Message": announcement.to_string()}).to_string(),
            json!({"TopicArn": "arn:x", "Message": 7}).to_string(),
        ] {
            assert_eq!(Notice::read(&body), None, "{body}");
        }
    }
}
