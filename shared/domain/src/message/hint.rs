//! A hint: look at this proposal's trail.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Message, object};
use crate::trail::Seq;
use crate::value::ProposalId;

/// What a hint says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// The proposal to look at.
    pub proposal: ProposalId,
    /// The record that it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
    /// How often whoever works it has sent it to themselves before.
    #[serde(default, skip_serializing_if = "is_none")]
    pub tries: u32,
}

fn is_none(tries: &u32) -> bool {
    *tries == 0
}

impl Hint {
    /// How often whoever works a hint may send it to themselves: what does not work by then is recorded, and housekeeping
    /// sees to it.
    pub const MOST_TRIES: u32 = 3;

    /// A hint about a proposal as a whole.
    pub fn of(proposal: &ProposalId) -> Self {
        Self {
            proposal: proposal.clone(),
            seq: None,
            tries: 0,
        }
    }

    /// The same hint, sent once more.
    pub fn again(&self) -> Self {
        Self {
            tries: self.tries.saturating_add(1),
            ..self.clone()
        }
    }

    /// Its text on a queue.
    pub fn text(&self) -> String {
        serde_json::json!({ "hint": self }).to_string()
    }

    /// Reads a hint, or an announcement in a notification of the approval topic; or says what is wrong.
    pub fn read(body: &str) -> Result<Self, String> {
        let proposal = match Message::parse(body) {
            Ok(Message::Hint(proposal)) => proposal,
            Ok(Message::Incident(_)) => {
                return Err("an incident event does not belong on this queue".to_owned());
            }
            Err(malformed) => return Err(malformed.to_string()),
        };
        let message = object("message", body).map_err(|err| err.to_string())?;
        let told = message.get("Message").and_then(Value::as_str);
        let told = told.and_then(|told| object("Message", told).ok());
        let number = |of: Option<&Value>, name: &str| of?.get(name)?.as_u64();
        let hint = message.get("hint");
        Ok(Self {
            proposal,
            seq: number(hint, "seq").or(number(told.as_ref(), "seq")),
            tries: number(hint, "tries").map_or(0, |tries| u32::try_from(tries).unwrap_or(u32::MAX)),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_hint_reads_back_and_so_does_an_announcement_of_the_topic() {
        let proposal: ProposalId = "te62pwqbdtyue7vjfvvymfu5mi-1".parse().unwrap();
        let plain = Hint::of(&proposal);
        assert_eq!(plain.text(), json!({"hint": {"proposal": proposal}}).to_string());
        let about = Hint {
            seq: Some(7),
            ..plain.again().again()
        };
        for hint in [&plain, &about] {
            assert_eq!(Hint::read(&hint.text()).as_ref(), Ok(hint));
            assert_eq!(Message::parse(&hint.text()), Ok(Message::Hint(proposal.clone())));
        }
        let told = json!({"version": 1, "proposal": proposal, "seq": 4, "kind": "scored"}).to_string();
        let sns =
            json!({"Type": "Notification", "TopicArn": "arn:aws:sns:x:1:t", "Message": told}).to_string();
        let read = Hint::read(&sns).unwrap();
        assert_eq!((read.proposal, read.seq, read.tries), (proposal, Some(4), 0));
        for bad in [
            "",
            "{}",
            r#"{"hint":{"proposal":"x"}}"#,
            r#"{"TopicArn":"x","Message":"{\"kind\":1}"}"#,
        ] {
            assert!(Hint::read(bad).is_err(), "{bad}");
        }
        let odd = json!({"hint": {"proposal": plain.proposal, "seq": "x", "tries": -1}}).to_string();
        assert_eq!(Hint::read(&odd), Ok(plain));
    }
}
