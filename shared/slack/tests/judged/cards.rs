//! The card of a proposal in each state, of each action.

use domain::action::{
    Action, BumpBudgetCap, DisableGuardrail, DisableSlaContract, PageOncall, RaiseRateLimit,
};
use domain::incident::Severity;
use domain::permission::Operator;
use domain::proposal::{Acknowledged, Decider, Decision, Factor, ProposalFact, Repeated, UndoDecided, Voted};
use domain::telling::Card;
use domain::trail::{Actor, Control, Fact as _, Pause, Switches};
use domain::value::{BudgetOwner, Digest, EventId, GuardrailId, Micros, SlaId, TeamId};
use testkit::sample;
use testkit::story::{Story, breaks, pages, person, reroutes, second};

/// One of each action.
pub(crate) fn actions() -> Vec<Action> {
    let long = PageOncall {
        severity: Severity::Critical,
        summary: "openai fails, and chat with it ".repeat(10).trim().to_owned(),
    };
    vec![
        breaks(),
        reroutes(),
        pages(),
        Action::PageOncall(long),
        Action::RaiseRateLimit(RaiseRateLimit {
            team: TeamId::new("payments").unwrap(),
            rpm_percent: Some(20),
            tpm_percent: Some(10),
        }),
        Action::DisableGuardrail(DisableGuardrail {
            guardrail: GuardrailId::new("pii").unwrap(),
        }),
        Action::BumpBudgetCap(BumpBudgetCap {
            owner: BudgetOwner::parse("team", "payments").unwrap(),
            hard_cap: Micros(120_500_000),
        }),
        Action::DisableSlaContract(DisableSlaContract {
            sla_id: SlaId::new("gold").unwrap(),
        }),
    ]
}

/// Stories that have a card, by name.
pub(crate) fn stories() -> Vec<(String, Story)> {
    let mut all = Vec::new();
    for story in Story::in_every_state() {
        all.push((format!("state.{}", story.state()), story));
    }
    for (nth, action) in actions().into_iter().enumerate() {
        let name = |state: &str| format!("{}.{nth}.{state}", action.kind());
        all.push((name("awaiting"), Story::awaiting(action.clone())));
        all.push((name("approved"), Story::approved(action.clone())));
        all.push((name("succeeded"), Story::succeeded(action.clone())));
        all.push((name("auto"), Story::scored(action, Decision::Auto)));
    }
    let undo = Story::undo_requested();
    let rejected = ProposalFact::UndoRejected(UndoDecided {
        requested: undo.last().digest,
        reason: Some("it helps".to_owned()),
        policy: None,
        decider: None,
    });
    all.push(("undo.requested".to_owned(), undo.clone()));
    all.push((
        "undo.rejected".to_owned(),
        undo.then(70, person("bob"), &rejected),
    ));
    all.push(("undo.approved".to_owned(), Story::undo_approved()));
    all.push(("quorum.none".to_owned(), quorum()));
    all.push(("quorum.one".to_owned(), voted(quorum())));
    all.push(("repeated".to_owned(), repeated()));
    all.push(("called".to_owned(), Story::called()));
    let seen_to = ProposalFact::Acknowledged(Acknowledged {
        reason: "failed over by hand".to_owned(),
        decider: Decider {
            groups: vec!["sre".to_owned()],
            directory: Digest::of(b"directory"),
        },
    });
    all.push((
        "called.seen_to".to_owned(),
        Story::called().then(70, person("bob"), &seen_to),
    ));
    all
}

/// It waits for two people, and its score has more factors than a card shows.
fn quorum() -> Story {
    let asked = Story::awaiting(reroutes());
    let ProposalFact::Scored(mut scored) = ProposalFact::read(asked.last()).unwrap() else {
        unreachable!("a proposal waits since it was scored");
    };
    scored.approvals_needed = 2;
    scored.factors = (1..=9)
        .map(|points| Factor {
            name: format!("factor-{points}"),
            points: points - 5,
            because: "of the test".to_owned(),
        })
        .collect();
    Story::proposed(reroutes()).then(20, Actor::Agent, &ProposalFact::Scored(scored))
}

fn voted(story: Story) -> Story {
    let fact = ProposalFact::Voted(Voted {
        scored: story.last().digest,
        policy: Digest::of(b"policy"),
        extension: None,
        decider: None,
    });
    story.then(30, person("alice"), &fact)
}

fn repeated() -> Story {
    let fact = ProposalFact::Repeated(Repeated {
        event_id: EventId::new("evt-2").unwrap(),
        occurred_at: second(25),
        content: None,
        source: None,
        complaints: Vec::new(),
        worse: None,
    });
    Story::awaiting(breaks()).then(25, Actor::Agent, &fact)
}

/// Every card, by name: of each story; with nobody who may approve; paused; after the deadline.
pub(crate) fn cards() -> Vec<(String, Story, Card)> {
    let directory = sample::operators();
    let deciders: Vec<&Operator> = directory.operators().iter().collect();
    let paused = Control::of(
        1,
        Switches {
            paused: Some(Pause {
                since: second(25),
                reason: "a release".to_owned(),
            }),
            ..Switches::default()
        },
    );
    let mut all = Vec::new();
    for (name, story) in stories() {
        let mut card = |how: &str, deciders: &[&Operator], control: &Control, seconds| {
            let card = Card::of(story.proposal(), deciders, control, second(seconds));
            all.extend(card.map(|card| (format!("{name}{how}"), story.clone(), card)));
        };
        card("", &deciders, &Control::default(), 400);
        card(".nobody", &[], &Control::default(), 400);
        card(".paused", &deciders, &paused, 400);
        card(".late", &deciders, &Control::default(), 2000);
    }
    all
}
