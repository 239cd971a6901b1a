//! What a button's value says: which proposal, and which record of it the person was shown.

use domain::value::{Digest, ProposalId};

/// What a person was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The proposal.
    pub proposal: ProposalId,
    /// The record.
    pub seen: Digest,
}

impl Shown {
    /// Reads `<proposal id>.<digest>`.
    pub fn parse(text: &str) -> Option<Self> {
        let (proposal, seen) = text.split_once('.')?;
        Some(Self {
            proposal: proposal.parse().ok()?,
            seen: seen.parse().ok()?,
        })
    }

    /// Its text: the `value` of a button and the `private_metadata` of a modal.
    pub fn text(&self) -> String {
        format!("{}.{}", self.proposal, self.seen)
    }
}

/// What a button does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// Decides at once: yes.
    Approve,
    /// Asks for a reason, then decides: no.
    Reject,
    /// Asks for less.
    Narrow,
    /// Takes an approval back at once.
    Revoke,
    /// Asks for a reason to take the effect back.
    Undo,
    /// Asks what was done about what people were called for.
    Acknowledge,
}

impl Does {
    /// Every one.
    pub const ALL: [Does; 6] = [
        Does::Approve,
        Does::Reject,
        Does::Narrow,
        Does::Revoke,
        Does::Undo,
        Does::Acknowledge,
    ];

    /// The `action_id` of its button and the `callback_id` of its modal.
    pub fn name(self) -> &'static str {
        match self {
            Does::Approve => "approve",
            Does::Reject => "reject",
            Does::Narrow => "narrow",
            Does::Revoke => "revoke",
            Does::Undo => "undo",
            Does::Acknowledge => "acknowledge",
        }
    }

    /// The one of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Does::ALL.into_iter().find(|one| one.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_shown_reads_back() {
        let text = format!("te62pwqbdtyue7vjfvvymfu5mi-1.{}", Digest::of(b"x"));
        assert_eq!(Shown::parse(&text).unwrap().text(), text);
        for bad in [
            "",
            ".",
            "te62pwqbdtyue7vjfvvymfu5mi-1",
            "te62pwqbdtyue7vjfvvymfu5mi-1.",
            &text[1..],
        ] {
            assert_eq!(Shown::parse(bad), None, "{bad}");
        }
        for one in Does::ALL {
            assert_eq!(Does::parse(one.name()), Some(one));
        }
        assert_eq!(Does::parse("open"), None);
    }
}
