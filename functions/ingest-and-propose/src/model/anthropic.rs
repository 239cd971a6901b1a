//! Anthropic's Messages API, or a gateway that speaks it.
//!
//! Nothing sent here needs a beta header on Claude Sonnet 4.6 or later:
//!
//! | what | field | where it says so |
//! | --- | --- | --- |
//! | strict tools | `tools[].strict` | <https://platform.claude.com/docs/en/agents-and-tools/tool-use/strict-tool-use> |
//! | adaptive thinking | `thinking.type: adaptive`; older models refuse it | <https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking> |
//! | caching | `cache_control` | <https://platform.claude.com/docs/en/build-with-claude/prompt-caching> |
//!
//! A request takes 20 strict tools, with 24 optional parameters and 16 of a union type (`anyOf`, `["string", "null"]`)
//! among them all; of an enumerated text, the capitalisation is not assured
//! (<https://platform.claude.com/docs/en/build-with-claude/structured-outputs>).
//!
//! `tool_choice` stays `auto`: with thinking, a forced choice is refused. No `temperature`, `top_p` or `top_k` is sent:
//! newer models refuse them.

use async_trait::async_trait;
use domain::value::Timestamp;
use outbound::brief;
use serde::Serialize;
use serde_json::{Value, json};

use super::http::{Auth, Endpoint};
use super::refusal::error_in;
use super::retry::Request;
use super::transcript::Transcript;
use super::{Answer, Conversation, Model, NoAnswer, Stop, Tool, ToolCall, Turn, Usage};

const PATH: &str = "/v1/messages";

/// <https://platform.claude.com/docs/en/api/versioning>
const VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");

/// A model behind the Messages API.
#[derive(Debug, Clone)]
pub struct Anthropic {
    endpoint: Endpoint,
    model: String,
    auth: Auth,
}

impl Anthropic {
    /// A model by the name that the API or the gateway has for it. The key goes where Anthropic takes it, into
    /// `x-api-key`.
    pub fn new(endpoint: Endpoint, model: impl Into<String>) -> Self {
        Self {
            endpoint,
            model: model.into(),
            auth: Auth::ApiKey,
        }
    }

    /// The same, with the key elsewhere, as some gateways want it.
    pub fn with_auth(self, auth: Auth) -> Self {
        Self { auth, ..self }
    }
}

#[async_trait]
impl Model for Anthropic {
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
            path: PATH,
            body: body(&self.model, conversation),
            attempts: conversation.attempts,
        };
        let reply = self
            .endpoint
            .post(&request, self.auth, &[VERSION], deadline, transcript)
            .await?;
        read(&reply)
    }
}

/// The request's body. What is cached is the beginning of tools, system prompt and messages, in this order, whatever
/// the order here.
#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u64,
    thinking: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolParam<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Value>,
    system: Value,
    messages: Vec<Value>,
}

#[derive(Serialize)]
struct ToolParam<'a> {
    name: &'a str,
    description: &'a str,
    input_schema: &'a Value,
    strict: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<Value>,
}

impl<'a> ToolParam<'a> {
    fn of(tool: &'a Tool) -> Self {
        Self {
            name: &tool.name,
            description: &tool.description,
            input_schema: &tool.schema,
            strict: true,
            cache_control: None,
        }
    }
}

/// The body of the request for a conversation's next answer.
pub fn body(model: &str, conversation: &Conversation) -> String {
    let ephemeral = || json!({ "type": "ephemeral" });
    let mut tools: Vec<ToolParam<'_>> = conversation.tools.iter().map(ToolParam::of).collect();
    if let Some(last) = tools.last_mut() {
        // Everything up to here is the same for every incident, and so is the system prompt after it.
        last.cache_control = Some(ephemeral());
    }
    let body = Body {
        model,
        max_tokens: conversation.max_output_tokens,
        thinking: json!({ "type": "adaptive" }),
        tool_choice: (!tools.is_empty()).then(|| json!({ "type": "auto" })),
        tools,
        system: json!([{ "type": "text", "text": conversation.system, "cache_control": ephemeral() }]),
        messages: conversation.turns.iter().map(message).collect(),
    };
    // Plain data with string keys: serialising it cannot fail.
    serde_json::to_string(&body).unwrap_or_default()
}

fn message(turn: &Turn) -> Value {
    match turn {
        Turn::User(text) => json!({ "role": "user", "content": [{ "type": "text", "text": text }] }),
        Turn::Assistant(raw) => raw.clone(),
        // All results of one answer belong into one message:
        // https://platform.claude.com/docs/en/agents-and-tools/tool-use/parallel-tool-use
        Turn::Results(results) => {
            let blocks: Vec<Value> = results
                .iter()
                .map(|result| {
                    json!({
                        "type": "tool_result",
                        "tool_use_id": result.call,
                        "content": result.text,
                        "is_error": result.is_error,
                    })
                })
                .collect();
            json!({ "role": "user", "content": blocks })
        }
    }
}

fn read(reply: &[u8]) -> Result<Answer, NoAnswer> {
    let reply: Value = serde_json::from_slice(reply)
        .map_err(|err| NoAnswer::Unavailable(format!("its reply is no JSON: {err}")))?;
    if let Some(error) = error_in(&reply) {
        return Err(error);
    }
    let bad = |what: &str| NoAnswer::Unavailable(format!("its reply is no message: {what}"));
    let blocks = reply["content"].as_array().ok_or_else(|| bad("no content"))?;
    let stop = reply["stop_reason"]
        .as_str()
        .ok_or_else(|| bad("no stop_reason"))?;
    let mut text = String::new();
    let mut calls = Vec::new();
    for block in blocks {
        match block["type"].as_str() {
            Some("text") => {
                text.push_str(
                    block["text"]
                        .as_str()
                        .ok_or_else(|| bad("a text without its text"))?,
                );
            }
            Some("tool_use") => {
                let field = |name: &str| block[name].as_str().map(str::to_owned);
                let (Some(id), Some(name)) = (field("id"), field("name")) else {
                    return Err(bad("a tool_use without id or name"));
                };
                let input = block.get("input").cloned().ok_or("it has no input".to_owned());
                calls.push(ToolCall { id, name, input });
            }
            // Thinking, and what later versions add: not for us to read, but to give back.
            Some(_) => {}
            None => return Err(bad("a block without a type")),
        }
    }
    let stop = match stop {
        "tool_use" => Stop::ToolUse,
        "end_turn" | "stop_sequence" => Stop::EndTurn,
        "max_tokens" => Stop::MaxTokens,
        "refusal" => Stop::Refusal,
        "pause_turn" => Stop::PauseTurn,
        "model_context_window_exceeded" => Stop::ContextExceeded,
        other => Stop::Other(brief(other)),
    };
    let tokens = |name: &str| reply["usage"][name].as_u64().unwrap_or(0);
    Ok(Answer {
        raw: json!({ "role": "assistant", "content": blocks }),
        text,
        calls,
        stop,
        usage: Usage {
            input: tokens("input_tokens"),
            cache_read: tokens("cache_read_input_tokens"),
            cache_write: tokens("cache_creation_input_tokens"),
            output: tokens("output_tokens"),
        },
    })
}
