//! Streams: what is serialised against what. One item of the table is one record of one stream, and
//! inserting the next `seq` of a stream is the only way anything happens.

use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::inventory::Target;
use crate::value::{BadId, Fingerprint, ProposalId};

/// Position of a record in its stream, from 1.
pub type Seq = u64;

/// The name of a stream: the table's partition key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum StreamId {
    /// `proposal/<proposal id>`: one proposal's life.
    Proposal(ProposalId),
    /// `incident/<fingerprint>`: which proposal is the current one for this trouble.
    Incident(Fingerprint),
    /// `target/<kind>/<id>`: who may hold an effect on it.
    Target(Target),
    /// `limit/<name>/<window>`: one record per slot used.
    Limit {
        /// What is limited.
        name: String,
        /// The window it is counted in.
        window: String,
    },
    /// `control`: the switches of the whole agent, which are the operators'.
    Control,
    /// `guard`: what the agent's own functions say against themselves. It can only tighten.
    Guard,
}

impl StreamId {
    /// Whether its records expire: those of proposals and limits do. Incidents, targets, `control`
    /// and `guard` never end; each of their records holds the whole state.
    pub fn expires(&self) -> bool {
        match self {
            StreamId::Proposal(_) | StreamId::Limit { .. } => true,
            StreamId::Incident(_) | StreamId::Target(_) | StreamId::Control | StreamId::Guard => false,
        }
    }
}

/// All but letters, digits, `-`, `_` and `.` is percent-encoded in names that come from the gateway.
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// A name from outside, safe inside a stream key or a URL path.
pub fn encode_name(name: &str) -> String {
    utf8_percent_encode(name, NAME).to_string()
}

/// The inverse of [`encode_name`].
pub fn decode_name(text: &str) -> Result<String, BadId> {
    let form = BadId::Form("percent-encoded UTF-8");
    let name = percent_decode_str(text).decode_utf8().map_err(|_| form.clone())?;
    if encode_name(&name) == text {
        Ok(name.into_owned())
    } else {
        Err(form)
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StreamId::Proposal(id) => write!(f, "proposal/{id}"),
            StreamId::Incident(fingerprint) => write!(f, "incident/{fingerprint}"),
            StreamId::Target(target) => write!(f, "target/{}/{}", target.kind(), encode_name(&target.id())),
            StreamId::Limit { name, window } => {
                write!(f, "limit/{}/{}", encode_name(name), encode_name(window))
            }
            StreamId::Control => f.write_str("control"),
            StreamId::Guard => f.write_str("guard"),
        }
    }
}

impl FromStr for StreamId {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let parts: Vec<&str> = text.split('/').collect();
        match parts.as_slice() {
            ["proposal", id] => id.parse().map(StreamId::Proposal),
            ["incident", fingerprint] => fingerprint.parse().map(StreamId::Incident),
            ["target", kind, id] => Target::parse(kind, &decode_name(id)?).map(StreamId::Target),
            ["limit", name, window] => Ok(StreamId::Limit {
                name: decode_name(name)?,
                window: decode_name(window)?,
            }),
            ["control"] => Ok(StreamId::Control),
            ["guard"] => Ok(StreamId::Guard),
            _ => Err(BadId::Form(
                "a stream: proposal/…, incident/…, target/…/…, limit/…/…, control or guard",
            )),
        }
    }
}

impl TryFrom<String> for StreamId {
    type Error = BadId;
    fn try_from(text: String) -> Result<Self, BadId> {
        text.parse()
    }
}

impl From<StreamId> for String {
    fn from(stream: StreamId) -> String {
        stream.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::ModelGroupId;

    #[test]
    fn a_stream_name_reads_back_whatever_the_gateway_calls_its_things() {
        for name in ["chat", "a/b", "gpt 4 🚀", "%2F", "..", "x#y?z"] {
            let stream = StreamId::Target(Target::ModelGroup(ModelGroupId::new(name).unwrap()));
            let text = stream.to_string();
            assert_eq!(text.matches('/').count(), 2, "{text}");
            assert_eq!(text.parse(), Ok(stream));
        }
    }

    #[test]
    fn what_is_no_stream_is_refused() {
        for text in [
            "",
            "proposal/",
            "proposal/x",
            "target/planet/mars",
            "control/",
            "limit/a",
            "target/provider/a b",
        ] {
            assert!(text.parse::<StreamId>().is_err(), "{text}");
        }
    }
}
