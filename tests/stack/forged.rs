//! Whoever may insert, and nothing else, forges a yes: by the statement alone, with its digest worked out by hand. Nothing
//! starts, everybody is told, and the proposal goes on once the record is set aside.

use std::fs;
use std::path::Path;

use adapters::LocalKey;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::ports::Trail as _;
use domain::proposal::{Approved, Proposal, ProposalFact, State};
use domain::trail::{Actor, Author, Authority, Control, Entry, Fact as _, Record, StreamId, actor_text};
use domain::value::{OperatorId, ProposalId, WriterId};
use serde_json::json;
use trail::load_control;

use crate::world::{Deployed, fresh, sre_agent, sre_agent_says, unhealthy, variable, within};

/// Somebody of the directory, who knows nothing of it.
fn ada() -> Actor {
    Actor::Operator {
        id: OperatorId::new("ada").unwrap(),
        name: "Ada".to_owned(),
        channel: "slack".to_owned(),
    }
}

/// Inserts a record as it is, by the one statement that IAM calls `dynamodb:PartiQLInsert`.
async fn insert(world: &Deployed, record: &Record) {
    let text = |value: String| AttributeValue::S(value);
    let mut attributes = vec![
        ("stream", text(record.stream.to_string())),
        ("seq", AttributeValue::N(record.seq.to_string())),
        ("kind", text(record.kind.clone())),
        ("at", text(record.at.to_string())),
        ("actor", text(actor_text(&record.actor))),
        ("body", text(record.body.clone())),
        ("digest", text(record.digest.to_string())),
        ("writer", text(record.writer.to_string())),
        ("source", text(record.source.clone())),
        ("schema", AttributeValue::N(record.schema.to_string())),
        ("hour", text(record.hour.clone())),
        (record.author.unwrap().attribute(), AttributeValue::Bool(true)),
    ];
    attributes.extend(record.prev.map(|prev| ("prev", text(prev.to_string()))));
    attributes.extend(
        record
            .expires_at
            .map(|at| ("expires_at", AttributeValue::N(at.to_string()))),
    );
    if let Some(signature) = &record.signature {
        attributes.push(("signature", text(signature.value.clone())));
        attributes.push(("key", text(signature.key.clone())));
    }
    let (names, values): (Vec<&str>, Vec<AttributeValue>) = attributes.into_iter().unzip();
    let fields: Vec<String> = names.iter().map(|name| format!("'{name}':?")).collect();
    let inserted = world
        .dynamodb
        .execute_statement()
        .statement(format!(
            "INSERT INTO \"{}\" VALUE {{{}}}",
            variable("TRAIL_TABLE"),
            fields.join(", ")
        ))
        .set_parameters(Some(values))
        .send()
        .await;
    inserted.unwrap();
}

fn writer() -> WriterId {
    WriterId::new(&fresh("forger")).unwrap()
}

/// A yes of Ada's to what waits, behind the last record.
fn yes(proposal: &Proposal, last: &Record, author: Author) -> Record {
    let State::AwaitingApproval(waiting) = proposal.state() else {
        panic!("{} waits for nobody", proposal.id());
    };
    let fact = ProposalFact::Approved(Approved {
        scored: waiting.scored,
        policy: proposal.scored().unwrap().policy,
        valid_until: last.at.plus_seconds(600),
        not_before: None,
        paused_before_ms: 0,
        extension: None,
        decider: None,
    });
    Entry::after(last, last.at, ada(), &fact)
        .by(author)
        .seal(writer())
}

/// The proposal as far as it holds.
async fn as_far_as_it_holds(world: &Deployed, id: &ProposalId) -> Proposal {
    Proposal::read(&world.records(id).await, world.trail.keys(), &[]).unwrap()
}

/// What housekeeping does within a minute anyway.
async fn look_now(world: &Deployed) {
    world.aws.invoke("housekeeping", &json!({})).await;
}

async fn until_named(world: &Deployed, stream: &StreamId, seq: u64) {
    look_now(world).await;
    within(150, &format!("record {seq} of {stream} is named"), async || {
        let control = load_control(&world.trail).await.unwrap();
        let mut forged = control.guard().forged.iter();
        forged
            .any(|forged| forged.stream == *stream && forged.seq == seq)
            .then_some(())
    })
    .await;
}

async fn waits(world: &Deployed, provider: &str) -> Proposal {
    let generation = world
        .settled_generation(&unhealthy("probe", provider).fingerprint())
        .await;
    let fingerprint = world.fail_provider(provider).await;
    let id = world.proposal_of(&fingerprint, generation).await;
    world.until(&id, 30, "awaiting_approval").await
}

#[tokio::test]
async fn a_yes_that_was_inserted_starts_nothing_is_named_and_is_set_aside() {
    let world = Deployed::new().await;
    let proposal = waits(&world, "openai").await;
    let id = proposal.id().clone();
    let stream = StreamId::Proposal(id.clone());
    let breaker = "/admin/v1/providers/openai/breaker";
    let written = world.sandbox.writes(breaker).await.len();

    // As scoring, whose role may insert into this stream, and as the callback, with a key that is not the stack's.
    let unsigned = yes(&proposal, proposal.last(), Author::Scoring);
    insert(&world, &unsigned).await;
    let key = world.aws.output("DecisionKeys");
    let own = LocalKey::generate(Authority::Decisions, key, &variable("SRE_AGENT_STACK")).unwrap();
    let mut signed = yes(&proposal, &unsigned, Author::Callback);
    signed.signature = Some(own.sign_now(&signed.digest).unwrap());
    insert(&world, &signed).await;

    until_named(&world, &stream, unsigned.seq).await;
    assert_eq!(world.sandbox.writes(breaker).await.len(), written, "it started");
    assert_eq!(
        as_far_as_it_holds(&world, &id).await.state().name(),
        "awaiting_approval"
    );
    let (well, status) = sre_agent_says(&["status"]);
    assert!(
        !well && status.contains(&format!("record {} of {stream}", unsigned.seq)),
        "{status}"
    );
    let (well, told) = sre_agent_says(&["trail", &id.to_string()]);
    assert!(!well && told.contains("which may not say approved"), "{told}");

    // What the second one is worth is seen once the first is out of the way.
    let aside = |seq: u64| {
        let seq = seq.to_string();
        sre_agent(&[
            "set-aside",
            &stream.to_string(),
            &seq,
            "--reason",
            "forged, by a test",
        ])
    };
    aside(unsigned.seq);
    let (well, told) = sre_agent_says(&["trail", &id.to_string()]);
    assert!(
        !well && told.contains("signature that is not good for it"),
        "{told}"
    );
    until_named(&world, &stream, signed.seq).await;
    assert_eq!(world.sandbox.writes(breaker).await.len(), written, "it started");
    aside(signed.seq);

    // A person's own yes counts as ever.
    let click = world.click("approve", &proposal).await;
    assert_eq!(click.status, 200, "{}", click.body);
    within(60, "the break is written", async || {
        (world.sandbox.writes(breaker).await.len() > written).then_some(())
    })
    .await;
    world.sandbox.clear().await;
    within(90, "it is taken back", async || {
        (world.sandbox.writes(breaker).await.len() == written + 2).then_some(())
    })
    .await;
    sre_agent(&["trail", &id.to_string()]);
}

#[tokio::test]
async fn a_resumption_that_was_inserted_resumes_nothing_and_a_signed_record_overrules_it() {
    let world = Deployed::new().await;
    sre_agent(&["pause", "--reason", "a release, by a test"]);
    let last = world.trail.last(&StreamId::Control).await.unwrap().unwrap();
    let resumed = Control::read(Some(&last)).unwrap().resume(last.at).unwrap();
    assert_eq!(resumed.kind(), "resumed");
    let forged = Entry::after(&last, last.at, ada(), &resumed)
        .by(Author::Operator)
        .seal(writer());
    insert(&world, &forged).await;

    until_named(&world, &StreamId::Control, forged.seq).await;
    assert!(
        load_control(&world.trail)
            .await
            .unwrap()
            .switches
            .paused
            .is_some()
    );
    let (well, status) = sre_agent_says(&["status"]);
    assert!(!well && status.contains("of control is not signed"), "{status}");
    assert_ne!(
        world.aws.source("execution", "execution").await,
        "Enabled",
        "execution is paused"
    );
    let resumed = sre_agent(&["resume", "--reason", "the test has seen it"]);
    assert!(!resumed.contains("already"), "{resumed}");
    assert!(
        load_control(&world.trail)
            .await
            .unwrap()
            .switches
            .paused
            .is_none()
    );

    // An auditor's copy says what became of it.
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (export, keys) = (directory.join("forged.jsonl"), directory.join("keys.json"));
    fs::write(&export, sre_agent(&["trail", "export", "--since", "5m"])).unwrap();
    fs::write(&keys, sre_agent(&["keys", "export"])).unwrap();
    let checked = sre_agent(&[
        "trail",
        "check",
        export.to_str().unwrap(),
        "--keys",
        keys.to_str().unwrap(),
    ]);
    let overruled = format!("record {} of control is not signed", forged.seq);
    assert!(checked.contains(&overruled), "{checked}");
    look_now(&world).await;
    within(90, "execution goes on", async || {
        (world.aws.source("execution", "execution").await == "Enabled").then_some(())
    })
    .await;
}
