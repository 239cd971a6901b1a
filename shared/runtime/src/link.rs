//! Links to a proposal's page: whoever has one may look, and nobody can guess one.

use data_encoding::BASE64URL_NOPAD;
use domain::value::ProposalId;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What a token is made for, so that no other use of the key makes one.
const PURPOSE: &str = "sre-agent/page/1";

/// Bytes of a token: 144 bits.
const TOKEN_BYTES: usize = 18;

/// The key of all links of a stack.
#[derive(Clone)]
pub struct LinkKey(String);

impl LinkKey {
    /// The key that a secret holds; an empty one opens nothing.
    pub fn new(secret: String) -> Option<Self> {
        (!secret.trim().is_empty()).then_some(Self(secret))
    }

    /// The path of a proposal's page, with its token.
    pub fn path(&self, proposal: &ProposalId) -> String {
        let token = self.mac(proposal).map(|mac| {
            let bytes = mac.finalize().into_bytes();
            BASE64URL_NOPAD.encode(&bytes[..TOKEN_BYTES])
        });
        format!("/proposals/{proposal}?t={}", token.unwrap_or_default())
    }

    /// Whether a token is of a proposal's page.
    pub fn opens(&self, proposal: &ProposalId, token: &str) -> bool {
        let Ok(bytes) = BASE64URL_NOPAD.decode(token.as_bytes()) else {
            return false;
        };
        bytes.len() == TOKEN_BYTES
            && self
                .mac(proposal)
                .is_some_and(|mac| mac.verify_truncated_left(&bytes).is_ok())
    }

    fn mac(&self, proposal: &ProposalId) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).ok()?;
        mac.update(PURPOSE.as_bytes());
        mac.update(b":");
        mac.update(proposal.to_string().as_bytes());
        Some(mac)
    }
}

impl std::fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_one_page_and_no_other() {
        let id = |text: &str| text.parse::<ProposalId>().unwrap();
        let (one, other) = (
            id("te62pwqbdtyue7vjfvvymfu5mi-1"),
            id("te62pwqbdtyue7vjfvvymfu5mi-2"),
        );
        let key = LinkKey::new("k3y".to_owned()).unwrap();
        let path = key.path(&one);
        let (page, token) = path.split_once("?t=").unwrap();
        assert_eq!(page, "/proposals/te62pwqbdtyue7vjfvvymfu5mi-1");
        assert!(key.opens(&one, token) && !key.opens(&other, token));
        assert!(!LinkKey::new("other".to_owned()).unwrap().opens(&one, token));
        for bad in [
            "",
            "x",
            &token[1..],
            &format!("{token}="),
            &token[..4],
            &format!("{token}AA"),
        ] {
            assert!(!key.opens(&one, bad), "{bad}");
        }
        assert!(LinkKey::new(" ".to_owned()).is_none());
        assert_eq!(format!("{key:?}"), "LinkKey(…)");
    }
}
