//! What is known of the running stack, in `target/stack/state.json`. It holds this run's secrets, so that only its
//! owner may read it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::net::{LOOPBACK, healthy};
use crate::paths::Paths;
use crate::stack::place::Place;

/// Name of the CloudFormation stack.
pub(crate) const STACK: &str = "sre-agent";
/// Region of the emulated account.
pub(crate) const REGION: &str = "us-east-1";

/// The stack as it was deployed.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) place: Place,
    /// Address of the emulator.
    pub(crate) aws_url: String,
    pub(crate) function_urls: FunctionUrls,
    /// Port of the sandbox.
    pub(crate) sandbox_port: u16,
    /// Parameters given to the template.
    pub(crate) parameters: BTreeMap<String, String>,
    /// The derived template that is deployed.
    pub(crate) template: String,
    /// Which build of each binary runs.
    pub(crate) builds: BTreeMap<String, String>,
    pub(crate) secrets: Secrets,
    pub(crate) deployment: Deployment,
}

/// How a function's URL is reached from this machine.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FunctionUrls {
    /// By the emulator's path for it: the URL's own name need not resolve.
    ByPath,
    /// By its name, as on AWS.
    ByName,
}

/// Values of this run alone.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Secrets {
    pub(crate) slack_signing: String,
    /// In the form of a Slack bot's token.
    pub(crate) slack_bot: String,
    pub(crate) gateway_read: String,
    pub(crate) gateway_write: String,
    pub(crate) pagerduty: String,
    /// In the form that LiteLLM wants its master key in.
    pub(crate) model: String,
}

/// What CloudFormation made.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Deployment {
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) resources: BTreeMap<String, String>,
}

impl Secrets {
    pub(crate) fn random() -> Self {
        let secret = || uuid::Uuid::new_v4().simple().to_string();
        Self {
            slack_signing: secret(),
            slack_bot: format!("xoxb-{}", secret()),
            gateway_read: secret(),
            gateway_write: secret(),
            pagerduty: secret(),
            model: format!("sk-{}", secret()),
        }
    }
}

impl State {
    /// The deployed stack's state; `None` where no stack has been deployed completely.
    pub(crate) fn load(paths: &Paths) -> Option<Self> {
        serde_json::from_slice(&fs::read(file(paths)).ok()?).ok()
    }

    /// As [`State::load`], for tasks that need a stack.
    pub(crate) fn need(paths: &Paths) -> Result<Self> {
        match Self::load(paths) {
            Some(state) => Ok(state),
            None => bail!("the local stack is not up\n  start it: cargo xtask up"),
        }
    }

    pub(crate) fn save(&self, paths: &Paths) -> Result<()> {
        Self::forget(paths)?;
        fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(file(paths))
            .and_then(|mut file| file.write_all(&serde_json::to_vec_pretty(self)?))
            .context("writing the state of the stack")
    }

    /// Until the next [`State::save`] there is no stack.
    pub(crate) fn forget(paths: &Paths) -> Result<()> {
        match fs::remove_file(file(paths)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Address of the sandbox, for this machine.
    pub(crate) fn sandbox_url(&self) -> String {
        let listen = self.place.listen;
        let host = if listen.is_unspecified() {
            LOOPBACK.to_owned()
        } else {
            listen.to_string()
        };
        format!("http://{host}:{}", self.sandbox_port)
    }

    /// Address of the approval callback.
    pub(crate) fn callback_url(&self) -> Result<String> {
        self.function_url("ApprovalCallbackUrl", self.function_urls)
    }

    /// Address of the commands' function.
    pub(crate) fn commands_url(&self) -> Result<String> {
        self.function_url("CommandsUrl", self.function_urls)
    }

    /// How the functions' URLs are reached here: whether the emulator knows the path is seen by asking.
    pub(crate) async fn reached_by(&self) -> Result<FunctionUrls> {
        let path = self.function_url("ApprovalCallbackUrl", FunctionUrls::ByPath)?;
        Ok(if healthy(&format!("{path}/healthz")).await {
            FunctionUrls::ByPath
        } else {
            FunctionUrls::ByName
        })
    }

    fn function_url(&self, output: &str, by: FunctionUrls) -> Result<String> {
        let url = self.output(output)?;
        let (_, name) = url
            .split_once("://")
            .with_context(|| format!("the output {output} is no address: {url}"))?;
        Ok(match by {
            FunctionUrls::ByPath => {
                let id = name.split('.').next().unwrap_or_default();
                format!("{}/_aws/lambda-url/{id}", self.aws_url)
            }
            FunctionUrls::ByName => url.trim_end_matches('/').to_owned(),
        })
    }

    pub(crate) fn output(&self, name: &str) -> Result<&str> {
        let value = self.deployment.outputs.get(name);
        value
            .map(String::as_str)
            .with_context(|| format!("template.yaml has no output {name}"))
    }
}

fn file(paths: &Paths) -> PathBuf {
    paths.stack().join("state.json")
}
