//! Public keys, and a private one in this process: ECDSA on P-256 with SHA-256.
//!
//! `aws-lc-rs` does it: it is in every function already, beneath TLS, and so adds nothing to them.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _, ParsedPublicKey,
};
use data_encoding::BASE64;
use domain::ports::{Signer, Unavailable};
use domain::trail::{Authority, Doubt, Record, Signature, Verifier, signed_text};
use domain::value::{Digest, Timestamp};

/// How a P-256 key begins in DER as `GetPublicKey` tells it, before its 65 bytes: an EC key, on that curve.
///
/// <https://www.rfc-editor.org/rfc/rfc5480>
const SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// One public key.
#[derive(Clone)]
pub struct PublicKey {
    /// Whose it is.
    pub by: Authority,
    /// What records name it by: its ARN.
    pub name: String,
    key: ParsedPublicKey,
    /// Where it is not used any more: since when, and what it had signed by then.
    retired: Option<Retired>,
}

/// What is known of a key that is not used any more. It lies under lock, from before anybody could have found the key.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Retired {
    /// Since when.
    pub at: Timestamp,
    /// The records that it had signed by then and that something may still rest on.
    pub signed: Vec<Digest>,
}

impl PublicKey {
    /// A key in use, as `GetPublicKey` tells it: X.509 `SubjectPublicKeyInfo` in DER.
    pub fn new(by: Authority, name: impl Into<String>, der: &[u8]) -> Result<Self, Unavailable> {
        let name = name.into();
        let bad = |problem| Unavailable::new("a public key", format_args!("{name} {problem}"));
        let point = der.strip_prefix(&SPKI).filter(|point| point.len() == 65);
        let point = point.ok_or_else(|| bad("is not a P-256 key"))?;
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point);
        Ok(Self {
            key: key.map_err(|_| bad("is not a point of P-256"))?,
            by,
            name,
            retired: None,
        })
    }

    /// The same, no more in use.
    pub fn retired(self, retired: Retired) -> Self {
        Self {
            retired: Some(retired),
            ..self
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?} {})", self.by, self.name)
    }
}

/// The public keys of a stack.
#[derive(Debug, Clone)]
pub struct Keyring {
    stack: String,
    keys: BTreeMap<String, PublicKey>,
}

impl Keyring {
    /// These keys, for records of the stack of that name.
    pub fn new(stack: impl Into<String>, keys: impl IntoIterator<Item = PublicKey>) -> Self {
        Self {
            stack: stack.into(),
            keys: keys.into_iter().map(|key| (key.name.clone(), key)).collect(),
        }
    }
}

/// The public keys of a stack, as a file: for whoever verifies without the stack.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeyFile {
    /// The stack's name.
    pub stack: String,
    /// Its keys, those in use and former ones.
    pub keys: Vec<KnownKey>,
}

/// A key of a [`KeyFile`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KnownKey {
    /// Whose it is.
    pub by: Authority,
    /// Its ARN.
    pub key: String,
    /// The key itself, as `GetPublicKey` tells it, base64.
    pub public: String,
    /// Where it is not used any more: since when, and what it had signed by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired: Option<Retired>,
}

impl KeyFile {
    /// The keys, to verify with.
    pub fn keyring(&self) -> Result<Keyring, Unavailable> {
        let keys = self.keys.iter().map(|known| {
            let der = BASE64.decode(known.public.as_bytes());
            let der =
                der.map_err(|err| Unavailable::new("a public key", format_args!("{}: {err}", known.key)))?;
            let key = PublicKey::new(known.by, &known.key, &der)?;
            Ok(match &known.retired {
                Some(retired) => key.retired(retired.clone()),
                None => key,
            })
        });
        Ok(Keyring::new(&self.stack, keys.collect::<Result<Vec<_>, _>>()?))
    }
}

impl Verifier for Keyring {
    fn verify(&self, by: Authority, record: &Record, signature: &Signature) -> Result<(), Doubt> {
        let forged = |problem: &str| Err(Doubt::Forged(problem.to_owned()));
        let Some(key) = self.keys.get(&signature.key).filter(|key| key.by == by) else {
            return forged("is signed with a key that may not sign it");
        };
        let Ok(value) = BASE64.decode(signature.value.as_bytes()) else {
            return forged("has a signature that is not base64");
        };
        let text = signed_text(&self.stack, &key.name, &record.digest);
        if key.key.verify_sig(&text, &value).is_err() {
            return forged("has a signature that is not good for it");
        }
        match &key.retired {
            Some(retired) if !retired.signed.contains(&record.digest) => Err(Doubt::Forged(format!(
                "is signed with a key that was given up at {}, and was not there then",
                retired.at
            ))),
            Some(_) | None => Ok(()),
        }
    }
}

/// A private key in this process: for tests, and for nothing that anybody relies on.
pub struct LocalKey {
    by: Authority,
    name: String,
    stack: String,
    pair: EcdsaKeyPair,
}

impl LocalKey {
    /// A new key, known by this name to the stack of that one.
    pub fn generate(by: Authority, name: &str, stack: &str) -> Result<Self, Unavailable> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING);
        Ok(Self {
            by,
            name: name.to_owned(),
            stack: stack.to_owned(),
            pair: pair.map_err(|err| Unavailable::new("a key in this process", err))?,
        })
    }

    /// Its public half.
    pub fn public(&self) -> Result<PublicKey, Unavailable> {
        PublicKey::new(self.by, self.name.clone(), &self.der())
    }

    /// Its public half as `GetPublicKey` tells one.
    pub fn der(&self) -> Vec<u8> {
        [SPKI.as_slice(), self.pair.public_key().as_ref()].concat()
    }

    /// Whose it is.
    pub fn by(&self) -> Authority {
        self.by
    }

    /// Signs at once.
    pub fn sign_now(&self, digest: &Digest) -> Result<Signature, Unavailable> {
        let text = signed_text(&self.stack, &self.name, digest);
        let signed = self.pair.sign(&SystemRandom::new(), &text);
        let signed = signed.map_err(|err| Unavailable::new("a key in this process", err))?;
        Ok(Signature {
            key: self.name.clone(),
            value: BASE64.encode(signed.as_ref()),
        })
    }
}

impl fmt::Debug for LocalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocalKey({:?} {})", self.by, self.name)
    }
}

#[async_trait]
impl Signer for LocalKey {
    async fn sign(&self, by: Authority, digest: &Digest) -> Result<Signature, Unavailable> {
        if by == self.by {
            self.sign_now(digest)
        } else {
            Err(Unavailable::new("a key in this process", "it may not sign that"))
        }
    }
}

#[cfg(test)]
mod tests;
