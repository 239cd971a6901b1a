//! Where the stack is deployed: which emulator, and whether it is ours to start and stop.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::emulator::Kind;
use crate::net::LOOPBACK;

/// What a person says about it.
#[derive(Args, Clone, Default)]
pub(crate) struct Choice {
    /// The emulator of AWS; without it the one that runs, or else ministack
    #[arg(long, value_enum, value_name = "EMULATOR", env = "SRE_STACK")]
    pub(crate) stack: Option<Kind>,
    /// Deploys to an emulator that runs already, such as http://127.0.0.1:4566, and never stops it
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// With --endpoint, the address that the sandbox listens on, where functions in containers cannot reach 127.0.0.1
    #[arg(long, value_name = "ADDRESS", requires = "endpoint")]
    sandbox_listen: Option<IpAddr>,
    /// With --endpoint, the name by which the functions reach this machine, such as host.docker.internal
    #[arg(long, value_name = "HOST", requires = "endpoint")]
    sandbox_host: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) kind: Kind,
    /// The address of an emulator that is somebody else's; none where it is ours.
    pub(crate) endpoint: Option<String>,
    /// The address that the sandbox listens on.
    pub(crate) listen: IpAddr,
    /// The name by which the functions reach the sandbox.
    pub(crate) host: String,
}

impl Choice {
    /// This emulator and no other.
    pub(crate) fn of(kind: Kind) -> Self {
        Self {
            stack: Some(kind),
            ..Self::default()
        }
    }

    /// The place that is meant, where `running` is that of the stack that is up: what is not said stays as it is.
    pub(crate) async fn place(&self, running: Option<&Place>) -> Result<Place> {
        let Some(endpoint) = &self.endpoint else {
            let running = running.filter(|place| self.stack.is_none_or(|kind| kind == place.kind));
            return Ok(running
                .cloned()
                .unwrap_or_else(|| Place::ours(self.stack.unwrap_or_default())));
        };
        let endpoint = address(endpoint)?;
        let kind = Kind::at(&endpoint).await?;
        if let Some(asked) = self.stack
            && asked != kind
        {
            bail!(
                "{endpoint} is {}, and {} was asked for\n  leave --stack and SRE_STACK out",
                kind.id(),
                asked.id()
            );
        }
        let listen = self.sandbox_listen.unwrap_or(Ipv4Addr::LOCALHOST.into());
        Ok(Place {
            kind,
            endpoint: Some(endpoint),
            listen,
            host: self.sandbox_host.clone().unwrap_or_else(|| listen.to_string()),
        })
    }
}

/// The address of an emulator, without a path.
fn address(text: &str) -> Result<String> {
    let url = reqwest::Url::parse(text)
        .with_context(|| format!("--endpoint {text} is no address such as http://127.0.0.1:4566"))?;
    if !matches!(url.scheme(), "http" | "https") || url.path() != "/" || url.query().is_some() {
        bail!(
            "--endpoint {text}: it is the scheme, host and port of the emulator, such as http://127.0.0.1:4566"
        );
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

impl Place {
    /// An emulator that is started and stopped here.
    fn ours(kind: Kind) -> Self {
        Self {
            kind,
            endpoint: None,
            listen: Ipv4Addr::LOCALHOST.into(),
            host: LOOPBACK.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(stack: Option<Kind>) -> Choice {
        Choice {
            stack,
            ..Choice::default()
        }
    }

    #[tokio::test]
    async fn what_is_not_said_stays_as_it_runs() {
        let foreign = Place {
            endpoint: Some("http://127.0.0.1:4566".to_owned()),
            ..Place::ours(Kind::Localstack)
        };
        for (asked, running, place) in [
            (None, None, Place::ours(Kind::Ministack)),
            (Some(Kind::Localstack), None, Place::ours(Kind::Localstack)),
            (None, Some(&foreign), foreign.clone()),
            (Some(Kind::Localstack), Some(&foreign), foreign.clone()),
            (
                Some(Kind::Ministack),
                Some(&foreign),
                Place::ours(Kind::Ministack),
            ),
        ] {
            assert_eq!(chosen(asked).place(running).await.unwrap(), place);
        }
    }

    #[test]
    fn an_endpoint_is_an_address_without_a_path() {
        assert_eq!(
            address("http://localhost:4566/").unwrap(),
            "http://localhost:4566"
        );
        for text in [
            "localhost:4566",
            "4566",
            "http://127.0.0.1:4566/restapis",
            "ftp://127.0.0.1",
        ] {
            let problem = address(text).unwrap_err().to_string();
            assert!(problem.contains("such as http://127.0.0.1:4566"), "{problem}");
        }
    }
}
