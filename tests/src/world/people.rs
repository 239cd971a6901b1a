//! People, who click on Slack's buttons.

use std::sync::Mutex;

use ::slack::button::{Does, Shown};
use ::slack::form::{Modal, REASON};
use approval_callback::reply::Reply;
use approval_callback::slack::{Slack, Trust};
use approval_callback::{Deps, Door, handle};
use async_trait::async_trait;
use domain::ports::Clock;
use domain::telling::Line;
use domain::trail::{Author, StreamId};
use domain::value::{Digest, ProposalId};
use runtime::http::{HttpRequest, HttpResponse};
use runtime::link::LinkKey;
use serde_json::Value;
use testkit::keys::Writes;
use testkit::{Cut, Cutter, FixedCredential, sample, slack};

use super::World;
use super::deliver::{LINK_KEY, PAGES};

/// What Slack signs with.
const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";

/// What became of a click.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The response's status.
    pub status: u16,
    /// What the person was told.
    pub told: Vec<String>,
}

impl Answer {
    /// The only thing the person was told.
    pub fn text(&self) -> &str {
        assert_eq!((self.status, self.told.len()), (200, 1), "{self:?}");
        &self.told[0]
    }
}

struct Ears<'a>(Mutex<Vec<String>>, &'a Cutter);

#[async_trait]
impl Reply for Ears<'_> {
    async fn tell(&self, _: &str, told: &Line) {
        self.1.point("before", "Reply::tell").await;
        self.0
            .lock()
            .unwrap()
            .push(told.render(str::to_owned, |at| at.to_string()));
        self.1.point("after", "Reply::tell").await;
    }

    async fn open(&self, _: &str, _: &Modal) -> Result<(), String> {
        Ok(())
    }
}

impl World {
    /// An operator of the sample directory approves what is shown now.
    pub async fn approve(&self, who: &str, proposal: &ProposalId) -> Answer {
        let shown = self.shown(proposal).await;
        self.click(who, "approve", proposal, shown, &Cutter::never())
            .await
    }

    /// An operator rejects what is shown now.
    pub async fn reject(&self, who: &str, proposal: &ProposalId) -> Answer {
        let reason = [(REASON, "of the test")];
        self.fills_in(who, Does::Reject, proposal, &reason, &Cutter::never())
            .await
    }

    /// An operator asks to take an effect back, and another agrees. Returns the request's digest.
    pub async fn undo(&self, proposal: &ProposalId, asks: &str, agrees: &str) -> Digest {
        let reason = [(REASON, "of the test")];
        self.fills_in(asks, Does::Undo, proposal, &reason, &Cutter::never())
            .await;
        let records = self.trail.seen(&StreamId::Proposal(proposal.clone())).await;
        let asked = records.last().expect("a record");
        assert_eq!(asked.kind, "undo_requested");
        self.click(agrees, "approve", proposal, asked.digest, &Cutter::never())
            .await;
        asked.digest
    }

    /// Somebody fills in the form behind a button of the message that is shown now.
    pub async fn fills_in(
        &self,
        who: &str,
        does: Does,
        proposal: &ProposalId,
        values: &[(&str, &str)],
        cutter: &Cutter,
    ) -> Answer {
        let seen = self.shown(proposal).await;
        self.fills_in_about(who, does, proposal, seen, values, cutter)
            .await
    }

    /// The same, behind a button of a message that showed a certain record.
    pub async fn fills_in_about(
        &self,
        who: &str,
        does: Does,
        proposal: &ProposalId,
        seen: Digest,
        values: &[(&str, &str)],
        cutter: &Cutter,
    ) -> Answer {
        let proposal = proposal.clone();
        let shown = Shown { proposal, seen };
        let payload = slack::submission(user(who), does.name(), &shown.text(), values);
        self.request(self.signed(payload), cutter).await
    }

    /// The digest of the `scored` record that a message would show now.
    pub async fn shown(&self, proposal: &ProposalId) -> Digest {
        let records = self.trail.seen(&StreamId::Proposal(proposal.clone())).await;
        let scored = records.iter().rfind(|record| record.kind == "scored");
        scored.expect("a scored record").digest
    }

    /// Somebody clicks on a button of a message that showed `scored`.
    pub async fn click(
        &self,
        who: &str,
        button: &str,
        proposal: &ProposalId,
        scored: Digest,
        cutter: &Cutter,
    ) -> Answer {
        let value = format!("{proposal}.{scored}");
        let url = "https://hooks.slack.com/actions/T1/1/1";
        let payload = slack::payload(user(who), button, &value, url);
        self.request(self.signed(payload), cutter).await
    }

    /// A signed request, as it comes through the function URL.
    pub async fn request(&self, signed: slack::Signed, cutter: &Cutter) -> Answer {
        let request = HttpRequest::new("POST", "/slack/interactions")
            .with_header("content-type", "application/x-www-form-urlencoded")
            .with_header("x-slack-request-timestamp", &signed.timestamp)
            .with_header("x-slack-signature", &signed.signature)
            .with_body(signed.body);
        let (response, mut told) = self.respond(&request, cutter).await;
        // A form turns into what became of it.
        let body: Value = serde_json::from_str(&response.body).unwrap_or_default();
        let said = body.pointer("/view/blocks/0/text/text").and_then(Value::as_str);
        told.extend(said.map(str::to_owned));
        Answer {
            status: response.status,
            told,
        }
    }

    /// The page behind a link: its status, and the page.
    pub async fn opens(&self, link: &str) -> (u16, String) {
        let path = link.strip_prefix(PAGES).expect("a link to the pages");
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut request = HttpRequest::new("GET", path);
        request.query = query.to_owned();
        let (response, _) = self.respond(&request, &Cutter::never()).await;
        (response.status, response.body)
    }

    async fn respond(&self, request: &HttpRequest, cutter: &Cutter) -> (HttpResponse, Vec<String>) {
        let ears = Ears(Mutex::default(), cutter);
        let secret = FixedCredential::new(SECRET);
        let trust = Trust {
            secret: &secret,
            app: slack::APP.to_owned(),
            teams: vec![sample::SLACK_TEAM.to_owned()],
        };
        let links = LinkKey::new(LINK_KEY.to_owned()).expect("a key");
        let trail = Cut::new(&self.trail, cutter);
        let deps = Deps {
            trail: &Writes::by(Author::Callback, &trail),
            policies: &self.policies,
            deployment: &self.deployment,
            operators: &Cut::new(&self.operators, cutter),
            clock: &Cut::new(&self.clock, cutter),
            door: Door::Public {
                slack: Slack {
                    trust: &trust,
                    reply: &ears,
                },
                links: &links,
            },
        };
        let response = handle(&deps, request).await;
        (response, ears.0.into_inner().unwrap())
    }

    /// A payload of the sample's workspace, signed now.
    fn signed(&self, mut payload: Value) -> slack::Signed {
        payload["team"]["id"] = sample::SLACK_TEAM.into();
        payload["user"]["team_id"] = sample::SLACK_TEAM.into();
        let now = u64::try_from(self.clock.now().as_seconds()).unwrap();
        slack::sign(&payload, SECRET, now)
    }
}

/// The Slack user of an operator of the sample directory.
fn user(who: &str) -> &str {
    match who {
        "alice" => sample::ALICE,
        "bob" => sample::BOB,
        "deploy-bot" => sample::BOT,
        "carol" => sample::FORMER,
        other => other,
    }
}
