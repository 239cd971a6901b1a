//! Models that say what a test tells them to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use domain::value::Timestamp;
use ingest_and_propose::model::transcript::{Attempt, Transcript};
use ingest_and_propose::model::{Answer, Conversation, Model, NoAnswer, Stop, ToolCall, Usage};
use serde_json::{Value, json};

/// What a model says to a conversation.
type Says = dyn FnMut(&Conversation) -> Result<Answer, NoAnswer> + Send;

/// A model that a test scripts. Its clones are the same model.
#[derive(Clone)]
pub struct ScriptedModel {
    name: String,
    says: Arc<Mutex<Box<Says>>>,
    asked: Arc<AtomicUsize>,
}

impl ScriptedModel {
    /// A model that answers by a rule.
    pub fn new(
        name: &str,
        says: impl FnMut(&Conversation) -> Result<Answer, NoAnswer> + Send + 'static,
    ) -> Self {
        Self {
            name: name.to_owned(),
            says: Arc::new(Mutex::new(Box::new(says))),
            asked: Arc::default(),
        }
    }

    /// A model that makes these calls in its first answer, the next ones in its second, and so on; and nothing
    /// after the last.
    pub fn calls(name: &str, answers: Vec<Vec<(&str, Value)>>) -> Self {
        let answers: Vec<Answer> = answers.iter().map(|calls| calling(calls)).collect();
        let mut answers = answers.into_iter();
        Self::new(name, move |_| {
            answers
                .next()
                .ok_or_else(|| NoAnswer::Unavailable("the script is over".to_owned()))
        })
    }

    /// A model that never answers.
    pub fn down(name: &str) -> Self {
        Self::new(name, |_| {
            Err(NoAnswer::Unavailable("answered 529: overloaded".to_owned()))
        })
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// An answer that makes these calls.
pub fn calling(calls: &[(&str, Value)]) -> Answer {
    let call = |(at, (name, input)): (usize, &(&str, Value))| ToolCall {
        id: format!("call-{at}"),
        name: (*name).to_owned(),
        input: Ok(input.clone()),
    };
    let names: Vec<&str> = calls.iter().map(|(name, _)| *name).collect();
    Answer {
        raw: json!({"role": "assistant", "calls": names}),
        text: String::new(),
        calls: calls.iter().enumerate().map(call).collect(),
        stop: if calls.is_empty() {
            Stop::EndTurn
        } else {
            Stop::ToolUse
        },
        usage: Usage {
            input: 2_000,
            output: 300,
            ..Usage::default()
        },
    }
}

#[async_trait]
impl Model for ScriptedModel {
    fn name(&self) -> &str {
        &self.name
    }

    async fn answer(
        &self,
        conversation: &Conversation,
        deadline: Timestamp,
        transcript: &mut Transcript,
    ) -> Result<Answer, NoAnswer> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = (self.says.lock().unwrap())(conversation);
        transcript.add(Attempt {
            model: self.name.clone(),
            path: "/scripted".to_owned(),
            at: deadline,
            took_ms: 0,
            attempt: 1,
            request: format!("{:?}", conversation.turns),
            status: answer.is_ok().then_some(200),
            request_id: None,
            reply: answer.as_ref().ok().map(|answer| answer.raw.to_string()),
            reply_base64: None,
            problem: answer.as_ref().err().map(ToString::to_string),
            lost: false,
        });
        answer
    }
}
