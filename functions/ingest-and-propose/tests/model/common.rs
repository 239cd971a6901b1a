//! A server that follows a script, a conversation, and what came of asking.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::ports::Clock;
use ingest_and_propose::model::anthropic::Anthropic;
use ingest_and_propose::model::http::Endpoint;
use ingest_and_propose::model::openai::OpenAi;
use ingest_and_propose::model::transcript::Transcript;
use ingest_and_propose::model::{Answer, Conversation, Model, NoAnswer, Tool, ToolResult, Turn};
use outbound::{BaseUrl, Rotating, Token};
use serde_json::{Value, json};
use testkit::FrozenClock;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// The key that every test asks with.
pub(crate) const KEY: &str = "sk-s3cret";

/// The bound of one attempt where nothing is slow but the machine, ms.
pub(crate) const ATTEMPT_MS: u64 = 30_000;

/// The bound of one attempt where no reply comes in time, ms.
pub(crate) const SHORT_ATTEMPT_MS: u64 = 250;

/// Replies in turn; the last one again and again.
struct Script(Mutex<VecDeque<ResponseTemplate>>);

impl Respond for Script {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let mut replies = self.0.lock().unwrap();
        if replies.len() > 1 {
            replies.pop_front().unwrap()
        } else {
            replies[0].clone()
        }
    }
}

/// A server that gives these replies.
pub(crate) async fn serving(replies: Vec<ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(Script(Mutex::new(replies.into())))
        .mount(&server)
        .await;
    server
}

/// A reply with this status and this JSON.
pub(crate) fn reply(status: u16, body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

/// The API at a URL.
pub(crate) fn endpoint(url: &str, clock: &FrozenClock) -> Endpoint {
    let key = Rotating::fixed(Token::new("model", KEY).unwrap());
    endpoint_with(url, clock, key)
}

/// The same, with any key.
pub(crate) fn endpoint_with(url: &str, clock: &FrozenClock, key: Rotating) -> Endpoint {
    let base = BaseUrl::new("MODEL_URL", url).unwrap();
    Endpoint::new(base, key, Arc::new(clock.clone()))
        .unwrap()
        .with_attempt_ms(ATTEMPT_MS)
}

/// What came of asking a model.
pub(crate) struct Asked {
    pub(crate) outcome: Result<Answer, NoAnswer>,
    pub(crate) transcript: Transcript,
    /// By the frozen clock: what was waited between attempts.
    pub(crate) waited_ms: u64,
}

/// Asks for the next answer, with this much time.
pub(crate) async fn ask(
    model: &dyn Model,
    conversation: &Conversation,
    clock: &FrozenClock,
    within: Duration,
) -> Asked {
    let began = clock.now();
    let deadline = began.plus_millis(u64::try_from(within.as_millis()).unwrap());
    let mut transcript = Transcript::default();
    let outcome = model.answer(conversation, deadline, &mut transcript).await;
    let asked = Asked {
        outcome,
        transcript,
        waited_ms: clock.now().millis_since(began),
    };
    asked.keeps_the_key();
    asked
}

/// Asks Anthropic's API at a URL the first question, with a minute.
pub(crate) async fn ask_anthropic(url: &str) -> Asked {
    let clock = FrozenClock::default();
    let model = Anthropic::new(endpoint(url, &clock), "claude-sonnet-4-6");
    ask(&model, &first(), &clock, Duration::from_secs(60)).await
}

/// The same, with little time for one attempt.
pub(crate) async fn ask_anthropic_hastily(url: &str) -> Asked {
    let clock = FrozenClock::default();
    let endpoint = endpoint(url, &clock).with_attempt_ms(SHORT_ATTEMPT_MS);
    let model = Anthropic::new(endpoint, "claude-sonnet-4-6");
    ask(&model, &first(), &clock, Duration::from_secs(60)).await
}

/// Asks a gateway for a chat completion.
pub(crate) async fn ask_openai(url: &str) -> Asked {
    let clock = FrozenClock::default();
    let model = OpenAi::new(endpoint(url, &clock), "gpt-5");
    ask(&model, &first(), &clock, Duration::from_secs(60)).await
}

impl Asked {
    /// Whatever happens, the key is in nothing that is kept or shown.
    fn keeps_the_key(&self) {
        let kept = format!(
            "{} {:?}",
            self.transcript.text(&serde_json::Map::new()),
            self.outcome
        );
        assert!(!kept.contains(KEY), "{kept}");
    }

    /// The outcome and the attempts, in words.
    pub(crate) fn told(&self) -> String {
        let mut told = match &self.outcome {
            Ok(answer) => format!("{:?} {:?}", answer.stop, answer.text),
            Err(NoAnswer::Unavailable(why)) => format!("unavailable: {why}"),
            Err(NoAnswer::ContextExceeded(why)) => format!("context exceeded: {why}"),
            Err(NoAnswer::Rejected(why)) => format!("rejected: {why}"),
            Err(NoAnswer::Missing(why)) => format!("missing: {why}"),
            Err(NoAnswer::TooLate(why)) => format!("too late: {why}"),
        };
        told.push('\n');
        for attempt in self.transcript.attempts() {
            let status = attempt.status.map_or("-".to_owned(), |status| status.to_string());
            let problem = attempt.problem.as_deref().unwrap_or_default();
            writeln!(told, "  {} {status} {problem}", attempt.attempt).unwrap();
        }
        told.lines()
            .map(|line| line.trim_end().to_owned() + "\n")
            .collect()
    }
}

/// A conversation with its first question.
pub(crate) fn first() -> Conversation {
    let object = |properties: Value, required: Value| json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false });
    Conversation {
        system: "You remedy incidents of a gateway.".to_owned(),
        tools: vec![
            Tool {
                name: "provider_health".to_owned(),
                description: "How a provider does.".to_owned(),
                schema: object(
                    json!({ "provider": { "type": "string", "description": "Its id." } }),
                    json!(["provider"]),
                ),
            },
            Tool {
                name: "page_oncall".to_owned(),
                description: "Pages a person.".to_owned(),
                schema: object(
                    json!({
                        "severity": { "type": "string", "enum": ["critical", "warning"] },
                        "summary": { "type": ["string", "null"] },
                    }),
                    json!(["severity", "summary"]),
                ),
            },
        ],
        turns: vec![Turn::User("provider.unhealthy: openai".to_owned())],
        max_output_tokens: 4096,
        attempts: 3,
    }
}

/// The same after one answer, whose two calls came to something.
pub(crate) fn second(answer: &Answer) -> Conversation {
    let results = answer
        .calls
        .iter()
        .zip([("error_rate 0.9", false), ("there is no provider x", true)])
        .map(|(call, (text, is_error))| ToolResult {
            call: call.id.clone(),
            name: call.name.clone(),
            text: text.to_owned(),
            is_error,
        })
        .collect();
    let mut conversation = first();
    conversation.turns.push(Turn::Assistant(answer.raw.clone()));
    conversation.turns.push(Turn::Results(results));
    conversation
}

/// A JSON text for people, with its keys in one order.
pub(crate) fn pretty(text: &str) -> String {
    let value: Value = serde_json::from_str(text).unwrap();
    format!("{value:#}\n")
}
