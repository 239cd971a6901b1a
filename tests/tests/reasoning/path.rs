//! A model investigates, concludes, is corrected once, and is kept within its budget.

mod strange;

use domain::message::Lane;
use domain::ports::Payloads;
use domain::proposal::{DeclineReason, Proposer, Reasoning};
use domain::trail::{StreamId, spend};
use domain::value::{Digest, Micros, ProposalId};
use ingest_and_propose::model::{Answer, NoAnswer, Stop, Turn};
use serde_json::{Value, json};
use std::io::Read;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use testkit::cut::every_point;
use testkit::{Cutter, sample};
use tests::model::calling;
use tests::{ScriptedModel, World};

const MODEL: &str = "claude-sonnet-4-6";

fn break_openai() -> (&'static str, Value) {
    (
        "circuit_break_provider",
        json!({"rationale": "openai fails 62 % of its requests.", "provider": "openai", "duration_s": 120}),
    )
}

/// An incident of openai, reasoned about by a model.
async fn reasoned(model: ScriptedModel) -> (World, ProposalId, ScriptedModel) {
    let mut world = World::new(sample::inventory_with_unhealthy("openai"));
    world.ask(vec![Box::new(model.clone())]);
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    (world, id, model)
}

async fn work(world: &World, id: &ProposalId) -> Reasoning {
    let proposal = world.proposal(id).await;
    let proposer = match proposal.proposed() {
        Some(proposed) => Some(proposed.proposer.clone()),
        None => proposal.declined().and_then(|declined| declined.proposer.clone()),
    };
    match proposer {
        Some(Proposer::Model(work)) => work,
        other => panic!("no model: {other:?}"),
    }
}

/// A transcript, read back from where it was stored.
async fn transcript(world: &World, digest: &Digest) -> Vec<Value> {
    let stored = world.transcripts.get(digest).await.unwrap().unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(&stored[..])
        .read_to_string(&mut text)
        .unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn a_model_looks_concludes_and_its_proposal_takes_the_path() {
    let looks = vec![("provider_health", json!({})), ("model_group_routes", json!({}))];
    let (world, id, model) = reasoned(ScriptedModel::calls(MODEL, vec![looks, vec![break_openai()]])).await;
    let proposal = world.proposal(&id).await;
    let proposed = proposal.proposed().unwrap();
    assert_eq!(proposed.rationale, "openai fails 62 % of its requests.");
    assert_eq!(proposed.action.to_string(), "block provider openai for 120 s");
    let work = work(&world, &id).await;
    assert_eq!((work.model.as_str(), work.turns, work.requests), (MODEL, 2, 2));
    assert_eq!(
        (work.input_tokens, work.output_tokens, work.cost),
        (4_000, 600, Micros(21_000))
    );
    assert_eq!(work.prompt_version, ingest_and_propose::prompt::VERSION);
    assert_eq!(model.asked(), 2);

    let lines = transcript(&world, &work.transcript).await;
    let about = json!({
        "transcript": 1, "attempts": 2, "proposal": id, "model": work.model,
        "prompt_version": work.prompt_version, "prompt": work.prompt, "turns": work.turns,
        "input_tokens": 4_000, "output_tokens": 600, "cost_usd": "0.021000", "took_ms": work.took_ms,
    });
    assert_eq!(lines[0], about);
    let second = lines[2]["request"].as_str().unwrap();
    assert!(
        second.contains("error_rate") && second.contains("anthropic"),
        "{second}"
    );

    world.approve("alice", &id).await.text();
    world.settle().await;
    assert_eq!(world.state(&id).await, "restored");
    world.assert_as_before();
}

#[tokio::test]
async fn what_is_wrong_is_said_once_and_may_be_corrected_once() {
    let too_long = (
        "circuit_break_provider",
        json!({"rationale": "x", "provider": "openai", "duration_s": 3000}),
    );
    let mut heard = Vec::new();
    let (sender, receiver) = std::sync::mpsc::channel();
    let mut answers = [vec![too_long.clone()], vec![break_openai()]].into_iter();
    let model = ScriptedModel::new(MODEL, move |conversation| {
        sender.send(conversation.turns.last().cloned()).unwrap();
        Ok(calling(&answers.next().unwrap()))
    });
    let (world, id, _) = reasoned(model).await;
    assert_eq!(work(&world, &id).await.turns, 2);
    heard.extend(receiver.try_iter().flatten());
    let Turn::Results(results) = &heard[1] else {
        panic!("{heard:?}")
    };
    assert!(results[0].is_error);
    assert!(
        results[0]
            .text
            .contains("duration_s is 3000 seconds, not within 30–300"),
        "{results:?}"
    );

    // Not twice: then the runbook stands in, and the trail says why.
    let (world, id, model) = reasoned(ScriptedModel::calls(
        MODEL,
        vec![vec![too_long.clone()], vec![too_long]],
    ))
    .await;
    assert_eq!(model.asked(), 2);
    let proposal = world.proposal(&id).await;
    let Proposer::Runbook {
        instead_of: Some(fallback),
        ..
    } = &proposal.proposed().unwrap().proposer
    else {
        panic!("not the runbook")
    };
    assert!(
        fallback
            .because
            .contains("even corrected: duration_s is 3000 seconds"),
        "{fallback:?}"
    );
    assert_eq!(fallback.reasoning.as_ref().unwrap().turns, 2);
}

#[tokio::test]
async fn a_decline_is_an_answer() {
    let declines = (
        "decline",
        json!({"reason": "nothing_to_do", "explanation": "It has recovered."}),
    );
    let (world, id, _) = reasoned(ScriptedModel::calls(MODEL, vec![vec![declines]])).await;
    let proposal = world.proposal(&id).await;
    let declined = proposal.declined().unwrap();
    assert_eq!(
        (declined.reason, declined.explanation.as_str()),
        (DeclineReason::NothingToDo, "It has recovered.")
    );
    assert_eq!(work(&world, &id).await.turns, 1);
}

#[tokio::test]
async fn a_hundred_deliveries_and_a_flapping_provider_are_one_conversation() {
    let (world, id, model) = reasoned(ScriptedModel::calls(MODEL, vec![vec![break_openai()]])).await;
    for number in 0..100 {
        world.send(&sample::provider_unhealthy_text("openai"));
        let event = format!("evt-flap-{number}");
        world.send(&sample::with_event_id(
            &sample::provider_unhealthy_text("openai"),
            &event,
        ));
        world.run_until_quiet().await;
    }
    assert_eq!(model.asked(), 1);
    assert_eq!(world.proposals(), std::slice::from_ref(&id));
    let kinds = world.kinds(&id).await;
    let repeats = kinds.iter().filter(|kind| *kind == "repeated").count();
    assert_eq!(repeats, domain::proposal::MOST_REPEATS, "recorded, and bounded");
}

#[tokio::test]
async fn a_redelivery_asks_no_model_again_unless_the_answer_was_not_recorded() {
    let mut lost = 0;
    let points = every_point(async |cutter: &Cutter| {
        let mut world = World::new(sample::inventory_with_unhealthy("openai"));
        let model = ScriptedModel::new(MODEL, |_| Ok(calling(&[break_openai()])));
        world.ask(vec![Box::new(model.clone())]);
        let id = world.send(&sample::provider_unhealthy_text("openai"));
        cutter.run(world.deliver(Lane::Ingest, cutter)).await;
        let proposed = async || {
            let records = world.trail.seen(&StreamId::Proposal(id.clone())).await;
            records.iter().filter(|record| record.kind == "proposed").count()
        };
        let answer_lost = model.asked() == 1 && proposed().await == 0;
        lost += usize::from(answer_lost);
        world.settle().await;
        assert_eq!(
            model.asked(),
            1 + usize::from(answer_lost),
            "{:?}",
            cutter.cut_at()
        );
        assert_eq!(proposed().await, 1);
    })
    .await;
    assert!(
        points >= 20 && lost > 3,
        "{points} points, {lost} of them after the answer"
    );
}

#[tokio::test]
async fn a_day_costs_no_more_than_its_cap_and_what_was_not_spent_is_free_again() {
    let mut world = World::new(sample::inventory_with_unhealthy("openai"));
    let model = ScriptedModel::new(MODEL, |_| Ok(calling(&[break_openai()])));
    world.ask(vec![Box::new(model.clone())]);
    world.settings.daily_cap = Micros(510_000);
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    let stream = spend::stream(domain::ports::Clock::now(&world.clock));
    let records = world.port().load(&stream).await.unwrap();
    assert_eq!(
        spend::total(&records),
        Ok(Micros(10_500)),
        "2000 read and 300 written"
    );
    assert!(matches!(stream, StreamId::Limit { .. }));
    // 10,500 are spent and another 500,000 do not fit into the cap.
    world.advance(1_900).await;
    assert_eq!(world.state(&id).await, "expired");
    world.advance(901).await;
    world.send(&sample::with_event_id(
        &sample::provider_unhealthy_text("openai"),
        "evt-9",
    ));
    world.run_until_quiet().await;
    assert_eq!(model.asked(), 1);
    let second = world.proposals().into_iter().find(|other| *other != id).unwrap();
    let proposal = world.proposal(&second).await;
    let Proposer::Runbook {
        instead_of: Some(fallback),
        ..
    } = &proposal.proposed().unwrap().proposer
    else {
        panic!("not the runbook")
    };
    expect_test::expect!["the models' daily cap of 0.51 USD does not allow another 0.50 USD: 0.010500 USD are spent or reserved"].assert_eq(&fallback.because);
}

#[tokio::test]
async fn a_transcript_that_cannot_be_stored_keeps_the_conclusion_from_being_recorded() {
    let mut world = World::new(sample::inventory_with_unhealthy("openai"));
    let model = ScriptedModel::new(MODEL, |_| Ok(calling(&[break_openai()])));
    world.ask(vec![Box::new(model.clone())]);
    world.transcripts.outages.next(1);
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    assert_eq!(world.state(&id).await, "reasoning");
    world.settle().await;
    let work = work(&world, &id).await;
    assert_eq!(transcript(&world, &work.transcript).await.len(), 2);
}

#[tokio::test]
async fn what_was_before_is_shown_with_who_reported_it_and_what_was_not_as_it_came() {
    let mut world = World::new(sample::inventory_with_unhealthy("openai"));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let looked = Arc::clone(&seen);
    let model = ScriptedModel::new(MODEL, move |conversation| {
        let results = conversation.turns.iter().filter_map(|turn| match turn {
            Turn::Results(results) => Some(results.clone()),
            Turn::User(_) | Turn::Assistant(_) => None,
        });
        let results: Vec<_> = results.flatten().map(|result| result.text).collect();
        let looks = results.is_empty();
        looked.lock().unwrap().extend(results);
        Ok(match looks {
            true => calling(&[("similar_incidents", json!({}))]),
            false => calling(&[break_openai()]),
        })
    });
    world.ask(vec![Box::new(model)]);
    let detail =
        json!({"provider": "openai", "error_rate": 0.62, "requests": 180, "window_s": "five minutes"});
    let first = world.send(&sample::envelope("provider.unhealthy", detail));
    world.run_until_quiet().await;
    world.send(&sample::with_event_id(
        &sample::provider_unhealthy_text("openai"),
        "again",
    ));
    world.run_until_quiet().await;
    world.reject("alice", &first).await.text();
    world.advance(2_000).await;
    world.send(&sample::with_event_id(
        &sample::provider_unhealthy_text("openai"),
        "later",
    ));
    world.run_until_quiet().await;
    let seen = seen.lock().unwrap();
    let last = seen.last().unwrap();
    for told in [
        "\"reported_by\":\"llm-gateway\"",
        "window_s",
        "five minutes",
        "\"reported_again\":1",
        "\"state\":\"rejected\"",
    ] {
        assert!(last.contains(told), "{told}: {last}");
    }
}
