//! The one text that an event has a part in and that wakes somebody: a page, where the gateway cannot be read.

use domain::action::{Action, PageOncall};
use domain::incident::EventType;
use domain::value::MAX_NAME_BYTES;
use expect_test::expect;
use testkit::hostile::{self, Place};
use testkit::sample;
use tests::{World, walk};

use super::{HARMLESS, Outcome, Way, work};

/// What the person woken reads, where the gateway cannot be read; `None` where the event is given up.
fn page(event_type: EventType, place: &Place, text: &str) -> Option<PageOncall> {
    let world = World::new(sample::inventory());
    world.reading.outages.next(usize::MAX);
    let traces = walk::now(work(
        &world,
        &hostile::event_with(event_type, place, text),
        Way::Ingest,
    ));
    match traces.outcome {
        Outcome::GivenUp(_) => None,
        Outcome::Proposed(executable) => {
            assert_eq!(executable.preview.plan.changes, []);
            match executable.action {
                Action::PageOncall(page) => Some(page),
                other => panic!("{other} while the gateway cannot be read"),
            }
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_page_holds_at_most_a_name() {
    let corpus = hostile::injections();
    // Where a page shows nothing of a place, the first text of each family stands for the rest.
    let mut few = corpus.clone();
    few.dedup_by(|one, before| one.family == before.family);
    let mut named = Vec::new();
    for event_type in EventType::ALL {
        for place in hostile::places(event_type) {
            let Some(harmless) = page(event_type, &place, HARMLESS) else {
                continue;
            };
            let shows = harmless.summary.contains(HARMLESS);
            if shows {
                named.push(format!("{} {place}: {}", event_type.name(), harmless.summary));
            }
            for injection in if shows { &corpus } else { &few } {
                let what = format!("{} {place} {injection}", event_type.name());
                let Some(page) = page(event_type, &place, &injection.text) else {
                    continue;
                };
                assert_eq!(page.severity, harmless.severity, "{what}");
                assert!(!page.summary.chars().any(char::is_control), "{what}: {page:?}");
                assert!(page.summary.chars().count() <= PageOncall::MAX_CHARS, "{what}");
                if shows {
                    assert!(injection.text.len() <= MAX_NAME_BYTES, "{what}");
                } else {
                    assert_eq!(page.summary, harmless.summary, "{what}");
                }
            }
        }
    }
    expect![[r#"
        provider.unhealthy /detail/provider: provider harmless fails 62.0 % of 180 requests in 300 s
        budget.exceeded /detail/scope: harmless payments of team payments spent 104.37 USD of its hard limit of 100.00 USD
        budget.exceeded /detail/scope_id: team harmless spent 104.37 USD of its hard limit of 100.00 USD
        sla.violation /detail/sla_id: contract harmless: p95 is 3400 ms, target 2000 ms
        latency.spike /detail/provider: provider harmless takes 2000 ms, 400 ms is its one-hour median"#]]
    .assert_eq(&named.join("\n"));
}
