//! The investigation: a model looks at the evidence and concludes with one action, or declines.
//!
//! | file | what |
//! | --- | --- |
//! | here | which model is asked, what happens where none can answer, what is recorded |
//! | `turns` | the conversation with one model |
//! | `evidence` | what the model may look at |
//! | `budget` | what one incident may take |
//! | `breaker` | models that do not answer |
//!
//! The order: the configured models, each left out where it cannot serve this incident; then the runbook. A
//! conclusion is data: `propose` checks it as if it were hostile.

pub mod breaker;
pub mod budget;
pub mod evidence;
pub mod turns;

use std::convert::Infallible;
use std::io::Write;

use async_trait::async_trait;
use domain::inventory::Inventory;
use domain::ports::{Brief, Clock, Conclusion, Payloads, Reasoner, Trail, TrailError, Unavailable};
use domain::proposal::{Declined, Fallback, Proposer, Reasoning};
use domain::trail::{Actor, Record, Seq, SpendFact, StreamId, spend};
use domain::value::{Digest, Micros, ProposalId, ProviderId, Tier, Timestamp};
use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};
use trail::{Extended, Next, Stream, extend, extend_after};

use self::breaker::Breakers;
use self::budget::{Budget, Limits, Price, Prices};
pub use self::turns::tools;
use self::turns::{Ended, Talk};
use crate::model::transcript::Transcript;
use crate::model::{Model, Tool};
use crate::prompt;
use crate::runbook::Runbook;

/// What is left of the invocation for storing the transcript and recording the conclusion, seconds.
const RESERVE_S: u64 = 10;

/// How models are used.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The models' prices. One without a price is not asked.
    pub prices: Prices,
    /// Whether the models are served by the very gateway that is watched.
    pub through_gateway: bool,
    /// What one incident may take.
    pub limits: Limits,
    /// What all incidents of a UTC day may cost, USD.
    pub daily_cap: Micros,
    /// How often models reason about one trouble in a UTC day.
    pub runs_per_trouble: u64,
    /// How long the day's spending is kept.
    pub tier: Tier,
    /// Bounds of actions.
    pub bounds: domain::value::Limits,
}

/// Reasons with models, and with the runbook where they cannot.
pub struct Investigator<'a> {
    /// The models, in the order of preference. None: the runbook alone.
    pub models: &'a [Box<dyn Model>],
    /// How they are used.
    pub settings: &'a Settings,
    /// Which of them failed lately.
    pub breakers: &'a Breakers,
    /// Who stands in.
    pub runbook: &'a Runbook,
    /// The trail: the day's spending, and the agent's history.
    pub trail: &'a dyn Trail,
    /// Where transcripts go.
    pub transcripts: &'a dyn Payloads,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// Everything that models did for one incident.
struct Work {
    transcript: Transcript,
    budget: Budget,
    model: String,
}

/// What the day's spending holds for this incident.
struct Reservation {
    stream: StreamId,
    seq: Seq,
    /// The day's records, it included, as they were when it was made.
    records: Vec<Record>,
}

#[async_trait]
impl Reasoner for Investigator<'_> {
    async fn reason(&self, brief: &Brief<'_>) -> Result<Conclusion, Unavailable> {
        if self.models.is_empty() {
            return self.runbook.reason(brief).await;
        }
        let reservation = match self.reserve(brief).await? {
            Ok(reservation) => reservation,
            Err(because) => return self.stand_in(brief, because, None).await,
        };
        let now = self.clock.now();
        let last = brief.deadline.minus_seconds(RESERVE_S);
        let mut work = Work {
            transcript: Transcript::default(),
            budget: Budget::new(&self.settings.limits, now, last),
            model: String::new(),
        };
        let ended = self.ask(brief, &mut work).await;
        self.settle(&reservation, work.budget.cost).await;
        let reasoning = self.record(brief, work).await?;
        match (ended, reasoning) {
            (Ok(Ended::Proposes { action, rationale }), Some(reasoning)) => Ok(Conclusion::Propose {
                action,
                rationale,
                proposer: Proposer::Model(reasoning),
            }),
            (Ok(Ended::Declines { reason, explanation }), Some(reasoning)) => {
                Ok(Conclusion::Decline(Declined {
                    reason,
                    explanation,
                    proposer: Some(Proposer::Model(reasoning)),
                    borne_out: None,
                }))
            }
            (Ok(_), None) => self.stand_in(brief, "no model was asked".to_owned(), None).await,
            (Err(because), reasoning) => self.stand_in(brief, because, reasoning).await,
        }
    }
}

impl Investigator<'_> {
    /// Asks one model after the other until one concludes; else why none did.
    async fn ask(&self, brief: &Brief<'_>, work: &mut Work) -> Result<Ended, String> {
        let tools = tools();
        let mut reasons = Vec::new();
        for model in self.models {
            let name = model.name();
            let now = self.clock.now();
            if let Some(reason) = self.leaves_out(name, brief, now) {
                reasons.push(reason);
                continue;
            }
            let Some(price) = self.settings.prices.get(name).copied() else {
                reasons.push(format!("{name} has no price in MODEL_PRICES"));
                continue;
            };
            work.model = name.to_owned();
            match self.talk(brief, model.as_ref(), price, &tools, work).await {
                Ok(ended) => return Ok(ended),
                Err(reason) => reasons.push(format!("{name}: {reason}")),
            }
            if self.clock.now() >= work.budget.deadline {
                break;
            }
        }
        let reason = reasons.join("; ");
        tracing::error!(
            proposal.id = %brief.proposal,
            alarm = "model_unavailable",
            reason,
            "no model could answer"
        );
        Err(reason)
    }

    async fn talk(
        &self,
        brief: &Brief<'_>,
        model: &dyn Model,
        price: Price,
        tools: &[Tool],
        work: &mut Work,
    ) -> Result<Ended, String> {
        let talk = Talk {
            brief,
            model,
            price,
            tools,
            trail: self.trail,
            clock: self.clock,
            bounds: &self.settings.bounds,
        };
        let talked = talk.conclude(&mut work.budget, &mut work.transcript).await;
        match &talked {
            Err(turns::Failed::NoAnswer(reason)) => {
                tracing::warn!(proposal.id = %brief.proposal, model = model.name(), reason, "a model did not answer");
                self.breakers.failed(model.name(), self.clock.now());
            }
            Err(turns::Failed::Missing(reason)) => missing(model.name(), reason),
            Err(turns::Failed::Unaffordable(_)) => {}
            Ok(_) | Err(turns::Failed::Unusable(_)) => self.breakers.answered(model.name()),
        }
        talked.map_err(|failed| failed.to_string())
    }

    /// Why a model is not asked about this incident.
    fn leaves_out(&self, model: &str, brief: &Brief<'_>, now: Timestamp) -> Option<String> {
        if let Some(until) = self.breakers.open_until(model, now) {
            return Some(format!(
                "{model} did not answer lately, and is left alone until {until}"
            ));
        }
        let inventory = brief.inventory.filter(|_| self.settings.through_gateway)?;
        let Some(group) = inventory
            .model_groups
            .iter()
            .find(|group| group.id.as_str() == model)
        else {
            let reason = format!("the gateway has no model {model}");
            missing(model, &reason);
            return Some(reason);
        };
        let troubled = brief.received.event.provider()?;
        let elsewhere = inventory
            .live_routes(group)
            .any(|route| route.provider != *troubled);
        (!elsewhere && serves(inventory, model, troubled))
            .then(|| format!("{model} is served by {troubled} alone, which the incident is about"))
    }

    /// The runbook's conclusion, with why it stands in.
    async fn stand_in(
        &self,
        brief: &Brief<'_>,
        because: String,
        reasoning: Option<Reasoning>,
    ) -> Result<Conclusion, Unavailable> {
        let fallback = Fallback { because, reasoning };
        let marked = |proposer: Proposer| match proposer {
            Proposer::Runbook { version, .. } => Proposer::Runbook {
                version,
                instead_of: Some(fallback.clone()),
            },
            other @ Proposer::Model(_) => other,
        };
        Ok(match self.runbook.reason(brief).await? {
            Conclusion::Propose {
                action,
                rationale,
                proposer,
            } => Conclusion::Propose {
                action,
                rationale,
                proposer: marked(proposer),
            },
            Conclusion::Decline(declined) => Conclusion::Decline(Declined {
                proposer: declined.proposer.map(marked),
                ..declined
            }),
        })
    }

    /// Stores the transcript, and says what was done; nothing where no model was asked.
    ///
    /// A conclusion without its transcript would be one that nobody can check: where it cannot be stored, the
    /// message comes back.
    async fn record(&self, brief: &Brief<'_>, work: Work) -> Result<Option<Reasoning>, Unavailable> {
        let Work {
            transcript,
            budget,
            model,
        } = work;
        if transcript.attempts().is_empty() {
            return Ok(None);
        }
        let mut reasoning = Reasoning {
            model,
            transcript: Digest::of(b""),
            prompt_version: prompt::VERSION,
            prompt: prompt::digest(&tools()),
            requests: u32::try_from(transcript.attempts().len()).unwrap_or(u32::MAX),
            turns: budget.turns,
            input_tokens: budget.input,
            output_tokens: budget.output,
            cost: budget.cost,
            took_ms: transcript.took_ms(),
        };
        let text = transcript.text(&about(brief.proposal, &reasoning));
        reasoning.transcript = self.transcripts.put(&gzipped(&text)).await?;
        Ok(Some(reasoning))
    }

    /// Reserves the incident's whole budget of the day's, or says why it cannot.
    async fn reserve(&self, brief: &Brief<'_>) -> Result<Result<Reservation, String>, Unavailable> {
        let stream = self.spending(spend::stream(self.clock.now()));
        let (amount, cap) = (self.settings.limits.cost, self.settings.daily_cap);
        let day = spend::Day {
            cap,
            runs_per_trouble: self.settings.runs_per_trouble,
        };
        let reserved = extend(self.trail, self.clock, &stream, |records, _| {
            Ok(match spend::reserve(records, brief.proposal, amount, day)? {
                Ok(fact) => Next::Append(fact),
                Err(full) => Next::Refuse(full),
            })
        });
        let reserved = match reserved.await {
            Err(TrailError::Forged(fault)) => {
                return Ok(Err(format!(
                    "what the models cost today cannot be counted: {fault}"
                )));
            }
            reserved => reserved.map_err(trail)?,
        };
        match reserved {
            Extended::Appended { record, after } => Ok(Ok(Reservation {
                stream: stream.id,
                seq: record.seq,
                records: after.into_iter().chain([*record]).collect(),
            })),
            Extended::Refused(spend::Full::Runs(runs)) => {
                tracing::warn!(proposal.id = %brief.proposal, runs, "the day's runs of models about this trouble are used");
                Ok(Err(format!(
                    "models reasoned about this trouble {runs} times today, which is the most"
                )))
            }
            Extended::Refused(spend::Full::Money(spent)) => {
                tracing::error!(alarm = "model_daily_cap", %spent, "the models' daily cap is reached");
                Ok(Err(format!(
                    "the models' daily cap of {cap} USD does not allow another {amount} USD: {spent} USD are spent or reserved"
                )))
            }
            Extended::Nothing => Err(Unavailable::new("the trail", "nothing was reserved")),
        }
    }

    /// Gives back what was not spent. Where that fails, too much stays counted: never too little.
    async fn settle(&self, reservation: &Reservation, cost: Micros) {
        tracing::info!(
            metric = "model_cost",
            micros = cost.0,
            "what models cost on one incident, in millionths of USD"
        );
        if cost > self.settings.limits.cost {
            // A provider that counts more than a question's bytes, or writes more than it may.
            tracing::error!(%cost, "a model charged more than it could: the day's cap may be exceeded");
        }
        let stream = self.spending(reservation.stream.clone());
        let settled = SpendFact::Settled {
            reservation: reservation.seq,
            amount: cost,
        };
        let settles = |_: &[Record], _| Ok(Next::<_, Infallible>::Append(settled.clone()));
        let known = reservation.records.clone();
        if let Err(err) = extend_after(self.trail, self.clock, &stream, known, settles).await {
            tracing::warn!(error = %err, "what was not spent stays reserved for today");
        }
    }

    /// A day's spending, which is kept as long as what was spent on.
    fn spending(&self, id: StreamId) -> Stream {
        let days = 1 + self.settings.tier.retention_days();
        let expires = self.clock.now().plus_seconds(days * 86_400).as_seconds();
        Stream {
            id,
            actor: Actor::Agent,
            expires_at: Some(u64::try_from(expires).unwrap_or(0)),
            // What cannot be counted counts as spent.
            stops_at_forged: true,
        }
    }
}

fn serves(inventory: &Inventory, model: &str, provider: &ProviderId) -> bool {
    inventory
        .groups_of(provider)
        .any(|group| group.id.as_str() == model)
}

/// A model that is configured and not there: somebody has to look. The alarm's filter finds the field.
fn missing(model: &str, reason: &str) {
    tracing::error!(
        alarm = "model_missing",
        model,
        reason,
        "a configured model is missing"
    );
}

fn trail(err: TrailError) -> Unavailable {
    Unavailable::new("the trail", err)
}

/// What a transcript says of itself: which proposal it is of, the prompt, and what it took.
fn about(proposal: &ProposalId, reasoning: &Reasoning) -> serde_json::Map<String, Value> {
    let about = [
        ("proposal", json!(proposal)),
        ("model", json!(reasoning.model)),
        ("prompt_version", json!(reasoning.prompt_version)),
        ("prompt", json!(reasoning.prompt)),
        ("turns", json!(reasoning.turns)),
        ("input_tokens", json!(reasoning.input_tokens)),
        ("output_tokens", json!(reasoning.output_tokens)),
        ("cost_usd", json!(reasoning.cost)),
        ("took_ms", json!(reasoning.took_ms)),
    ];
    about
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect()
}

/// Equal texts give equal bytes, and so one object.
fn gzipped(text: &str) -> Vec<u8> {
    let mut gzip = GzBuilder::new()
        .mtime(0)
        .write(Vec::new(), Compression::default());
    // Writing into memory cannot fail.
    gzip.write_all(text.as_bytes()).ok();
    gzip.finish().unwrap_or_default()
}
