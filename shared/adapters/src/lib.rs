//! The outside services that functions share, one file each: each implements a port of `domain`.
//!
//! | port | here |
//! | --- | --- |
//! | `Trail` | [`DynamoTrail`] |
//! | `View` | [`DynamoView`] |
//! | `Payloads` | [`PayloadBucket`] |
//! | `Operators` | [`SecretOperators`], over a [`Secret`] |
//! | `Queue` | [`SqsQueue`] |
//! | `Bus` | [`EventBus`] |
//! | `Topic` | [`SnsTopic`] |
//! | `Clock` | [`SystemClock`] |
//! | `Signer` | [`KmsSigner`]; [`LocalKey`] in tests |
//! | `Verifier` | [`PublicKeys`], which are a [`Keyring`] once they are known |
//!
//! All of them are made from a configuration of [`aws`]: [`aws::in_function`], or what a person's [`aws::loader`] finds. Both bound
//! every call in time.

pub mod aws;
mod bus;
mod clock;
mod keys;
mod kms;
mod payloads;
mod queue;
mod secrets;
mod topic;
mod trail;
mod view;

pub use aws_config::SdkConfig;

pub use self::bus::EventBus;
pub use self::clock::SystemClock;
pub use self::keys::{KeyFile, Keyring, KnownKey, LocalKey, PublicKey, Retired};
pub use self::kms::{KeyArchive, KeySources, KeysProblem, KmsSigner, PublicKeys, SIGN_MS};
pub use self::payloads::PayloadBucket;
pub use self::queue::{DeadLetter, SqsQueue};
pub use self::secrets::{Secret, SecretOperators, SecretText};
pub use self::topic::SnsTopic;
pub use self::trail::{DynamoTrail, HOUR_INDEX};
pub use self::view::{DynamoView, IN_FORCE_INDEX, OPEN_INDEX};
