//! The labelled set is sound, its numbers are computed right, and what is judged is what production does.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use domain::action::ActionKind;
use domain::incident::EventType;
use domain::ports::{Brief, Clock, Conclusion, Reasoner, Unavailable};
use domain::proposal::{DeclineReason, Declined, Proposer, Reasoning};
use domain::value::{Deployment, Limits, Micros};
use eval::expected::Expected;
use eval::judge::{Answer, Terms, Verdict, judge};
use eval::reasoners::Choice;
use eval::report::{line, scores, table};
use eval::set::{Incident, Split, load};
use expect_test::expect;
use runtime::queue::Delivery;
use serde_json::json;
use testkit::{FakeGateway, FrozenClock, MemoryPayloads, MemoryTrail, sample};
use trail::{KnownIncidents, load_proposal};

fn limits() -> Limits {
    Deployment::default().limits
}

async fn run<'a>(
    reasoner: &dyn Reasoner,
    clock: &FrozenClock,
    incidents: &'a [Incident],
) -> Vec<(&'a Incident, Verdict)> {
    let limits = limits();
    let terms = Terms {
        clock,
        limit_s: 45,
        limits: &limits,
    };
    let mut judged = Vec::new();
    for incident in incidents {
        judged.push((incident, judge(terms, reasoner, incident).await));
    }
    judged
}

#[test]
fn the_set_is_large_enough_and_halved() {
    let set = load().unwrap();
    assert!(set.len() >= 64, "{}", set.len());
    let ids: BTreeSet<&str> = set.iter().map(|incident| incident.id.as_str()).collect();
    assert_eq!(ids.len(), set.len());
    let [dev, held_out] = Split::ALL.map(|split| set.iter().filter(|one| one.split == split).count());
    assert_eq!(dev, held_out);
}

#[test]
fn every_event_type_and_every_best_answer_is_in_both_halves() {
    for split in Split::ALL {
        let set: Vec<_> = load()
            .unwrap()
            .into_iter()
            .filter(|one| one.split == split)
            .collect();
        let types: BTreeSet<_> = set.iter().map(|one| one.event.event_type()).collect();
        assert_eq!(types, BTreeSet::from(EventType::ALL));
        let best: BTreeSet<_> = set
            .iter()
            .filter_map(|one| match &one.expect[0] {
                Expected::Act { action, .. } => Some(*action),
                Expected::Decline(_) => None,
            })
            .collect();
        assert_eq!(best, BTreeSet::from(ActionKind::ALL));
        assert!(set.iter().any(|one| one.expect[0].is_decline()));
    }
}

#[test]
fn every_label_is_justified_and_possible() {
    for incident in load().unwrap() {
        let id = &incident.id;
        assert!(incident.why.ends_with('.') && !incident.expect.is_empty(), "{id}");
        for expected in &incident.expect {
            for action in expected.edges().unwrap() {
                assert!(expected.takes(&action), "{id}: {action}");
                if let Err(complaints) = action.check(&incident.event, incident.inventory.as_ref(), &limits())
                {
                    panic!("{id}: {action}: {complaints:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn what_is_declined_by_rule_is_labelled_so() {
    let clock = FrozenClock::default();
    let set = load().unwrap();
    for (incident, verdict) in run(&Asleep, &clock, &set).await {
        let labelled = [DeclineReason::Contradiction, DeclineReason::Unconfirmed]
            .iter()
            .any(|reason| incident.expect[0].takes_reason(*reason));
        assert_eq!(!verdict.asked, labelled, "{}", incident.id);
        assert_eq!(verdict.parameters_match, labelled, "{}", incident.id);
    }
}

struct Asleep;

#[async_trait]
impl Reasoner for Asleep {
    async fn reason(&self, _: &Brief<'_>) -> Result<Conclusion, Unavailable> {
        Err(Unavailable::new("the model", "it sleeps"))
    }
}

/// What the handler records of an incident.
async fn recorded(incident: &Incident, reasoner: &dyn Reasoner) -> Answer {
    let clock = FrozenClock::at(incident.received_at);
    let inventory = incident.inventory.clone();
    let readable = inventory.is_some();
    let gateway = testkit::Outside::new(inventory.unwrap_or_else(sample::inventory), &clock);
    let gateway = FakeGateway::new(&gateway);
    if !readable {
        gateway.outages.next(usize::MAX);
    }
    let trail = MemoryTrail::new();
    let deps = ingest_and_propose::Deps {
        trail: &trail,
        incidents: &KnownIncidents::default(),
        payloads: &MemoryPayloads::default(),
        gateway: &gateway,
        reasoner,
        clock: &clock,
        deployment: &Deployment::default(),
        sources: &ingest_and_propose::sources::Sources::parse(&["llm-gateway".to_owned()], &[]).unwrap(),
        deadline: clock.now().plus_seconds(45),
        lease_s: 60,
    };
    let delivery = Delivery {
        body: &incident.text,
        receives: 1,
    };
    ingest_and_propose::handle(&deps, delivery).await.unwrap();
    let proposal = load_proposal(&trail, &sample::proposal_of(&incident.event)).await;
    let proposal = proposal.unwrap().unwrap();
    match (proposal.proposed(), proposal.declined()) {
        (Some(proposed), None) => Answer::Act(proposed.action.clone()),
        (None, Some(declined)) => Answer::Decline(declined.reason),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_answer_is_what_production_records() {
    let clock = FrozenClock::default();
    let runbook = Choice::Runbook.build(&limits()).unwrap();
    let set = load().unwrap();
    for (incident, verdict) in run(&*runbook, &clock, &set).await {
        assert_eq!(
            recorded(incident, &*runbook).await,
            verdict.answer,
            "{}",
            incident.id
        );
    }
    // What is not possible is declined there, and counts as wrong here.
    let obsessed = Obsessed;
    for (incident, verdict) in run(&obsessed, &clock, &set).await {
        let expected = match verdict.answer {
            Answer::Invalid(..) => Answer::Decline(DeclineReason::OutOfScope),
            other => other,
        };
        assert_eq!(recorded(incident, &obsessed).await, expected, "{}", incident.id);
    }
}

/// Always wants the same provider broken.
struct Obsessed;

#[async_trait]
impl Reasoner for Obsessed {
    async fn reason(&self, _: &Brief<'_>) -> Result<Conclusion, Unavailable> {
        let action = json!({"action": "circuit_break_provider", "provider": "openai", "duration_s": 60});
        Ok(Conclusion::Propose {
            action: serde_json::from_value(action).unwrap(),
            rationale: "It is always openai.".to_owned(),
            proposer: Proposer::Model(reasoning("1.00")),
        })
    }
}

fn reasoning(cost: &str) -> Reasoning {
    Reasoning {
        model: "scripted".to_owned(),
        transcript: domain::value::Digest::of(b""),
        prompt_version: 1,
        prompt: domain::value::Digest::of(b""),
        requests: 1,
        turns: 1,
        input_tokens: 1,
        output_tokens: 1,
        cost: cost.parse().unwrap(),
        took_ms: 1,
    }
}

/// Answers by the id of the incident's event, each time 100 ms slower than before.
struct Scripted {
    clock: FrozenClock,
    taken: std::sync::atomic::AtomicU64,
}

#[async_trait]
impl Reasoner for Scripted {
    async fn reason(&self, brief: &Brief<'_>) -> Result<Conclusion, Unavailable> {
        let times = self.taken.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
        self.clock.advance(Duration::from_millis(100 * times));
        assert_eq!(brief.received.lease_until, brief.deadline);
        let action = match brief.received.event.event_id.as_str() {
            // The best answer, an acceptable one, and one with a parameter out of its range.
            "evt-ls-openai-chat" => {
                json!({"action": "reroute_model_group", "model_group": "chat", "from": "openai", "to": "anthropic"})
            }
            "evt-pu-openai-down" => {
                json!({"action": "reroute_model_group", "model_group": "chat", "from": "openai", "to": "anthropic"})
            }
            "evt-pu-blip" => {
                json!({"action": "circuit_break_provider", "provider": "bedrock", "duration_s": 300})
            }
            // Not possible, and not acceptable.
            "evt-be-org-hard" => {
                json!({"action": "bump_budget_cap", "scope": "org", "scope_id": "meridian", "hard_cap": "99999.00"})
            }
            "evt-be-soft-team" => {
                json!({"action": "page_oncall", "severity": "info", "summary": "a soft limit"})
            }
            // Declined: once wrongly, once rightly.
            "evt-pu-info-but-total" => return Ok(declines()),
            "evt-be-soft-org" => return Ok(declines()),
            other => return Err(Unavailable::new("the script", other)),
        };
        Ok(Conclusion::Propose {
            action: serde_json::from_value(action).unwrap(),
            rationale: "The script says so.".to_owned(),
            proposer: Proposer::Model(reasoning("0.25")),
        })
    }
}

fn declines() -> Conclusion {
    Conclusion::Decline(Declined {
        reason: DeclineReason::NothingToDo,
        explanation: "The script says so.".to_owned(),
        proposer: Some(Proposer::Model(reasoning("0.10"))),
        borne_out: None,
    })
}

#[tokio::test]
async fn verdicts_add_up() {
    let meant = [
        "ls-openai-chat",
        "pu-openai-down",
        "pu-blip",
        "be-org-hard",
        "be-soft-team",
        "pu-info-but-total",
        "be-soft-org",
        "ls-unreadable",
        "pu-contradiction",
    ];
    let mut set = load().unwrap();
    set.retain(|incident| meant.contains(&incident.id.as_str()));
    set.sort_by_key(|incident| meant.iter().position(|id| *id == incident.id));
    let scripted = Scripted {
        clock: FrozenClock::default(),
        taken: 0.into(),
    };
    let judged = run(&scripted, &scripted.clock, &set).await;
    let lines: Vec<String> = judged
        .iter()
        .map(|(incident, verdict)| {
            let line = line(incident, verdict);
            line.split("  [").next().unwrap().to_owned()
        })
        .collect();
    expect![[r#"
        right       ls-openai-chat  re-route model group chat from openai to anthropic
        right       pu-openai-down  re-route model group chat from openai to anthropic
        parameters  pu-blip  block provider bedrock for 300 s
        wrong       be-org-hard  invalid: raise the hard cap of org/meridian to 99999.00 USD: hard_cap of 99999.00 USD is above the policy's maximum of 10000.00 USD
        wrong       be-soft-team  page the on-call engineer (info): a soft limit
        wrong       pu-info-but-total  decline (nothing_to_do)
        right       be-soft-org  decline (nothing_to_do)
        wrong       ls-unreadable  no answer: the script is unavailable: evt-ls-unreadable
        right       pu-contradiction  decline (contradiction)"#]].assert_eq(&lines.join("\n"));
    let scores = scores(&judged);
    expect![[r#"
        set                 n  asked    action  parameters      best  declined  rightly  wrongly  acted wrongly  invalid  failed  cost USD  p50 ms  p95 ms
        all                 9      8  5 (56 %)    4 (44 %)  3 (33 %)         3        2        1              1        1       1      1.45     400     800
        dev                 7      6  4 (57 %)    3 (43 %)  2 (29 %)         2        1        1              1        1       0      1.35     300     600
        held_out            2      2  1 (50 %)    1 (50 %)  1 (50 %)         1        1        0              0        0       1      0.10     700     800
        provider.unhealthy  4      3  3 (75 %)    2 (50 %)  1 (25 %)         2        1        1              0        0       0      0.60     300     600
        budget.exceeded     3      3  1 (33 %)    1 (33 %)  1 (33 %)         1        1        0              1        1       0      0.60     500     700
        latency.spike       2      2  1 (50 %)    1 (50 %)  1 (50 %)         0        0        0              0        0       1      0.25     100     800
    "#]].assert_eq(&table(&scores));
    let total = Micros(4 * 250_000 + 250_000 + 2 * 100_000);
    assert_eq!(scores[0].cost, total);
}

/// The runbook's result is in the documents: a rule that changes changes both.
#[tokio::test]
async fn the_runbook_is_the_baseline() {
    let clock = FrozenClock::default();
    let runbook = Choice::Runbook.build(&limits()).unwrap();
    let set = load().unwrap();
    let judged = run(&*runbook, &clock, &set).await;
    let table = table(&scores(&judged));
    expect![[r#"
        set                  n  asked      action  parameters       best  declined  rightly  wrongly  acted wrongly  invalid  failed  cost USD  p50 ms  p95 ms
        all                 82     70   75 (91 %)   72 (88 %)  60 (73 %)        17       16        1              0        0       0      0.00       0       0
        dev                 41     35   38 (93 %)   37 (90 %)  31 (76 %)         9        9        0              0        0       0      0.00       0       0
        held_out            41     35   37 (90 %)   35 (85 %)  29 (71 %)         8        7        1              0        0       0      0.00       0       0
        provider.unhealthy  22     18  22 (100 %)   19 (86 %)  17 (77 %)         4        4        0              0        0       0      0.00       0       0
        budget.exceeded     20     17   16 (80 %)   16 (80 %)  15 (75 %)         8        7        1              0        0       0      0.00       0       0
        sla.violation       22     19   19 (86 %)   19 (86 %)  14 (64 %)         3        3        0              0        0       0      0.00       0       0
        latency.spike       18     16  18 (100 %)  18 (100 %)  14 (78 %)         2        2        0              0        0       0      0.00       0       0
    "#]].assert_eq(&table);
    let page = include_str!("../../docs/evaluation.md");
    for row in table.lines() {
        let cells: Vec<&str> = row
            .split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .collect();
        // What a reasoner costs and takes is not the runbook's to show.
        let row = format!("| {} |", cells[..12].join(" | "));
        assert!(page.contains(&row), "the evaluation page has no row {row}");
    }
}

/// What the runbook gets wrong in the half that may be looked at.
#[tokio::test]
async fn the_runbook_knows_its_limits() {
    let clock = FrozenClock::default();
    let runbook = Choice::Runbook.build(&limits()).unwrap();
    let mut set = load().unwrap();
    set.retain(|incident| incident.split == Split::Dev);
    let judged = run(&*runbook, &clock, &set).await;
    let wrong: Vec<String> = judged
        .iter()
        .filter(|(_, verdict)| !verdict.parameters_match)
        .map(|(incident, verdict)| line(incident, verdict))
        .collect();
    expect![[r#"
        wrong       be-critical-team-day-end  page the on-call engineer (critical): team search spent 1504.00 USD of its hard limit of 1500.00 USD  [A critical team is refused half an hour before its day ends: a small raise carries it over.]
        wrong       be-critical-team-month-end  page the on-call engineer (critical): team checkout spent 2003.10 USD of its hard limit of 2000.00 USD  [A critical team is refused four hours before its month ends, and the organisation has 2100 USD left: a little more costs little.]
        parameters  pu-blip  block provider bedrock for 300 s  [Three failures of nine in a minute: at most a short break, a look, or nothing; five minutes away from bedrock are not justified.]
        wrong       sv-rate-limited-team  page the on-call engineer (warning): contract support-answers: success rate is 91.0 %, target 99.0 %  [Every provider is well, and the team sends exactly its 900 requests a minute: what fails is what its own limit refuses.]"#]].assert_eq(&wrong.join("\n"));
}

/// Whether anything but a page and to decline is acceptable.
fn may_act(incident: &Incident) -> bool {
    incident.expect.iter().any(|expected| match expected {
        Expected::Act { action, .. } => *action != ActionKind::PageOncall,
        Expected::Decline(_) => false,
    })
}

/// An alert that no other action answers leads to a page or to nothing. The one exception is the runbook's: it does
/// not ask how the other deployments do.
#[tokio::test]
async fn out_of_scope_leads_to_a_page_or_to_nothing() {
    let clock = FrozenClock::default();
    let runbook = Choice::Runbook.build(&limits()).unwrap();
    let mut set = load().unwrap();
    set.retain(|incident| incident.split == Split::Dev && !may_act(incident));
    assert!(set.len() >= 15, "{}", set.len());
    let judged = run(&*runbook, &clock, &set).await;
    let acted: Vec<&str> = judged
        .iter()
        .filter(|(_, verdict)| !verdict.action_matches)
        .map(|(incident, _)| incident.id.as_str())
        .collect();
    expect![""].assert_eq(&acted.join("\n"));
}
