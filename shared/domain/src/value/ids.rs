//! Identifiers as types: a team can never be passed where a provider is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::value::Digest;

/// The longest name the agent takes from outside, in bytes.
pub const MAX_NAME_BYTES: usize = 256;

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadId {
    /// The text has no characters.
    #[error("is empty")]
    Empty,
    /// The text is longer than [`MAX_NAME_BYTES`].
    #[error("is longer than {MAX_NAME_BYTES} bytes")]
    TooLong,
    /// The text holds a control character, or begins or ends with white space.
    #[error("holds a control character or surrounding white space")]
    Unprintable,
    /// The text does not have the form the type asks for.
    #[error("is not {0}")]
    Form(&'static str),
}

fn checked(text: &str) -> Result<String, BadId> {
    if text.is_empty() {
        Err(BadId::Empty)
    } else if text.len() > MAX_NAME_BYTES {
        Err(BadId::TooLong)
    } else if text.chars().any(char::is_control) || text.trim() != text {
        Err(BadId::Unprintable)
    } else {
        Ok(text.to_owned())
    }
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// Not empty, at most [`MAX_NAME_BYTES`] bytes, no control characters.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Takes a name from outside, or says what is wrong with it.
            pub fn new(text: &str) -> Result<Self, BadId> {
                checked(text).map(Self)
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> {
                Self::new(&text)
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string" })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

names! {
    /// An organisation that owns teams and budgets on the gateway.
    OrgId;
    /// A team, as the gateway names it.
    TeamId;
    /// A model provider, as the gateway names it.
    ProviderId;
    /// A group of interchangeable deployments that callers address as one model.
    ModelGroupId;
    /// An SLA contract.
    SlaId;
    /// Whoever else has a budget: a key, a user, an end customer, a tag.
    SpenderId;
    /// A guardrail.
    GuardrailId;
    /// A person in the company's operator directory. The id is the company's own, so that one person
    /// in two channels has one vote.
    OperatorId;
    /// The sender's id of an event: two deliveries of one event share it.
    EventId;
    /// Unique to one append and kept through its retries: tells "my write, whose reply was lost" from
    /// "someone else's".
    WriterId;
}

impl EventId {
    /// The id of an event whose sender gave it none: 32 digits of the digest of what it says.
    pub fn of_content(digest: &Digest) -> Self {
        let mut hex = digest.to_string();
        hex.truncate(32);
        Self(format!("content-{hex}"))
    }
}

impl WriterId {
    /// Of what lies on the trail and is no record.
    pub fn unknown() -> Self {
        Self("unknown".to_owned())
    }
}

/// Characters of a fingerprint: 26 of base32 are 130 bits of SHA-256.
const FINGERPRINT_CHARS: usize = 26;

/// What makes two events the same trouble: the hash of organisation, event type and subject.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The first 130 bits of a digest, in lower-case base32 (RFC 4648, no padding).
    pub fn of(digest: &Digest) -> Self {
        let mut text = data_encoding::BASE32_NOPAD
            .encode(digest.as_bytes())
            .to_ascii_lowercase();
        text.truncate(FINGERPRINT_CHARS);
        Self(text)
    }

    /// The fingerprint as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Fingerprint {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let alphabet = |c: char| c.is_ascii_lowercase() || ('2'..='7').contains(&c);
        if text.len() == FINGERPRINT_CHARS && text.chars().all(alphabet) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadId::Form("a fingerprint: 26 characters of a-z and 2-7"))
        }
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = BadId;
    fn try_from(text: String) -> Result<Self, BadId> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> String {
        fingerprint.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One proposal: the fingerprint of its trouble and which outbreak of it this is, `<fingerprint>-<generation>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProposalId {
    fingerprint: Fingerprint,
    generation: u32,
}

impl ProposalId {
    /// The proposal of one generation of a trouble. Generations count from 1.
    pub fn new(fingerprint: Fingerprint, generation: u32) -> Self {
        Self {
            fingerprint,
            generation,
        }
    }

    /// The trouble this proposal answers.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// Which outbreak of the trouble, from 1.
    pub fn generation(&self) -> u32 {
        self.generation
    }
}

impl FromStr for ProposalId {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let form = BadId::Form("a proposal id: <26 characters of a-z and 2-7>-<generation from 1>");
        let (fingerprint, generation) = text.split_once('-').ok_or(form.clone())?;
        let canonical = !generation.starts_with('0') && generation.bytes().all(|b| b.is_ascii_digit());
        match (fingerprint.parse(), generation.parse()) {
            (Ok(fingerprint), Ok(generation)) if canonical => Ok(Self {
                fingerprint,
                generation,
            }),
            (Ok(_) | Err(_), Ok(_) | Err(_)) => Err(form),
        }
    }
}

impl TryFrom<String> for ProposalId {
    type Error = BadId;
    fn try_from(text: String) -> Result<Self, BadId> {
        text.parse()
    }
}

impl From<ProposalId> for String {
    fn from(id: ProposalId) -> String {
        id.to_string()
    }
}

impl fmt::Display for ProposalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.fingerprint, self.generation)
    }
}

/// Whose budget it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "scope", content = "scope_id", rename_all = "snake_case")]
pub enum BudgetOwner {
    /// One team's budget.
    Team(TeamId),
    /// An organisation's budget.
    Org(OrgId),
}

impl schemars::JsonSchema for BudgetOwner {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "BudgetOwner".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "properties": {
                "scope": { "type": "string", "enum": ["team", "org"], "description": "Whose budget." },
                "scope_id": { "type": "string", "description": "Id of the team or the organisation." }
            },
            "required": ["scope", "scope_id"]
        })
    }
}

impl BudgetOwner {
    /// The owner from its scope (`team` or `org`) and id.
    pub fn parse(scope: &str, id: &str) -> Result<Self, BadId> {
        match scope {
            "team" => TeamId::new(id).map(BudgetOwner::Team),
            "org" => OrgId::new(id).map(BudgetOwner::Org),
            _ => Err(BadId::Form("a budget's scope: team or org")),
        }
    }

    /// `team` or `org`.
    pub fn scope(&self) -> &'static str {
        match self {
            BudgetOwner::Team(_) => "team",
            BudgetOwner::Org(_) => "org",
        }
    }

    /// The team's or organisation's id.
    pub fn id(&self) -> &str {
        match self {
            BudgetOwner::Team(id) => id.as_str(),
            BudgetOwner::Org(id) => id.as_str(),
        }
    }
}

impl fmt::Display for BudgetOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.scope(), self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proposal_id_reads_back() {
        let id = ProposalId::new(Fingerprint::of(&Digest::of(b"x")), 12);
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn what_is_not_a_proposal_id_is_refused() {
        let good = Fingerprint::of(&Digest::of(b"x")).to_string();
        for bad in [
            "",
            "x-1",
            &good,
            &format!("{good}-0"),
            &format!("{good}-01"),
            &format!("{good}-+1"),
            &format!("{good}-1-2"),
            &format!("{}-1", good.to_uppercase()),
        ] {
            assert!(bad.parse::<ProposalId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_is_bounded_and_printable() {
        assert_eq!(TeamId::new(""), Err(BadId::Empty));
        assert_eq!(TeamId::new(&"x".repeat(257)), Err(BadId::TooLong));
        assert_eq!(TeamId::new("a\nb"), Err(BadId::Unprintable));
        assert_eq!(TeamId::new(" a"), Err(BadId::Unprintable));
        assert!(TeamId::new("payments — EU").is_ok());
        assert!(TeamId::new(&"x".repeat(MAX_NAME_BYTES)).is_ok());
    }
}
