//! A secret that may have been rotated since it was read.

use std::sync::Mutex;

use async_trait::async_trait;
use domain::ports::{Credential, Unavailable};

use crate::outages::Outages;

/// A secret in memory: what was read of it, and what it is now.
#[derive(Debug, Default)]
pub struct FixedCredential {
    /// When it cannot be read again.
    pub outages: Outages,
    read: Mutex<String>,
    now: Mutex<String>,
}

impl FixedCredential {
    /// A secret that was read and has not changed since.
    pub fn new(text: &str) -> Self {
        Self::rotated(text, text)
    }

    /// A secret that was read as `read` and is `now` by now.
    pub fn rotated(read: &str, now: &str) -> Self {
        Self {
            outages: Outages::default(),
            read: Mutex::new(read.to_owned()),
            now: Mutex::new(now.to_owned()),
        }
    }
}

#[async_trait]
impl Credential for FixedCredential {
    async fn current(&self) -> Result<String, Unavailable> {
        Ok(self.read.lock().unwrap().clone())
    }

    async fn reread(&self, refused: &str) -> Result<Option<String>, Unavailable> {
        self.outages.before("Secrets Manager")?;
        let now = self.now.lock().unwrap().clone();
        self.read.lock().unwrap().clone_from(&now);
        Ok((now != refused).then_some(now))
    }
}
