//! Every strange answer of a model: one proposal, or one clear decline.

use super::*;

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
