//! The function with fakes around it, and requests to it.

use std::sync::Mutex;

use ::slack::form::Modal;
use approval_callback::reply::Reply;
use approval_callback::slack::{Slack, Trust};
use approval_callback::{self as callback, Deps, answer_event};
use async_trait::async_trait;
use domain::telling::Line;
use domain::trail::Record;
use domain::value::Deployment;
use runtime::link::LinkKey;
use serde_json::{Value, json};
use testkit::slack::{self, Signed};
use testkit::story::{Story, breaks, second};
use testkit::{FixedCredential, FixedOperators, FixedPolicies, FrozenClock, MemoryTrail, MemoryView, sample};

/// The signing secret.
pub(crate) const SECRET: &str = "sign-with-this";

/// Where the person who clicked is told.
pub(crate) const RESPONSE_URL: &str = "https://hooks.slack.com/actions/T1/2/3";

/// Remembers what people were told, and where, and the forms that were opened for them.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    told: Mutex<Vec<(String, String)>>,
    opened: Mutex<Vec<(String, Value)>>,
    /// Why no form opens.
    pub(crate) closed: Option<&'static str>,
}

impl Heard {
    /// How much was said and opened since the last time.
    pub(crate) fn taken(&self) -> usize {
        let told = std::mem::take(&mut *self.told.lock().unwrap());
        let opened = std::mem::take(&mut *self.opened.lock().unwrap());
        told.len() + opened.len()
    }
}

#[async_trait]
impl Reply for Heard {
    async fn tell(&self, response_url: &str, told: &Line) {
        let told = (response_url.to_owned(), shown(told));
        self.told.lock().unwrap().push(told);
    }

    async fn open(&self, trigger_id: &str, modal: &Modal) -> Result<(), String> {
        if let Some(problem) = self.closed {
            return Err(problem.to_owned());
        }
        let opened = (trigger_id.to_owned(), modal.json());
        self.opened.lock().unwrap().push(opened);
        Ok(())
    }
}

/// A line as a test reads it.
pub(crate) fn shown(line: &Line) -> String {
    line.render(str::to_owned, |at| at.to_string()[11..16].to_owned())
}

/// The function, with one proposal that waits for one person, half a minute after it was scored.
pub(crate) struct Door {
    pub(crate) trail: MemoryTrail,
    pub(crate) operators: FixedOperators,
    pub(crate) policies: FixedPolicies,
    pub(crate) secret: FixedCredential,
    pub(crate) clock: FrozenClock,
    pub(crate) app: String,
    pub(crate) teams: Vec<String>,
    pub(crate) story: Story,
    pub(crate) view: MemoryView,
    pub(crate) links: LinkKey,
    pub(crate) deployment: Deployment,
    pub(crate) heard: Heard,
    /// Who is taken to call where nobody says who it is: on an emulator.
    pub(crate) emulated_caller: Option<&'static str>,
}

impl Door {
    pub(crate) fn new() -> Self {
        Self::with(Story::awaiting(breaks()))
    }

    /// The function with a proposal in another state.
    pub(crate) fn with(story: Story) -> Self {
        let trail = MemoryTrail::new();
        story.write_to(&trail);
        Self {
            trail,
            operators: FixedOperators::default(),
            policies: FixedPolicies::default(),
            secret: FixedCredential::new(SECRET),
            clock: FrozenClock::at(second(50)),
            app: slack::APP.to_owned(),
            teams: vec![sample::SLACK_TEAM.to_owned()],
            story,
            view: MemoryView::default(),
            links: LinkKey::new("the key of the links".to_owned()).unwrap(),
            deployment: Deployment::default(),
            heard: Heard::default(),
            emulated_caller: None,
        }
    }

    /// The value of the buttons in the message.
    pub(crate) fn value(&self) -> String {
        let shows = |record: &&Record| ["scored", "declined"].contains(&record.kind.as_str());
        let shown = self.story.records().iter().find(shows);
        format!("{}.{}", self.story.proposal().id(), shown.unwrap().digest)
    }

    /// What Slack sends when `user` clicks.
    pub(crate) fn payload(&self, user: &str, action: &str) -> Value {
        let mut payload = slack::payload(user, action, &self.value(), RESPONSE_URL);
        payload["team"]["id"] = json!(sample::SLACK_TEAM);
        payload["user"]["team_id"] = json!(sample::SLACK_TEAM);
        payload
    }

    /// Signed now.
    pub(crate) fn signed(&self, payload: &Value) -> Signed {
        self.signed_at(payload, 50)
    }

    /// Signed at another second of the story.
    pub(crate) fn signed_at(&self, payload: &Value, seconds: i64) -> Signed {
        let at = second(0).as_seconds() + seconds;
        slack::sign(payload, SECRET, u64::try_from(at).unwrap())
    }

    /// `user` clicks, and Slack sends it.
    pub(crate) async fn click(&self, user: &str, action: &str) -> Answer {
        self.send(&interaction(&self.signed(&self.payload(user, action))))
            .await
    }

    /// A request to the public function, as Lambda delivers it.
    pub(crate) async fn send(&self, event: &Value) -> Answer {
        self.send_with(&self.heard, event).await
    }

    /// The same, where people are told in another way.
    pub(crate) async fn send_with(&self, reply: &dyn Reply, event: &Value) -> Answer {
        let trust = Trust {
            secret: &self.secret,
            app: self.app.clone(),
            teams: self.teams.clone(),
        };
        let public = callback::Door::Public {
            slack: Slack { trust: &trust, reply },
            links: &self.links,
        };
        self.through(public, event).await
    }

    /// A request to the function behind IAM.
    pub(crate) async fn command(&self, event: &Value) -> Answer {
        self.through(
            callback::Door::Commands {
                view: &self.view,
                emulated_caller: self.emulated_caller,
            },
            event,
        )
        .await
    }

    async fn through(&self, door: callback::Door<'_>, event: &Value) -> Answer {
        let deps = Deps {
            trail: &self.trail,
            policies: &self.policies,
            deployment: &self.deployment,
            operators: &self.operators,
            clock: &self.clock,
            door,
        };
        Answer::of(&answer_event(&deps, event).await)
    }

    /// What the proposal's records say happened since it was scored.
    pub(crate) fn since(&self) -> Vec<String> {
        let stream = &self.story.last().stream;
        self.trail.kinds(stream).split_off(self.story.records().len())
    }

    /// What people were told.
    pub(crate) fn told(&self) -> Vec<String> {
        let heard = self.heard.told.lock().unwrap();
        heard.iter().map(|(_, text)| text.clone()).collect()
    }

    /// The forms that were opened, with what opened them.
    pub(crate) fn opened(&self) -> Vec<(String, Value)> {
        self.heard.opened.lock().unwrap().clone()
    }

    /// Where people were told.
    pub(crate) fn told_at(&self) -> Vec<String> {
        let heard = self.heard.told.lock().unwrap();
        heard.iter().map(|(url, _)| url.clone()).collect()
    }
}

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    /// An answer as Lambda takes it: <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html>.
    fn of(event: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let headers = event["headers"].as_object().unwrap().iter();
        let headers = headers.filter(|(name, _)| *name != "content-type");
        assert_eq!(event["isBase64Encoded"], false);
        Self {
            status: u16::try_from(event["statusCode"].as_u64().unwrap()).unwrap(),
            headers: headers.map(|(name, value)| (name.clone(), text(value))).collect(),
            body: text(&event["body"]),
        }
    }

    /// The body, as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A request to a path, without body.
pub(crate) fn request(method: &str, path: &str) -> Value {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
        "headers": {"host": "x.lambda-url.eu-central-1.on.aws"},
        "requestContext": {"accountId": "anonymous", "apiId": "x", "domainName": "x", "domainPrefix": "x",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7",
                     "userAgent": "test"},
            "requestId": "r", "routeKey": "$default", "stage": "$default", "time": "22/Nov/2026:10:00:00 +0000",
            "timeEpoch": 1_795_341_600_000_u64},
        "isBase64Encoded": false,
    })
}

/// A request of a person, whom IAM knows by an ARN.
pub(crate) fn command(arn: &str, method: &str, path: &str, body: &Value) -> Value {
    let mut event = request(method, path);
    event["requestContext"]["authorizer"] = json!({"iam": {"userArn": arn}});
    event["headers"]["content-type"] = json!("application/json");
    event["body"] = json!(body.to_string());
    event
}

/// An interaction as Slack sends it.
pub(crate) fn interaction(signed: &Signed) -> Value {
    let mut event = request("POST", "/slack/interactions");
    event["headers"]["content-type"] = json!("application/x-www-form-urlencoded");
    event["headers"]["x-slack-request-timestamp"] = json!(signed.timestamp);
    event["headers"]["x-slack-signature"] = json!(signed.signature);
    event["body"] = json!(signed.body);
    event
}
