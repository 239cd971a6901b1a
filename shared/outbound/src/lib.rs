//! Requests to services that are not AWS: bounded in time and size, without redirects or proxies, and with secrets that
//! never show themselves.
//!
//! | file | what |
//! | --- | --- |
//! | `client` | one request and its whole reply, within [`Bounds`] |
//! | `reply` | what was heard, and what a status that is no success means |
//! | `tls` | whose certificates are believed |
//! | `token` | a secret that is sent, and one that may be rotated meanwhile |
//! | `url` | where a service is |

mod client;
mod reply;
mod tls;
mod token;
mod url;

use std::fmt;

pub use self::client::{Bounds, Broken, Client, Heard, listen};
pub use self::reply::{Reply, brief};
pub use self::token::{Rotating, Token};
pub use self::url::{BaseUrl, same_origin};

/// A setting with which nothing can be called. Found at start.
#[derive(Debug, thiserror::Error)]
#[error("{setting} {problem}")]
pub struct BadSettings {
    /// Which setting.
    pub setting: &'static str,
    /// What is wrong with it. Never holds a secret.
    pub problem: String,
}

impl BadSettings {
    /// A complaint about a setting.
    pub fn new(setting: &'static str, problem: impl fmt::Display) -> Self {
        Self {
            setting,
            problem: problem.to_string(),
        }
    }
}
