//! How the demo sees what happens: the sandbox's events, the trail, the callback's answers.

use std::time::Duration;

use anyhow::{Context as _, Result};
use domain::proposal::{Kind, ProposalFact};
use domain::telling::story;
use domain::trail::{Fact as _, Record};
use domain::value::visible;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::emulator::http;
use crate::paths::Paths;
use crate::progress::Step;
use crate::slack::{ADA, Click};
use crate::stack::Stack;
use crate::{aws, sandbox};

/// The stack, looked at from outside.
pub(super) struct Demo<'a> {
    pub(super) paths: &'a Paths,
    pub(super) stack: &'a Stack,
    pub(super) sandbox: String,
}

/// A record that was waited for, and its stream.
#[derive(Deserialize)]
pub(super) struct Found {
    pub(super) record: Record,
    pub(super) stream: Vec<Record>,
}

/// An event that the sandbox made.
#[derive(Deserialize)]
pub(super) struct Event {
    pub(super) event_id: String,
    pub(super) detail_type: String,
    pub(super) detail: Value,
    pub(super) sent_at: Option<String>,
}

impl Found {
    /// What the record that was waited for says.
    pub(super) fn fact(&self) -> Result<ProposalFact> {
        Ok(ProposalFact::read(&self.record)?)
    }

    /// The first record of a kind.
    pub(super) fn first(&self, kind: Kind) -> Option<&Record> {
        self.stream.iter().find(|record| record.kind == kind.name())
    }
}

/// Prints a record as the operators' command tells it.
pub(super) fn tell(record: &Record) {
    for line in story::in_full(record) {
        println!("{}", line.render(visible, |at| at.to_string()));
    }
}

impl Demo<'_> {
    pub(super) async fn events(&self) -> Result<Vec<Event>> {
        #[derive(Deserialize)]
        struct Events {
            events: Vec<Event>,
        }
        Ok(sandbox::get::<Events>(&self.sandbox, "events").await?.events)
    }

    /// What the callback answers to a click on Approve.
    pub(super) async fn click(&self, value: &str, secret: &str) -> Result<(u16, String)> {
        let response_url = format!("{}/sandbox/v1/slack/response/demo", self.sandbox);
        let click = Click {
            user: ADA,
            action: "approve",
            value,
            response_url: &response_url,
        };
        let signed = click.sign(secret, jiff::Timestamp::now().as_second())?;
        let answer = http()?
            .post(format!("{}/slack/interactions", self.stack.state.callback_url()?))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("X-Slack-Request-Timestamp", signed.timestamp)
            .header("X-Slack-Signature", signed.signature)
            .body(signed.body)
            .send()
            .await
            .context("posting the click to the callback")?;
        let status = answer.status().as_u16();
        Ok((status, answer.text().await.unwrap_or_default()))
    }

    /// What Slack was given to show to the clicker, after the first `known` answers.
    pub(super) async fn told(&self, known: usize) -> Result<String> {
        let answers = self.answers().await?;
        let answer = answers
            .get(known)
            .context("nobody told the clicker what came of the click")?;
        Ok(answer["body"]["text"].as_str().unwrap_or_default().to_owned())
    }

    pub(super) async fn answers(&self) -> Result<Vec<Value>> {
        #[derive(Deserialize)]
        struct Answers {
            responses: Vec<Value>,
        }
        Ok(sandbox::get::<Answers>(&self.sandbox, "slack/responses")
            .await?
            .responses)
    }

    /// Waits for a record of the trail.
    pub(super) async fn wait(
        &self,
        prefix: &str,
        kinds: &[Kind],
        holding: &str,
        limit_s: u32,
    ) -> Result<Found> {
        let label = match holding {
            "" => format!("waiting for {}", kinds[0]),
            event => format!("waiting for {} of event {event}", kinds[0]),
        };
        let mut step = Step::begin(label);
        let request = json!({
            "table": self.stack.state.output("TrailTableName")?,
            "prefix": prefix, "kinds": kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>(), "text": holding, "seconds": limit_s,
        });
        let call = aws::call::<Found>(self.paths, &self.stack.state, "wait", &request);
        tokio::pin!(call);
        let found = loop {
            tokio::select! {
                found = &mut call => break found,
                () = tokio::time::sleep(Duration::from_secs(1)) => step.heartbeat(|| Some("not yet".to_owned())),
            }
        };
        match found {
            Ok(found) => {
                step.done_with(&found.record.kind);
                Ok(found)
            }
            Err(error) => {
                step.failed();
                Err(error.context("see target/stack/logs/emulator.log for what the functions logged"))
            }
        }
    }
}
