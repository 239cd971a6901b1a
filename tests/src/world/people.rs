//! People, who click on Slack's buttons.

use std::sync::Mutex;

use approval_callback::reply::Reply;
use approval_callback::slack::Trust;
use async_trait::async_trait;
use domain::ports::{Clock, Trail};
use domain::proposal::{ProposalFact, UndoDecided, UndoRequested};
use domain::trail::{Actor, StreamId};
use domain::value::{Digest, ProposalId};
use lambda_http::http::{Method, StatusCode};
use lambda_http::{Body, Request, RequestExt};
use testkit::{Cut, Cutter, FixedCredential, sample, slack};

use super::World;

/// What Slack signs with.
const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";

/// What became of a click.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The response's status.
    pub status: StatusCode,
    /// What the person was told.
    pub told: Vec<String>,
}

impl Answer {
    /// The only thing the person was told.
    pub fn text(&self) -> &str {
        assert_eq!((self.status, self.told.len()), (StatusCode::OK, 1), "{self:?}");
        &self.told[0]
    }
}

struct Ears<'a>(Mutex<Vec<String>>, &'a Cutter);

#[async_trait]
impl Reply for Ears<'_> {
    async fn tell(&self, _: &str, text: &str) {
        self.1.point("before", "Reply::tell").await;
        self.0.lock().unwrap().push(text.to_owned());
        self.1.point("after", "Reply::tell").await;
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
        let shown = self.shown(proposal).await;
        self.click(who, "reject", proposal, shown, &Cutter::never()).await
    }

    /// An operator asks to take an effect back, and another agrees. Returns the request's digest.
    pub async fn undo(&self, proposal: &ProposalId, asks: &str, agrees: &str) -> Digest {
        let reason = "of the test".to_owned();
        let asked = self
            .says(
                proposal,
                asks,
                &ProposalFact::UndoRequested(UndoRequested { reason }),
            )
            .await;
        let agreed = UndoDecided {
            requested: asked,
            reason: None,
        };
        self.says(proposal, agrees, &ProposalFact::UndoApproved(agreed))
            .await;
        asked
    }

    async fn says(&self, proposal: &ProposalId, who: &str, fact: &ProposalFact) -> Digest {
        let actor = Actor::Operator {
            id: who.parse().unwrap(),
            name: who.to_owned(),
            channel: "test".to_owned(),
        };
        let entry = self.proposal(proposal).await.entry(self.clock.now(), actor, fact);
        self.trail.append(entry.unwrap()).await.unwrap().digest
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
        let user = match who {
            "alice" => sample::ALICE,
            "bob" => sample::BOB,
            "deploy-bot" => sample::BOT,
            "carol" => sample::FORMER,
            other => other,
        };
        let value = format!("{proposal}.{scored}");
        let url = "https://hooks.slack.com/actions/T1/1/1";
        let mut payload = slack::payload(user, button, &value, url);
        payload["team"]["id"] = sample::SLACK_TEAM.into();
        payload["user"]["team_id"] = sample::SLACK_TEAM.into();
        let now = u64::try_from(self.clock.now().as_seconds()).unwrap();
        self.request(slack::sign(&payload, SECRET, now), cutter).await
    }

    /// A signed request, as it comes through the function URL.
    pub async fn request(&self, signed: slack::Signed, cutter: &Cutter) -> Answer {
        let request: Request = lambda_http::http::Request::builder()
            .method(Method::POST)
            .uri("https://callback.example/slack/interactions")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-slack-request-timestamp", signed.timestamp)
            .header("x-slack-signature", signed.signature)
            .body(Body::Text(signed.body))
            .unwrap();
        let request = request.with_raw_http_path("/slack/interactions");
        let ears = Ears(Mutex::default(), cutter);
        let deps = approval_callback::Deps {
            trail: &Cut::new(&self.trail, cutter),
            policies: &self.policies,
            deployment: &self.deployment,
            operators: &Cut::new(&self.operators, cutter),
            slack: &Trust {
                secret: &FixedCredential::new(SECRET),
                app: slack::APP.to_owned(),
                teams: vec![sample::SLACK_TEAM.to_owned()],
            },
            reply: &ears,
            clock: &Cut::new(&self.clock, cutter),
        };
        let response = approval_callback::handle(&deps, request).await;
        Answer {
            status: response.status(),
            told: ears.0.into_inner().unwrap(),
        }
    }
}
