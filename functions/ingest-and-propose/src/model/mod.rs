//! Models: one exchange with one of them, the same whatever API it is behind.
//!
//! | file | what |
//! | --- | --- |
//! | here | what a model is asked and says, in our own words |
//! | `http` | an API over HTTP and the key to it |
//! | `retry` | trying again within a deadline, each attempt recorded |
//! | `anthropic` | the Messages API |
//! | `openai` | chat completions, as LiteLLM and most gateways speak them |
//! | `bedrock` | Bedrock's Converse; with the feature `bedrock` |
//! | `refusal` | what a reply that is no success means |
//! | `size` | the most tokens that a conversation can have |
//! | `transcript` | what was sent and received, byte for byte |
//!
//! What a model answers is data. Nothing here acts on it, and nothing of it is believed.

pub mod anthropic;
#[cfg(feature = "bedrock")]
pub mod bedrock;
pub mod http;
pub mod openai;
mod refusal;
mod retry;
mod size;
pub mod transcript;

use async_trait::async_trait;
use domain::value::Timestamp;
use serde_json::Value;

use self::transcript::Transcript;

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// Its name: letters, digits and `_`.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// JSON Schema of its input, in the subset that strict modes take: every property required, no other
    /// properties, no ranges.
    pub schema: Value,
}

/// A conversation so far. Always in this order: the event first, then answers and results in turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    /// What is the same for every incident: cached by the provider.
    pub system: String,
    /// The tools, also the same for every incident.
    pub tools: Vec<Tool>,
    /// What was said.
    pub turns: Vec<Turn>,
    /// The most tokens that the next answer may have, thinking included.
    pub max_output_tokens: u64,
    /// How many attempts at it can be paid that may be charged: the one that is answered, and those of which nobody says
    /// what they cost. Those that certainly cost nothing are none of them.
    pub attempts: u32,
}

/// One thing said.
#[derive(Debug, Clone, PartialEq)]
pub enum Turn {
    /// By us, in words.
    User(String),
    /// By the model: [`Answer::raw`], given back unchanged, thinking and redacted blocks included.
    Assistant(Value),
    /// By us: a result for every call of the answer before.
    Results(Vec<ToolResult>),
}

/// What a tool came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolResult {
    /// [`ToolCall::id`].
    pub call: String,
    /// The tool's name.
    pub name: String,
    /// What it says.
    pub text: String,
    /// Whether it says what was wrong with the call.
    pub is_error: bool,
}

/// A call that the model wants made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// The API's id of it.
    pub id: String,
    /// The tool's name, as the model wrote it.
    pub name: String,
    /// Its input, or why what the model wrote is not JSON.
    pub input: Result<Value, String>,
}

/// Why the model stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// It wants tools called.
    ToolUse,
    /// It has said what it wanted to say.
    EndTurn,
    /// It reached [`Conversation::max_output_tokens`]: what it said is incomplete.
    MaxTokens,
    /// It, or a filter of its provider, does not want to answer.
    Refusal,
    /// It paused, and goes on when it is given its own words back.
    PauseTurn,
    /// The conversation is longer than it can read.
    ContextExceeded,
    /// Something that this version does not know.
    Other(String),
}

/// Tokens of one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Read at the full price.
    pub input: u64,
    /// Read from the provider's cache.
    pub cache_read: u64,
    /// Written to the provider's cache.
    pub cache_write: u64,
    /// Written, thinking included.
    pub output: u64,
}

impl Usage {
    /// Everything read, whatever its price.
    pub fn read(&self) -> u64 {
        self.input
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write)
    }
}

/// What a model said.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The assistant's message in the API's own shape, to be given back unchanged.
    pub raw: Value,
    /// Its words, without its thinking.
    pub text: String,
    /// The calls it wants made, in its order.
    pub calls: Vec<ToolCall>,
    /// Why it stopped.
    pub stop: Stop,
    /// What it took.
    pub usage: Usage,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// It did not answer, even when asked again: down, overloaded, or nonsense came back. Another model may.
    #[error("{0}")]
    Unavailable(String),
    /// The conversation is longer than it can read.
    #[error("{0}")]
    ContextExceeded(String),
    /// It refuses the request or the key: asking again is of no use, and somebody must look.
    #[error("{0}")]
    Rejected(String),
    /// The gateway does not serve this model.
    #[error("{0}")]
    Missing(String),
    /// The time was over first.
    #[error("{0}")]
    TooLate(String),
}

/// One model behind one API.
#[async_trait]
pub trait Model: Send + Sync {
    /// Its name, as it is asked for and recorded.
    fn name(&self) -> &str;

    /// Asks for the next answer, with retries, not after `deadline`, and not when [`Conversation::attempts`] of them may
    /// have been charged. Every attempt is added to the transcript, whatever becomes of it.
    async fn answer(
        &self,
        conversation: &Conversation,
        deadline: Timestamp,
        transcript: &mut Transcript,
    ) -> Result<Answer, NoAnswer>;
}
