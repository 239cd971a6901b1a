//! Signatures of records.

use serde::{Deserialize, Serialize};

/// A signature over a record's digest: [`super::signed_text`] says over which bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The key, as whoever verifies knows it: its ARN.
    pub key: String,
    /// ECDSA on P-256 with SHA-256, in DER, base64.
    pub value: String,
}
