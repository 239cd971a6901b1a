//! The reasoners that can be evaluated. One more is a variant here, and what it is built from.

use adapters::SystemClock;
use anyhow::{Context, ensure};
use clap::ValueEnum;
use domain::ports::Reasoner;
use domain::value::{Deployment, Limits};
use ingest_and_propose::config::{Api, Models};
use ingest_and_propose::investigate::breaker::Breakers;
use ingest_and_propose::investigate::{Investigator, Settings};
use ingest_and_propose::runbook::Runbook;
use ingest_and_propose::wiring;
use outbound::{Rotating, Token};
use runtime::env::{Env, process};
use testkit::{MemoryPayloads, MemoryTrail};

/// Length of the runbook's break, seconds: the default of `RunbookBreakSeconds`.
const BREAK_S: u64 = 300;

/// The variables of the function that a model is configured with, as `template.yaml` sets them.
const DEFAULTS: [(&str, &str); 11] = [
    ("MODEL_API", "anthropic"),
    ("MODEL_URL", "https://api.anthropic.com"),
    ("SRE_AGENT_MODEL", "claude-sonnet-4-6"),
    ("MODEL_PRICES", "claude-sonnet-4-6=3.00:15.00"),
    ("MODEL_MAX_TURNS", "8"),
    ("MODEL_MAX_TOKENS", "120000"),
    ("MODEL_MAX_SECONDS", "90"),
    ("MODEL_MAX_COST", "0.50"),
    // A whole set in one day.
    ("MODEL_DAILY_CAP", "1000.00"),
    // Neither is used here: the key comes from MODEL_KEY, and transcripts stay in memory.
    ("MODEL_SECRET", "none"),
    ("TRANSCRIPT_BUCKET", "none"),
];

/// Which reasoner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// The built-in runbook
    Runbook,
    /// The models that the environment names, as the function reads them (MODEL_API, MODEL_URL, SRE_AGENT_MODEL, …),
    /// with their key in MODEL_KEY
    Model,
}

impl Choice {
    /// The name, as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Choice::Runbook => "runbook",
            Choice::Model => "model",
        }
    }

    /// The reasoner.
    pub fn build(self, limits: &Limits) -> anyhow::Result<Box<dyn Reasoner>> {
        let runbook = Runbook {
            break_s: BREAK_S,
            limits: limits.clone(),
        };
        match self {
            Choice::Runbook => Ok(Box::new(runbook)),
            Choice::Model => models(runbook, limits),
        }
    }
}

/// What the function itself would ask, over a trail and a bucket in memory.
fn models(runbook: Runbook, limits: &Limits) -> anyhow::Result<Box<dyn Reasoner>> {
    let lookup = |name: &str| {
        let default = DEFAULTS.iter().find(|(known, _)| *known == name);
        process(name).or_else(|| default.map(|(_, value)| (*value).to_owned()))
    };
    let models = Models::from(&Env::new(&lookup))?;
    ensure!(
        !matches!(models.api, Api::None | Api::Bedrock),
        "set MODEL_API to anthropic, anthropic-bearer or openai"
    );
    let key = process("MODEL_KEY").context("MODEL_KEY is not set: it holds the key of the models' API")?;
    let settings = Settings {
        prices: models.prices.clone(),
        through_gateway: false,
        limits: models.limits.clone(),
        daily_cap: models.daily_cap,
        // Each incident of the set is a trouble of its own.
        runs_per_trouble: u64::MAX,
        tier: Deployment::default().tier,
        bounds: limits.clone(),
    };
    let asked = wiring::with_key(&models, Rotating::fixed(Token::new("MODEL_KEY", &key)?))?;
    // They live as long as the command, which builds one reasoner.
    Ok(Box::new(Investigator {
        models: Box::leak(asked.into_boxed_slice()),
        settings: Box::leak(Box::new(settings)),
        breakers: Box::leak(Box::default()) as &Breakers,
        runbook: Box::leak(Box::new(runbook)),
        trail: Box::leak(Box::new(MemoryTrail::new())),
        transcripts: Box::leak(Box::<MemoryPayloads>::default()),
        clock: &SystemClock,
    }))
}
