//! Chat completions, as OpenAI defined them and LiteLLM and most gateways speak them.
//! <https://platform.openai.com/docs/api-reference/chat/create>
//!
//! `max_completion_tokens` is what OpenAI's newer models insist on, and LiteLLM translates it for the others
//! (<https://docs.litellm.ai/docs/completion/input>). The assistant's message goes back whole, as the SDKs send it: for
//! models that think, LiteLLM keeps in it what it needs, `thinking_blocks`
//! (<https://docs.litellm.ai/docs/reasoning_content>). How much they think is left to the gateway's configuration.

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

const PATH: &str = "/v1/chat/completions";

/// A model behind an API for chat completions.
#[derive(Debug, Clone)]
pub struct OpenAi {
    endpoint: Endpoint,
    model: String,
}

impl OpenAi {
    /// A model by the name that the API or the gateway has for it.
    pub fn new(endpoint: Endpoint, model: impl Into<String>) -> Self {
        Self {
            endpoint,
            model: model.into(),
        }
    }
}

#[async_trait]
impl Model for OpenAi {
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
            .post(&request, Auth::Bearer, &[], deadline, transcript)
            .await?;
        read(&reply)
    }
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_completion_tokens: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolParam<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<&'a str>,
    messages: Vec<Value>,
}

#[derive(Serialize)]
struct ToolParam<'a> {
    r#type: &'a str,
    function: FunctionParam<'a>,
}

#[derive(Serialize)]
struct FunctionParam<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a Value,
    strict: bool,
}

impl<'a> ToolParam<'a> {
    fn of(tool: &'a Tool) -> Self {
        Self {
            r#type: "function",
            function: FunctionParam {
                name: &tool.name,
                description: &tool.description,
                parameters: &tool.schema,
                strict: true,
            },
        }
    }
}

/// The body of the request for a conversation's next answer.
pub fn body(model: &str, conversation: &Conversation) -> String {
    let system = json!({ "role": "system", "content": conversation.system });
    let said = conversation.turns.iter().flat_map(messages);
    let body = Body {
        model,
        max_completion_tokens: conversation.max_output_tokens,
        tools: conversation.tools.iter().map(ToolParam::of).collect(),
        tool_choice: (!conversation.tools.is_empty()).then_some("auto"),
        messages: std::iter::once(system).chain(said).collect(),
    };
    // Plain data with string keys: serialising it cannot fail.
    serde_json::to_string(&body).unwrap_or_default()
}

fn messages(turn: &Turn) -> Vec<Value> {
    match turn {
        Turn::User(text) => vec![json!({ "role": "user", "content": text })],
        Turn::Assistant(raw) => vec![raw.clone()],
        // There is no field that says that a call was wrong: the text does.
        Turn::Results(results) => results
            .iter()
            .map(|result| json!({ "role": "tool", "tool_call_id": result.call, "content": result.text }))
            .collect(),
    }
}

fn read(reply: &[u8]) -> Result<Answer, NoAnswer> {
    let reply: Value = serde_json::from_slice(reply)
        .map_err(|err| NoAnswer::Unavailable(format!("its reply is no JSON: {err}")))?;
    if let Some(error) = error_in(&reply) {
        return Err(error);
    }
    let bad = |what: &str| NoAnswer::Unavailable(format!("its reply is no completion: {what}"));
    let choice = reply["choices"].get(0).ok_or_else(|| bad("no choices"))?;
    let message = &choice["message"];
    if !message.is_object() {
        return Err(bad("no message"));
    }
    let finish = choice["finish_reason"]
        .as_str()
        .ok_or_else(|| bad("no finish_reason"))?;
    let mut calls = Vec::new();
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        let function = &call["function"];
        let (Some(id), Some(name)) = (call["id"].as_str(), function["name"].as_str()) else {
            return Err(bad("a tool call without id or name"));
        };
        calls.push(ToolCall {
            id: id.to_owned(),
            name: name.to_owned(),
            input: input(&function["arguments"]),
        });
    }
    let refusal = message["refusal"].as_str();
    let stop = match finish {
        _ if refusal.is_some() => Stop::Refusal,
        "tool_calls" => Stop::ToolUse,
        // Some gateways say `stop` whatever the model did.
        "stop" if calls.is_empty() => Stop::EndTurn,
        "stop" => Stop::ToolUse,
        "length" => Stop::MaxTokens,
        "content_filter" => Stop::Refusal,
        other => Stop::Other(brief(other)),
    };
    Ok(Answer {
        raw: message.clone(),
        text: refusal.map_or_else(|| text(&message["content"]), str::to_owned),
        calls,
        stop,
        usage: usage(&reply["usage"]),
    })
}

/// The arguments of a call: a JSON text, which the model wrote and which may be none.
fn input(arguments: &Value) -> Result<Value, String> {
    match arguments {
        // What some servers send for a tool without parameters.
        Value::String(text) if text.trim().is_empty() => Ok(json!({})),
        Value::String(text) => {
            serde_json::from_str(text).map_err(|err| format!("its arguments are no JSON: {err}"))
        }
        Value::Object(_) => Ok(arguments.clone()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            Err("it has no arguments".to_owned())
        }
    }
}

/// Content is a text, parts of a text, or null beside calls.
fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    }
}

/// Here, other than in the Messages API, the prompt's tokens include those of the cache, read and written. LiteLLM has
/// a name of its own for what was written (<https://docs.litellm.ai/docs/completion/prompt_caching>).
fn usage(usage: &Value) -> Usage {
    let details = &usage["prompt_tokens_details"];
    let tokens = |value: &Value| value.as_u64().unwrap_or(0);
    let prompt = tokens(&usage["prompt_tokens"]);
    let cache_read = tokens(&details["cached_tokens"]);
    let cache_write =
        tokens(&details["cache_write_tokens"]).max(tokens(&usage["cache_creation_input_tokens"]));
    Usage {
        input: prompt.saturating_sub(cache_read).saturating_sub(cache_write),
        cache_read,
        cache_write,
        output: tokens(&usage["completion_tokens"]),
    }
}
