//! Every command against a function URL that answers as the agent's does.

mod decisions;
mod lists;
mod mishaps;

use std::io::Cursor;

use adapters::SdkConfig;
use aws_config::Region;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use clap::Parser as _;
use domain::telling::{Answered, Detail, Line, Listed, Listing};
use domain::trail::Control;
use serde::Serialize;
use serde_json::{Value, json};
use testkit::story::{Story, second};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::api::Api;
use super::*;

/// The secret half of the credentials that requests are signed with here.
pub(super) const SECRET: &str = "a secret of the test";

/// An SDK configuration that finds every service at one address.
pub(super) async fn aws(endpoint: &str) -> SdkConfig {
    let token = Some("a session".to_owned());
    let credentials = Credentials::new("AKIDTEST", SECRET, token, None, "test");
    adapters::aws::loader(&adapters::aws::Bounds::default())
        .endpoint_url(endpoint)
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .load()
        .await
}

/// A proposal as it stood at a second of its story.
pub(super) fn detail(story: &Story, at: u64) -> Detail {
    let control = Control::default();
    Detail::of(story.proposal(), story.records(), &[], &control, second(at))
}

pub(super) fn listed(story: &Story, at: u64) -> Listed {
    Listed::of(story.proposal(), &Control::default(), second(at))
}

pub(super) fn listing(proposals: Vec<Listed>) -> Listing {
    Listing {
        proposals,
        more: false,
    }
}

/// What a command printed, and its exit code.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) code: u8,
    /// Standard output.
    pub(super) out: String,
    /// What `main` prints to standard error.
    pub(super) err: String,
}

impl Said {
    pub(super) fn of(outcome: &anyhow::Result<bool>, out: Vec<u8>) -> Self {
        Self {
            code: match outcome {
                Ok(true) => 0,
                Ok(false) => 1,
                Err(err) => crate::end::code(err),
            },
            out: String::from_utf8(out).unwrap(),
            err: match outcome {
                Ok(_) => String::new(),
                Err(err) => crate::print::visible(&format!("{err:#}")),
            },
        }
    }
}

/// A function URL.
pub(super) struct World {
    pub(super) server: MockServer,
    pub(super) api: Api,
}

impl World {
    pub(super) async fn new() -> Self {
        let server = MockServer::start().await;
        let api = Api::at(&format!("{}/", server.uri()), &aws(&server.uri()).await).unwrap();
        Self { server, api }
    }

    /// Answers like this from now on.
    pub(super) async fn answers(&self, verb: &str, at: &str, status: u16, body: impl Serialize) {
        let answer = ResponseTemplate::new(status).set_body_json(body);
        let mock = Mock::given(method(verb)).and(path(at)).respond_with(answer);
        mock.mount(&self.server).await;
    }

    /// Shows a proposal, whole id or not.
    pub(super) async fn shows(&self, detail: &Detail) {
        let id = detail.listed.proposal.to_string();
        for which in [&id, &id[..8]] {
            self.answers("GET", &format!("/v1/proposals/{which}"), 200, detail)
                .await;
        }
    }

    /// Answers to requests about a proposal.
    pub(super) async fn takes(&self, detail: &Detail, status: u16, body: impl Serialize) {
        self.answers("POST", &requests_of(detail), status, body).await;
    }

    /// The bodies of the requests that were sent.
    pub(super) async fn asked(&self) -> Vec<Value> {
        let received = self.server.received_requests().await.unwrap();
        let posted = received.iter().filter(|one| one.method.as_str() == "POST");
        posted.map(|one| one.body_json().unwrap()).collect()
    }

    /// Runs a command where nobody is at the terminal.
    pub(super) async fn run(&self, line: &[&str]) -> Said {
        self.carry_out(line, Consent::NobodyThere).await
    }

    /// Runs a command where somebody types this.
    pub(super) async fn typing(&self, typed: &str, line: &[&str]) -> Said {
        self.carry_out(line, Consent::Asked(&mut Cursor::new(typed)))
            .await
    }

    async fn carry_out(&self, line: &[&str], consent: Consent<'_>) -> Said {
        let line = ["sre-agent"].iter().chain(line);
        let arguments = crate::Arguments::try_parse_from(line).unwrap();
        let crate::Command::Proposals(command) = arguments.command else {
            panic!("{:?} is not about proposals", arguments.command);
        };
        let mut out = Vec::new();
        let outcome = carry_out(&self.api, &command, consent, &mut Terminal::buffer(&mut out)).await;
        Said::of(&outcome, out)
    }
}

pub(super) fn requests_of(detail: &Detail) -> String {
    format!("/v1/proposals/{}/requests", detail.listed.proposal)
}

/// What the function answers where it recorded a request, or did not.
pub(super) fn answered(recorded: bool, told: &'static str) -> Answered {
    Answered {
        recorded,
        told: Line::of(told),
    }
}

/// What it answers where it has only a sentence.
pub(super) fn sentence(text: &str) -> Value {
    json!({ "error": text })
}
