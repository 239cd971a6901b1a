//! What people are told that is about no proposal: an event could not be taken.

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
    pub const REASON: &'static str = "an event could not be taken";

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
        let kept = "it is in the dead-letter queue, which sre-agent redrive --list --queue ingest lists, and sre-agent \
                    redrive puts back what has been mended";
        match &self.fact {
            RefusalFact::EventRefused(refusal) => {
                let from = match &refusal.source {
                    Some(source) => Line::of(" from ").theirs(source),
                    None => Line::of(" from nobody knows whom"),
                };
                let event = refusal.event.as_ref();
                let event = event.map(|event| Line::of(", event ").theirs(event));
                let is_kept = Line::of("what it reports may be going on");
                let (became, is_kept) = match &refusal.proposal {
                    None => (" could not be taken: ", is_kept.ours("; ").ours(kept)),
                    Some(proposal) => (
                        " was declined: ",
                        is_kept
                            .ours(" under another name; it is recorded, and sre-agent trail ")
                            .theirs(proposal)
                            .ours(" shows it"),
                    ),
                };
                vec![
                    Line::of("what came")
                        .then(from)
                        .then(event.unwrap_or_default())
                        .ours(became)
                        .theirs(&refusal.field)
                        .ours(" ")
                        .theirs(&refusal.problem),
                    is_kept,
                    Line::of("of the same source nothing more is told within this hour"),
                ]
            }
            RefusalFact::SourcesLeftOut { .. } => vec![
                Line::of("what came from more than ")
                    .ours(MOST_OTHERS)
                    .ours(" sources could not be taken within this hour: further ones are not named"),
                Line::of("of each, ").ours(kept),
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
    use crate::trail::refusal::Refusal;

    #[test]
    fn a_notice_reads_back_from_the_topic_and_nothing_else_is_one() {
        let refusal = Refusal {
            source: Some("llm-gateway".to_owned()),
            event: None,
            field: "detail.spend".to_owned(),
            problem: "is missing".to_owned(),
            proposal: None,
        };
        for fact in [
            RefusalFact::EventRefused(refusal),
            RefusalFact::SourcesLeftOut { after: 20 },
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
