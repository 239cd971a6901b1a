//! Amazon Bedrock's Converse.
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>
//!
//! The SDK finds the endpoint and the credentials and signs. The bodies are ours: the request's is put in before it is
//! signed, and the reply's is read as it came. So both are in the transcript byte for byte, and what the SDK's types do
//! not know yet is given back to the model unchanged.
//!
//! Thinking and caching are asked of Anthropic's models alone, by their id or that of an inference profile; others
//! refuse what they do not know. `strict` is
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolSpecification.html>.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_bedrockruntime::config::interceptors::FinalizerInterceptorContextRef;
use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use aws_sdk_bedrockruntime::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_bedrockruntime::error::{BoxError, DisplayErrorContext, SdkError};
use aws_sdk_bedrockruntime::{Client, config};
use domain::ports::Clock;
use domain::value::Timestamp;
use outbound::brief;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::http::BOUNDS;
use super::retry::{Bounds, Outcome, Problem, Request, Transport, persist};
use super::transcript::Transcript;
use super::{Answer, Conversation, Model, NoAnswer, Stop, ToolCall, ToolResult, Turn, Usage};

/// Where replies carry AWS's id of the request.
const REQUEST_ID: &str = "x-amzn-requestid";

/// A model behind Converse.
#[derive(Clone)]
pub struct Bedrock {
    client: Client,
    model: String,
    clock: Arc<dyn Clock>,
    attempt: Duration,
}

impl Bedrock {
    /// A model by its id, or by that or the ARN of an inference profile. Nothing is sent yet.
    pub fn new(aws: &SdkConfig, model: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        // Retries are ours: the SDK's would be in no transcript.
        let config = config::Builder::from(aws)
            .retry_config(RetryConfig::disabled())
            .build();
        Self {
            client: Client::from_conf(config),
            model: model.into(),
            clock,
            attempt: Duration::from_millis(BOUNDS.request_ms),
        }
    }

    /// The same, with another bound for one attempt than [`BOUNDS`] has.
    pub fn with_attempt_ms(self, ms: u64) -> Self {
        Self {
            attempt: Duration::from_millis(ms),
            ..self
        }
    }
}

impl fmt::Debug for Bedrock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bedrock({})", self.model)
    }
}

#[async_trait]
impl Model for Bedrock {
    fn name(&self) -> &str {
        &self.model
    }

    async fn answer(
        &self,
        conversation: &Conversation,
        deadline: Timestamp,
        transcript: &mut Transcript,
    ) -> Result<Answer, NoAnswer> {
        let request = Request {
            model: &self.model,
            path: &format!("/model/{}/converse", self.model),
            body: body(&self.model, conversation),
            attempts: conversation.attempts,
        };
        let bounds = Bounds {
            clock: &*self.clock,
            deadline,
            attempt: self.attempt,
        };
        let mut call = Call(&self.client);
        let reply = persist(&mut call, &request, bounds, transcript).await?;
        read(&reply)
    }
}

/// One request on its way.
struct Call<'a>(&'a Client);

#[async_trait]
impl Transport for Call<'_> {
    async fn send(&mut self, request: &Request<'_>, limit: Duration) -> Result<Outcome, NoAnswer> {
        let seen = Seen::default();
        let body = request.body.clone();
        let send = self
            .0
            .converse()
            .model_id(request.model)
            .customize()
            .interceptor(seen.clone())
            .mutate_request(move |http| {
                http.headers_mut()
                    .insert("content-length", body.len().to_string());
                *http.body_mut() = body.clone().into();
            })
            .send();
        let problem = match tokio::time::timeout(limit, send).await {
            Err(_) => Some(Problem::Slow),
            Ok(Ok(_)) => None,
            Ok(Err(err)) => {
                let why = brief(&DisplayErrorContext(&err).to_string());
                let is_unsent = matches!(err, SdkError::ConstructionFailure(_));
                Some(if is_unsent {
                    Problem::Unsent(why)
                } else {
                    Problem::Broken(why)
                })
            }
        };
        let mut outcome = seen.take();
        // With a whole reply, what the SDK makes of it does not matter.
        if outcome.status.is_none() || outcome.problem.is_some() {
            outcome.problem = problem.or(outcome.problem);
        }
        Ok(outcome)
    }

    /// The SDK renews credentials before they end.
    async fn renew(&mut self) -> bool {
        false
    }

    fn key(&self) -> String {
        "the function's role".to_owned()
    }
}

/// The reply of one attempt, as it came.
#[derive(Debug, Clone, Default)]
struct Seen(Arc<Mutex<Reply>>);

#[derive(Debug, Default)]
struct Reply {
    status: Option<u16>,
    headers: HeaderMap,
    /// `None` where it did not come whole.
    body: Option<Vec<u8>>,
}

impl Seen {
    fn take(&self) -> Outcome {
        let reply = std::mem::take(&mut *self.lock());
        let request_id = reply
            .headers
            .get(REQUEST_ID)
            .and_then(|id| Some(brief(id.to_str().ok()?)));
        let problem = match &reply.body {
            None => Some(Problem::Broken("no whole reply".to_owned())),
            Some(body) if body.len() > BOUNDS.reply_bytes => Some(Problem::TooLong),
            Some(_) => None,
        };
        let mut body = reply.body.unwrap_or_default();
        body.truncate(BOUNDS.reply_bytes);
        Outcome {
            status: reply.status,
            headers: reply.headers,
            request_id,
            body,
            problem,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Reply> {
        // Nothing panics while it holds the lock, so that the lock is never poisoned.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Intercept for Seen {
    fn name(&self) -> &'static str {
        "Seen"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(response) = context.response() {
            let mut reply = self.lock();
            reply.status = Some(response.status().as_u16());
            for (name, value) in response.headers() {
                if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
                    reply.headers.insert(name, value);
                }
            }
            // In memory once it was read to its end, and only then.
            reply.body = response.body().bytes().map(<[u8]>::to_vec);
        }
        Ok(())
    }
}

/// The body of the request for a conversation's next answer.
pub fn body(model: &str, conversation: &Conversation) -> String {
    let is_anthropic = model.contains("anthropic.");
    // https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
    let cached = is_anthropic.then(|| json!({ "cachePoint": { "type": "default" } }));
    let tools = conversation.tools.iter().map(|tool| {
        json!({
            "toolSpec": {
                "name": tool.name,
                "description": tool.description,
                "inputSchema": { "json": tool.schema },
                "strict": true,
            },
        })
    });
    let tools: Vec<Value> = tools.chain(cached.clone()).collect();
    let system: Vec<Value> = std::iter::once(json!({ "text": conversation.system }))
        .chain(cached)
        .collect();
    let messages: Vec<Value> = conversation.turns.iter().map(message).collect();
    let mut body = json!({
        "system": system,
        "messages": messages,
        "inferenceConfig": { "maxTokens": conversation.max_output_tokens },
    });
    if !conversation.tools.is_empty() {
        body["toolConfig"] = json!({ "tools": tools, "toolChoice": { "auto": {} } });
    }
    if is_anthropic {
        // https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-adaptive-thinking.html
        body["additionalModelRequestFields"] = json!({ "thinking": { "type": "adaptive" } });
    }
    body.to_string()
}

fn message(turn: &Turn) -> Value {
    match turn {
        Turn::User(text) => json!({ "role": "user", "content": [{ "text": text }] }),
        Turn::Assistant(raw) => raw.clone(),
        Turn::Results(results) => {
            let blocks: Vec<Value> = results.iter().map(result).collect();
            json!({ "role": "user", "content": blocks })
        }
    }
}

fn result(result: &ToolResult) -> Value {
    json!({
        "toolResult": {
            "toolUseId": result.call,
            "content": [{ "text": result.text }],
            "status": if result.is_error { "error" } else { "success" },
        },
    })
}

fn read(reply: &[u8]) -> Result<Answer, NoAnswer> {
    let reply: Value = serde_json::from_slice(reply)
        .map_err(|err| NoAnswer::Unavailable(format!("its reply is no JSON: {err}")))?;
    let bad = |what: &str| NoAnswer::Unavailable(format!("its reply is no message: {what}"));
    let message = &reply["output"]["message"];
    let blocks = message["content"].as_array().ok_or_else(|| bad("no content"))?;
    let stop = reply["stopReason"].as_str().ok_or_else(|| bad("no stopReason"))?;
    let mut text = String::new();
    let mut calls = Vec::new();
    for block in blocks {
        if let Some(words) = block["text"].as_str() {
            text.push_str(words);
        }
        if let Some(call) = block.get("toolUse") {
            let field = |name: &str| call[name].as_str().map(str::to_owned);
            let (Some(id), Some(name)) = (field("toolUseId"), field("name")) else {
                return Err(bad("a toolUse without id or name"));
            };
            let input = call.get("input").cloned().ok_or("it has no input".to_owned());
            calls.push(ToolCall { id, name, input });
        }
    }
    let stop = match stop {
        "tool_use" => Stop::ToolUse,
        "end_turn" | "stop_sequence" => Stop::EndTurn,
        "max_tokens" => Stop::MaxTokens,
        "content_filtered" | "guardrail_intervened" | "refusal" => Stop::Refusal,
        "pause_turn" => Stop::PauseTurn,
        "model_context_window_exceeded" => Stop::ContextExceeded,
        other => Stop::Other(brief(other)),
    };
    let tokens = |name: &str| reply["usage"][name].as_u64().unwrap_or(0);
    Ok(Answer {
        raw: message.clone(),
        text,
        calls,
        stop,
        usage: Usage {
            input: tokens("inputTokens"),
            cache_read: tokens("cacheReadInputTokens"),
            cache_write: tokens("cacheWriteInputTokens"),
            output: tokens("outputTokens"),
        },
    })
}
