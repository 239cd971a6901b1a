//! The conversation with one model: evidence as long as it asks for some, then one conclusion, with one repair.

use domain::action::{Action, ActionKind, ActionTool};
use domain::ports::{Brief, Clock, Trail};
use domain::proposal::DeclineReason;
use domain::value::Limits;
use serde_json::{Value, json};

use super::budget::{Budget, Price};
use super::evidence::{EvidenceTool, Sources};
use crate::model::transcript::Transcript;
use crate::model::{Answer, Conversation, Model, NoAnswer, Stop, Tool, ToolCall, ToolResult, Turn};
use crate::prompt;

/// The tool with which a model declines.
const DECLINE: &str = "decline";

/// The most calls of one answer that are made.
const MOST_CALLS: usize = 12;

/// The most characters of an explanation that are kept.
const MOST_EXPLANATION: usize = 600;

/// Every tool: evidence first, then the actions, then the way out.
pub fn tools() -> Vec<Tool> {
    let evidence = EvidenceTool::ALL.into_iter().map(EvidenceTool::tool);
    let actions = ActionTool::all().into_iter().map(|tool| Tool {
        name: tool.kind.name().to_owned(),
        description: tool.description,
        schema: tool.schema,
    });
    let decline = Tool {
        name: DECLINE.to_owned(),
        description: "Propose nothing, and say why.".to_owned(),
        schema: json!({
            "type": "object",
            "properties": {
                "reason": {"type": "string", "enum": ["nothing_to_do", "out_of_scope"],
                           "description": "Nothing needs to be done, or nothing in the library can help."},
                "explanation": {"type": "string", "description": "What you saw, in one or two sentences."}
            },
            "required": ["reason", "explanation"],
            "additionalProperties": false
        }),
    };
    evidence.chain(actions).chain([decline]).collect()
}

/// How a conversation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// One action, within its bounds, on targets that exist and that the event is about.
    Proposes {
        /// The action.
        action: Action,
        /// The model's words.
        rationale: String,
    },
    /// None; or the incident's budget is used up.
    Declines {
        /// Why, as one of a few reasons.
        reason: DeclineReason,
        /// The model's words, or ours.
        explanation: String,
    },
}

/// Why a model came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failed {
    /// It did not answer.
    #[error("{0}")]
    NoAnswer(String),
    /// It is not there.
    #[error("{0}")]
    Missing(String),
    /// It was not asked: what is left does not pay its first answer.
    #[error("{0}")]
    Unaffordable(String),
    /// It answered, and nothing could be made of it.
    #[error("{0}")]
    Unusable(String),
}

impl From<NoAnswer> for Failed {
    fn from(none: NoAnswer) -> Self {
        match none {
            NoAnswer::Missing(reason) => Failed::Missing(reason),
            NoAnswer::ContextExceeded(reason) => Failed::Unusable(reason),
            NoAnswer::Unavailable(reason) | NoAnswer::Rejected(reason) | NoAnswer::TooLate(reason) => {
                Failed::NoAnswer(reason)
            }
        }
    }
}

/// One conversation.
pub(super) struct Talk<'a> {
    pub(super) brief: &'a Brief<'a>,
    pub(super) model: &'a dyn Model,
    pub(super) price: Price,
    pub(super) tools: &'a [Tool],
    pub(super) trail: &'a dyn Trail,
    pub(super) clock: &'a dyn Clock,
    pub(super) bounds: &'a Limits,
}

/// What an answer asks for.
enum Next {
    /// It concluded.
    Ended(Ended),
    /// It wants evidence.
    Look(Vec<(String, EvidenceTool)>),
    /// It goes on when it is given its own words back.
    GoOn,
    /// Something is wrong with it.
    Repair(Vec<String>),
}

impl Talk<'_> {
    /// Talks until the model concludes, the budget is used up, or the model fails.
    pub(super) async fn conclude(
        &self,
        budget: &mut Budget,
        transcript: &mut Transcript,
    ) -> Result<Ended, Failed> {
        let first = prompt::incident(self.brief.received, self.clock.now());
        let mut conversation = Conversation {
            system: prompt::SYSTEM.to_owned(),
            tools: self.tools.to_vec(),
            turns: vec![Turn::User(first)],
            max_output_tokens: 0,
            attempts: 0,
        };
        let mut repaired = false;
        // How much of the conversation the model has counted itself, and in how many turns.
        let mut counted: Option<(u64, usize)> = None;
        loop {
            let reads = most_tokens(&conversation, counted);
            let room = match budget.next(self.price, reads, self.clock.now()) {
                Ok(room) => room,
                Err((DeclineReason::OutOfTokens | DeclineReason::OutOfMoney, _))
                    if conversation.turns.len() == 1 =>
                {
                    return Err(Failed::Unaffordable(budget.too_little(reads)));
                }
                Err((reason, explanation)) => return Ok(Ended::Declines { reason, explanation }),
            };
            conversation.max_output_tokens = room.writes;
            conversation.attempts = room.attempts;
            let before = transcript.attempts().len();
            let answered = self
                .model
                .answer(&conversation, budget.deadline, transcript)
                .await;
            let lost = transcript.lost_after(before, answered.is_ok());
            budget.lose(lost, &room, self.price);
            let answer = answered?;
            budget.count(&answer.usage, &room, self.price);
            let usage = &answer.usage;
            let is_counted = usage.read() > 0 && usage.output > 0;
            // Its answer, which comes next, among them.
            counted = is_counted.then(|| {
                (
                    usage.read().saturating_add(usage.output),
                    conversation.turns.len() + 1,
                )
            });
            let raw = answer.raw.clone();
            match self.read(&answer)? {
                Next::Ended(ended) => return Ok(ended),
                Next::GoOn => conversation.turns.push(Turn::Assistant(raw)),
                Next::Look(calls) => {
                    conversation.turns.push(Turn::Assistant(raw));
                    conversation.turns.push(Turn::Results(self.look(calls).await));
                }
                Next::Repair(complaints) => {
                    if repaired {
                        let reason = format!(
                            "its answer could not be used, even corrected: {}",
                            complaints.join("; ")
                        );
                        return Err(Failed::Unusable(reason));
                    }
                    repaired = true;
                    conversation.turns.push(Turn::Assistant(raw));
                    conversation.turns.push(told(&answer.calls, &complaints));
                }
            }
        }
    }

    async fn look(&self, calls: Vec<(String, EvidenceTool)>) -> Vec<ToolResult> {
        let sources = Sources {
            inventory: self.brief.inventory,
            trail: self.trail,
            proposal: self.brief.proposal,
            now: self.clock.now(),
        };
        let mut results = Vec::new();
        for (call, tool) in calls {
            results.push(ToolResult {
                call,
                name: tool.name().to_owned(),
                text: prompt::evidence(&sources.answer(tool).await),
                is_error: false,
            });
        }
        results
    }

    /// What an answer asks for. Nothing that a model writes makes this fail in any other way than [`Failed`].
    fn read(&self, answer: &Answer) -> Result<Next, Failed> {
        match &answer.stop {
            Stop::PauseTurn if answer.calls.is_empty() => return Ok(Next::GoOn),
            Stop::Refusal => return Err(Failed::Unusable("it refused to answer".to_owned())),
            Stop::ContextExceeded => {
                return Err(Failed::Unusable(
                    "the conversation is longer than it can read".to_owned(),
                ));
            }
            // What it said is incomplete: no call of it can be trusted, and none may be answered.
            Stop::MaxTokens => return Err(Failed::Unusable("its answer was cut off".to_owned())),
            Stop::PauseTurn | Stop::ToolUse | Stop::EndTurn | Stop::Other(_) => {}
        }
        let mut evidence = Vec::new();
        let mut conclusions = Vec::new();
        let mut complaints = Vec::new();
        for call in answer.calls.iter().take(MOST_CALLS) {
            let kind = ActionKind::ALL.into_iter().find(|kind| kind.name() == call.name);
            match (EvidenceTool::named(&call.name), kind, call.name.as_str()) {
                (Some(tool), _, _) => evidence.push((call.id.clone(), tool)),
                (None, Some(kind), _) => conclusions.push(self.action(kind, call)),
                (None, None, DECLINE) => conclusions.push(decline(call)),
                (None, None, other) => {
                    complaints.push(format!("there is no tool \"{}\"", domain::value::shorten(other)));
                }
            }
        }
        if answer.calls.len() > MOST_CALLS {
            complaints.push(format!("at most {MOST_CALLS} calls are made at once"));
        }
        if !complaints.is_empty() {
            return Ok(Next::Repair(complaints));
        }
        match (conclusions.len(), evidence.is_empty()) {
            (0, true) => Ok(Next::Repair(vec!["no tool was called".to_owned()])),
            (0, false) => Ok(Next::Look(evidence)),
            (1, true) => Ok(match conclusions.swap_remove(0) {
                Ok(ended) => Next::Ended(ended),
                Err(complaints) => Next::Repair(complaints),
            }),
            _ => Ok(Next::Repair(vec![
                "exactly one action, or decline, is called at the end, and nothing beside it".to_owned(),
            ])),
        }
    }

    /// The action that a call proposes, checked as production will check it.
    fn action(&self, kind: ActionKind, call: &ToolCall) -> Result<Ended, Vec<String>> {
        let input = call.input.as_ref().map_err(|problem| vec![problem.clone()])?;
        let (action, rationale) = Action::of_tool(kind, input).map_err(|problem| vec![problem])?;
        let event = &self.brief.received.event;
        match action.check(event, self.brief.inventory, self.bounds) {
            Ok(_) => Ok(Ended::Proposes { action, rationale }),
            Err(complaints) => Err(complaints.iter().map(ToString::to_string).collect()),
        }
    }
}

/// The most tokens of the next question: what the last answer said it had read and written, and what was said since; or,
/// where it said nothing, everything.
fn most_tokens(conversation: &Conversation, counted: Option<(u64, usize)>) -> u64 {
    match counted {
        None => conversation.most_tokens(),
        Some((tokens, turns)) => {
            let since = conversation.turns.iter().skip(turns).map(Turn::most_tokens);
            // Around the answer itself, too, there are words when it is given back.
            since.fold(tokens.saturating_add(Conversation::AROUND), u64::saturating_add)
        }
    }
}

fn decline(call: &ToolCall) -> Result<Ended, Vec<String>> {
    let input = call.input.as_ref().map_err(|problem| vec![problem.clone()])?;
    let reason = match input.get("reason").and_then(Value::as_str) {
        Some("nothing_to_do") => DeclineReason::NothingToDo,
        Some("out_of_scope") => DeclineReason::OutOfScope,
        _ => {
            return Err(vec![
                "reason is neither nothing_to_do nor out_of_scope".to_owned(),
            ]);
        }
    };
    match input.get("explanation").and_then(Value::as_str) {
        Some(explanation) => Ok(Ended::Declines {
            reason,
            explanation: explanation.chars().take(MOST_EXPLANATION).collect(),
        }),
        None => Err(vec!["explanation is missing or not a string".to_owned()]),
    }
}

/// The complaints as the next turn: every call gets a result, as the APIs demand.
fn told(calls: &[ToolCall], complaints: &[String]) -> Turn {
    let text = prompt::repair(complaints);
    if calls.is_empty() {
        return Turn::User(text);
    }
    let results = calls.iter().map(|call| ToolResult {
        call: call.id.clone(),
        name: call.name.clone(),
        text: text.clone(),
        is_error: true,
    });
    Turn::Results(results.collect())
}
