//! A model investigates, concludes, is corrected once, and is kept within its budget.

use domain::message::Lane;
use domain::ports::Payloads;
use domain::proposal::{DeclineReason, Proposer, Reasoning};
use domain::trail::{StreamId, spend};
use domain::value::{Digest, Micros, ProposalId};
use ingest_and_propose::model::{Answer, NoAnswer, Stop, Turn};
use serde_json::{Value, json};
use std::io::Read;
use std::pin::Pin;
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
    let stored = world.transcripts.get(digest).await.unwrap();
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

/// What a model's strange answer comes to: the action, with who chose it, or the decline.
fn comes_to(
    says: impl FnMut(usize) -> Result<Answer, NoAnswer> + Send + 'static,
) -> Pin<Box<dyn Future<Output = String>>> {
    // One by one: together these futures are larger than a test's stack.
    Box::pin(come(says))
}

async fn come(says: impl FnMut(usize) -> Result<Answer, NoAnswer> + Send + 'static) -> String {
    let (mut says, mut turn) = (says, 0);
    let (world, id, model) = reasoned(ScriptedModel::new(MODEL, move |_| {
        turn += 1;
        says(turn)
    }))
    .await;
    let proposal = world.proposal(&id).await;
    let by = |proposer: &Proposer| match proposer {
        Proposer::Model(_) => "the model".to_owned(),
        Proposer::Runbook { instead_of, .. } => {
            format!("the runbook, because {}", instead_of.as_ref().unwrap().because)
        }
    };
    let asked = model.asked();
    match (proposal.proposed(), proposal.declined()) {
        (Some(proposed), _) => format!(
            "{} by {} ({asked} asked)",
            proposed.action.kind(),
            by(&proposed.proposer)
        ),
        (None, Some(declined)) => format!(
            "{}: {} ({asked} asked)",
            declined.reason.name(),
            declined.explanation
        ),
        (None, None) => panic!("neither: {}", proposal.state().name()),
    }
}

#[tokio::test]
async fn every_strange_answer_is_one_proposal_or_one_clear_decline() {
    let good = || calling(&[break_openai()]);
    let stopped = |stop: Stop| {
        move |_: usize| {
            Ok(Answer {
                stop: stop.clone(),
                ..calling(&[])
            })
        }
    };
    let table = [
        (
            "two actions",
            comes_to(move |_| Ok(calling(&[break_openai(), break_openai()]))).await,
        ),
        (
            "two, then one",
            comes_to(move |turn| {
                Ok(if turn == 1 {
                    calling(&[break_openai(), break_openai()])
                } else {
                    good()
                })
            })
            .await,
        ),
        (
            "an action beside evidence",
            comes_to(move |_| Ok(calling(&[("team_usage", json!({})), break_openai()]))).await,
        ),
        ("words alone", comes_to(|_| Ok(calling(&[]))).await),
        (
            "words, then an action",
            comes_to(move |turn| {
                Ok(if turn == 1 {
                    calling(&[])
                } else {
                    calling(&[break_openai()])
                })
            })
            .await,
        ),
        (
            "an unknown tool",
            comes_to(|_| Ok(calling(&[("run_shell", json!({"command": "rm"}))]))).await,
        ),
        (
            "a target that does not exist",
            comes_to(|_| {
                Ok(calling(&[(
                    "circuit_break_provider",
                    json!({"rationale": "x", "provider": "nobody", "duration_s": 60}),
                )]))
            })
            .await,
        ),
        (
            "a target of another incident",
            comes_to(|_| {
                Ok(calling(&[(
                    "circuit_break_provider",
                    json!({"rationale": "x", "provider": "mistral", "duration_s": 60}),
                )]))
            })
            .await,
        ),
        (
            "arguments that are not JSON",
            comes_to(|_| {
                let mut answer = calling(&[("page_oncall", json!({}))]);
                answer.calls[0].input = Err("the arguments are not JSON: EOF".to_owned());
                Ok(answer)
            })
            .await,
        ),
        ("a refusal", comes_to(stopped(Stop::Refusal)).await),
        ("cut off", comes_to(stopped(Stop::MaxTokens)).await),
        ("too long to read", comes_to(stopped(Stop::ContextExceeded)).await),
        ("a pause without end", comes_to(stopped(Stop::PauseTurn)).await),
        (
            "evidence without end",
            comes_to(|_| Ok(calling(&[("provider_health", json!({}))]))).await,
        ),
        (
            "too many calls at once",
            comes_to(|_| Ok(calling(&vec![("team_usage", json!({})); 50]))).await,
        ),
        (
            "a flood of tokens",
            comes_to(|_| {
                let mut answer = calling(&[("provider_health", json!({}))]);
                answer.usage.input = 119_000;
                Ok(answer)
            })
            .await,
        ),
        (
            "expensive words",
            comes_to(|_| {
                let mut answer = calling(&[("provider_health", json!({}))]);
                answer.usage.output = 33_000;
                Ok(answer)
            })
            .await,
        ),
        (
            "no answer",
            comes_to(|_| Err(NoAnswer::Unavailable("answered 529: overloaded".to_owned()))).await,
        ),
        (
            "a refused key",
            comes_to(|_| Err(NoAnswer::Rejected("answered 401".to_owned()))).await,
        ),
        (
            "no such model",
            comes_to(|_| Err(NoAnswer::Missing("answered 404: model not found".to_owned()))).await,
        ),
        (
            "too late",
            comes_to(|_| Err(NoAnswer::TooLate("no whole reply in time".to_owned()))).await,
        ),
    ];
    let lines: String = table
        .iter()
        .map(|(what, came)| format!("{what}: {came}\n"))
        .collect();
    expect_test::expect![[r#"
        two actions: circuit_break_provider by the runbook, because claude-sonnet-4-6: its answer could not be used, even corrected: exactly one action, or decline, is called at the end, and nothing beside it (2 asked)
        two, then one: circuit_break_provider by the model (2 asked)
        an action beside evidence: circuit_break_provider by the runbook, because claude-sonnet-4-6: its answer could not be used, even corrected: exactly one action, or decline, is called at the end, and nothing beside it (2 asked)
        words alone: circuit_break_provider by the runbook, because claude-sonnet-4-6: its answer could not be used, even corrected: no tool was called (2 asked)
        words, then an action: circuit_break_provider by the model (2 asked)
        an unknown tool: circuit_break_provider by the runbook, because claude-sonnet-4-6: its answer could not be used, even corrected: there is no tool "run_shell" (2 asked)
        a target that does not exist: circuit_break_provider by the runbook, because claude-sonnet-4-6: its answer could not be used, even corrected: provider nobody is not the one the event is about (2 asked)
        a target of another incident: circuit_break_provider by the runbook, because claude-sonnet-4-6: its answer could not be used, even corrected: provider mistral is not the one the event is about (2 asked)
        arguments that are not JSON: circuit_break_provider by the runbook, because claude-sonnet-4-6: its answer could not be used, even corrected: the arguments are not JSON: EOF (2 asked)
        a refusal: circuit_break_provider by the runbook, because claude-sonnet-4-6: it refused to answer (1 asked)
        cut off: circuit_break_provider by the runbook, because claude-sonnet-4-6: its answer was cut off (1 asked)
        too long to read: circuit_break_provider by the runbook, because claude-sonnet-4-6: the conversation is longer than it can read (1 asked)
        a pause without end: out_of_turns: the model had not concluded after 8 turns (8 asked)
        evidence without end: out_of_turns: the model had not concluded after 8 turns (8 asked)
        too many calls at once: circuit_break_provider by the runbook, because claude-sonnet-4-6: its answer could not be used, even corrected: at most 12 calls are made at once (2 asked)
        a flood of tokens: out_of_tokens: the model had not concluded within 120000 tokens (1 asked)
        expensive words: out_of_money: the model had not concluded for 0.50 USD (1 asked)
        no answer: circuit_break_provider by the runbook, because claude-sonnet-4-6: answered 529: overloaded (1 asked)
        a refused key: circuit_break_provider by the runbook, because claude-sonnet-4-6: answered 401 (1 asked)
        no such model: circuit_break_provider by the runbook, because claude-sonnet-4-6: answered 404: model not found (1 asked)
        too late: circuit_break_provider by the runbook, because claude-sonnet-4-6: no whole reply in time (1 asked)
    "#]].assert_eq(&lines);
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
    world.reject("alice", &id).await.text();
    world.settle().await;
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
