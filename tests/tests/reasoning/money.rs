//! Whatever a provider charges, an incident costs no more than was reserved for it, and no less is settled.

use std::sync::{Arc, Mutex};

use domain::ports::Clock;
use domain::proposal::Proposer;
use domain::trail::spend;
use domain::value::Micros;
use ingest_and_propose::investigate::budget::Price;
use ingest_and_propose::model::Usage;
use ingest_and_propose::model::anthropic::Anthropic;
use ingest_and_propose::model::http::Endpoint;
use outbound::{BaseUrl, Rotating, Token};
use serde_json::{Value, json};
use testkit::blunt::{self, End};
use testkit::sample;
use tests::World;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// The prices of `World::ask`.
const PRICE: Price = Price {
    input: Micros(3_000_000),
    output: Micros(15_000_000),
};

/// What a provider has charged, as it would at the dearest.
#[derive(Debug, Default)]
struct Charged {
    micros: u64,
    tokens: u64,
    requests: u32,
    lost: u32,
    unsaid: u32,
}

/// Numbers that a seed gives.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        // Knuth's MMIX generator.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// A provider that reads up to a token a byte, charges what it does not answer, and says what it likes of it.
struct Provider(Mutex<State>);

struct State {
    chance: Chance,
    charged: Arc<Mutex<Charged>>,
    /// What it has read and written so far, and in how many messages.
    known: (u64, usize),
    /// In how many of ten an attempt fails.
    fails: u64,
    /// Whether every byte is a token and every answer as long as it may be.
    is_worst: bool,
}

impl Respond for Provider {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut state = self.0.lock().unwrap();
        let state = &mut *state;
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let messages = body["messages"].as_array().unwrap();
        let whole = request.body.len() as u64;
        let read = if messages.len() == 1 {
            state.known = (0, 0);
            state.part(whole)
        } else {
            let since = messages.iter().skip(state.known.1);
            let bytes: usize = since.map(|message| message.to_string().len()).sum();
            // Not all that it thought is given back.
            whole.min(state.known.0 + state.part(bytes as u64))
        };
        let written = state.part(body["max_tokens"].as_u64().unwrap());
        let written = written.max(1);
        let mut charged = state.charged.lock().unwrap();
        charged.requests += 1;
        if state.chance.below(10) < state.fails {
            let (status, text) = [
                (529, ""),
                (504, ""),
                (200, "{}"),
                (502, ""),
                (200, "{\"content\":[]"),
            ][state.chance.below(5) as usize];
            if status != 529 {
                charged.lost += 1;
                charged.add(read, written);
            }
            return ResponseTemplate::new(status).set_body_string(text);
        }
        charged.add(read, written);
        state.known = (read + written, messages.len() + 1);
        let usage = match state.chance.below(8) {
            0 => json!(null),
            1 => json!({ "output_tokens": written }),
            2 => json!({ "cache_creation_input_tokens": read }),
            _ => json!({ "cache_creation_input_tokens": read, "output_tokens": written }),
        };
        charged.unsaid += u32::from(usage.as_object().is_none_or(|usage| usage.len() < 2));
        let (name, input) = match state.chance.below(12) {
            0 => (
                "page_oncall",
                json!({ "rationale": "It fails.", "severity": "critical", "summary": "openai" }),
            ),
            1 => ("page_oncall", json!({})),
            _ => ("provider_health", json!({})),
        };
        ResponseTemplate::new(200).set_body_json(json!({
            "content": [{ "type": "tool_use", "id": "call-1", "name": name, "input": input }],
            "stop_reason": "tool_use",
            "usage": usage,
        }))
    }
}

impl State {
    /// All of it, or some.
    fn part(&mut self, most: u64) -> u64 {
        if self.is_worst {
            most
        } else {
            self.chance.below(most + 1)
        }
    }
}

impl Charged {
    fn add(&mut self, read: u64, written: u64) {
        let usage = Usage {
            cache_write: read,
            output: written,
            ..Usage::default()
        };
        self.micros += PRICE.of(&usage).0;
        self.tokens += read + written;
    }
}

/// A model behind a URL.
fn model(world: &World, url: &str, name: &str, attempt_ms: u64) -> Anthropic {
    let base = BaseUrl::new("MODEL_URL", url).unwrap();
    let key = Rotating::fixed(Token::new("model", "sk-1").unwrap());
    let endpoint = Endpoint::new(base, key, Arc::new(world.clock.clone())).unwrap();
    Anthropic::new(endpoint.with_attempt_ms(attempt_ms), name)
}

/// What came of an incident.
struct Came {
    /// What was settled of the day's money.
    settled: Micros,
    by: String,
}

async fn came(world: &World) -> Came {
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    let records = world
        .port()
        .load(&spend::stream(world.clock.now()))
        .await
        .unwrap();
    let kinds: Vec<&str> = records.iter().map(|record| record.kind.as_str()).collect();
    assert_eq!(kinds, ["reserved", "settled"]);
    let proposal = world.proposal(&id).await;
    let by = match (proposal.proposed(), proposal.declined()) {
        (Some(proposed), _) => match &proposed.proposer {
            Proposer::Model(_) => "a model".to_owned(),
            Proposer::Runbook { instead_of, .. } => {
                format!("the runbook: {}", instead_of.as_ref().unwrap().because)
            }
        },
        (None, Some(declined)) => declined.reason.name().to_owned(),
        (None, None) => panic!("neither: {}", proposal.state().name()),
    };
    Came {
        settled: spend::total(&records).unwrap(),
        by,
    }
}

/// An incident that two models of one provider are asked about; what it charged, and what came of it.
async fn history(seed: u64) -> (Charged, Came) {
    let mut chance = Chance(seed);
    for _ in 0..8 {
        chance.below(2);
    }
    let mut world = World::new(sample::inventory_with_unhealthy("openai"));
    let limits = &mut world.settings.limits;
    limits.cost = Micros([100_000, 250_000, 500_000, 2_000_000][chance.below(4) as usize]);
    limits.tokens = [40_000, 120_000, 2_000_000][chance.below(3) as usize];
    let limits = limits.clone();
    let charged = Arc::<Mutex<Charged>>::default();
    let server = MockServer::start().await;
    let provider = Provider(Mutex::new(State {
        fails: [0, 2, 5, 10][chance.below(4) as usize],
        is_worst: chance.below(3) == 0,
        chance,
        charged: Arc::clone(&charged),
        known: (0, 0),
    }));
    Mock::given(method("POST"))
        .respond_with(provider)
        .mount(&server)
        .await;
    let models = ["first", "second"].map(|name| model(&world, &server.uri(), name, 30_000));
    world.ask(
        models
            .into_iter()
            .map(|model| Box::new(model) as Box<_>)
            .collect(),
    );
    let came = came(&world).await;
    let charged = std::mem::take(&mut *charged.lock().unwrap());
    assert!(
        charged.micros <= came.settled.0,
        "{charged:?} of {} USD settled, seed {seed}",
        came.settled
    );
    assert!(
        came.settled <= limits.cost,
        "{} USD settled, seed {seed}",
        came.settled
    );
    assert!(
        charged.tokens <= limits.tokens,
        "{charged:?} {limits:?}, seed {seed}"
    );
    (charged, came)
}

#[tokio::test]
async fn whatever_providers_charge_is_settled_and_within_what_was_reserved() {
    let (mut lost, mut unsaid, mut ends) = (0, 0, std::collections::BTreeMap::new());
    for seed in 0..150 {
        let (charged, came) = history(seed).await;
        lost += charged.lost;
        unsaid += charged.unsaid;
        let end = came.by.split(':').next().unwrap_or_default().to_owned();
        *ends.entry(end).or_insert(0) += 1;
    }
    println!("{lost} attempts lost, {unsaid} answers that said too little, ends: {ends:?}");
    assert!(lost > 50 && unsaid > 50, "{lost} {unsaid}");
    for end in ["a model", "the runbook", "out_of_money", "out_of_tokens"] {
        assert!(ends.contains_key(end), "none ended so: {end}; {ends:?}");
    }
}

#[tokio::test]
async fn a_model_that_times_out_is_asked_as_often_as_is_reserved_and_no_more() {
    let url = blunt::answering("", End::Hang).await;
    let mut world = World::new(sample::inventory_with_unhealthy("openai"));
    let models = ["first", "second"].map(|name| model(&world, &url, name, 250));
    world.ask(
        models
            .into_iter()
            .map(|model| Box::new(model) as Box<_>)
            .collect(),
    );
    let limit = world.settings.limits.cost;
    let came = came(&world).await;
    assert!(
        Micros(0) < came.settled && came.settled <= limit,
        "{}",
        came.settled
    );
    expect_test::expect!["0.499995 USD, the runbook: first: no whole reply within 250 ms; not tried again, as 2 attempts may have been charged and another cannot be paid; second: no whole reply within 250 ms; not tried again, as 1 attempts may have been charged and another cannot be paid"].assert_eq(&format!("{} USD, {}", came.settled, came.by));
}

#[tokio::test]
async fn an_incident_with_a_time_out_still_has_a_model_conclude() {
    let server = MockServer::start().await;
    let answers = Mutex::new(vec![
        (
            "page_oncall",
            json!({ "rationale": "It fails.", "severity": "critical", "summary": "openai" }),
        ),
        ("budget_state", json!({})),
        ("team_usage", json!({})),
        ("model_group_routes", json!({})),
        ("provider_health", json!({})),
        ("", json!({})),
    ]);
    let respond = move |_: &Request| {
        let (name, input) = answers.lock().unwrap().pop().unwrap();
        if name.is_empty() {
            return ResponseTemplate::new(504);
        }
        ResponseTemplate::new(200).set_body_json(json!({
            "content": [{ "type": "tool_use", "id": "call-1", "name": name, "input": input }],
            "stop_reason": "tool_use",
            "usage": { "input_tokens": 6_000, "output_tokens": 700 },
        }))
    };
    Mock::given(method("POST"))
        .respond_with(respond)
        .mount(&server)
        .await;
    let mut world = World::new(sample::inventory_with_unhealthy("openai"));
    let only = model(&world, &server.uri(), "only", 30_000);
    world.ask(vec![Box::new(only)]);
    let came = came(&world).await;
    assert_eq!(came.by, "a model");
    expect_test::expect!["0.318030"].assert_eq(&came.settled.to_string());
}
