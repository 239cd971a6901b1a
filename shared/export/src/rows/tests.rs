//! The rows are exactly those that a filter takes, and what does not hold is named.

mod reads;

use std::collections::BTreeMap;

use domain::action::ActionKind;
use domain::trail::{Actor, Control, Entry};
use domain::value::{OperatorId, TeamId};
use futures::TryStreamExt as _;
use testkit::story::{Story, pages};
use testkit::{MemoryTrail, sample};
use trail::walk::Window;

use super::*;
use crate::{Column, proposals};
use domain::proposal::{Decision, State};

/// A proposal in every state, and two pages of teams, which bob and alice reject.
fn stories() -> Vec<Story> {
    let of_team = |team: &str, by: &str| {
        let received = Story::received(&sample::budget_exceeded(team));
        received
            .proposes(pages())
            .is_scored(Decision::Gate)
            .is_rejected(by)
    };
    let mut stories = Story::in_every_state();
    stories.extend([of_team("payments", "bob"), of_team("search", "alice")]);
    stories
}

/// Those, at most a day apart, under ids of their own; and a pause.
fn trail() -> MemoryTrail {
    let trail = MemoryTrail::new();
    for (number, story) in stories().iter().enumerate() {
        moved(story, number as u64).write(&trail);
    }
    let fact = Control::default().pause("a test", sample::now()).unwrap();
    let entry = Entry::first(StreamId::Control, sample::now(), Actor::System, &fact, None);
    trail.insert(entry).unwrap();
    trail
}

/// A story of another time, and of another generation of its trouble.
struct Moved(Vec<Entry>);

fn moved(story: &Story, number: u64) -> Moved {
    let entries = story.entries().iter().map(|entry| {
        let StreamId::Proposal(id) = &entry.stream else {
            unreachable!("a story is a proposal's")
        };
        let generation = u32::try_from(number).unwrap() + 1;
        let id = domain::value::ProposalId::new(id.fingerprint().clone(), generation);
        Entry {
            stream: StreamId::Proposal(id),
            at: entry.at.plus_seconds(number * 6_000),
            body: later(&entry.body, number * 6_000),
            ..entry.clone()
        }
    });
    Moved(entries.collect())
}

/// A body with every instant so many seconds later.
fn later(body: &str, seconds: u64) -> String {
    const LENGTH: usize = "2026-11-22T10:00:00.000Z".len();
    let (mut text, mut left) = (String::new(), body);
    while let Some(at) = left.find("\"2026-") {
        let (before, rest) = left.split_at(at + 1);
        let instant: Timestamp = rest[..LENGTH].parse().unwrap();
        text.push_str(before);
        text.push_str(&instant.plus_seconds(seconds).to_string());
        left = &rest[LENGTH..];
    }
    text + left
}

impl Moved {
    /// Decisions name the records of the other stream: only the chain is made anew, and what does not follow is a fault.
    fn write(self, trail: &MemoryTrail) {
        let mut prev = None;
        let mut digests: BTreeMap<String, String> = BTreeMap::new();
        let mut old = Vec::new();
        for mut entry in self.0 {
            for (from, to) in &digests {
                entry.body = entry.body.replace(from, to);
            }
            old.push(entry.prev);
            if let (Some(Some(from)), Some(to)) = (old.last(), prev) {
                let to: domain::value::Digest = to;
                digests.insert(from.to_string(), to.to_string());
                entry.body = entry.body.replace(&from.to_string(), &to.to_string());
            }
            entry.prev = prev;
            prev = Some(trail.insert(entry).unwrap().digest);
        }
    }
}

fn whole() -> Window {
    Window {
        since: sample::now().minus_seconds(7_200),
        until: sample::now().plus_seconds(100_000),
    }
}

async fn found(trail: &MemoryTrail, table: Table, filter: &Filter) -> (Vec<Vec<String>>, Vec<String>) {
    let found: Vec<Found> = rows(trail, table, filter)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    for one in found {
        match one {
            Found::Row(cells) => rows.push(cells.iter().map(|cell| cell.plain().into_owned()).collect()),
            Found::Fault(fault) => faults.push(fault),
            Found::Hour(_) | Found::Read(_) => {}
        }
    }
    (rows, faults)
}

fn at<T>(columns: &[Column<T>], name: &str) -> usize {
    columns.iter().position(|column| column.name == name).unwrap()
}

fn team(id: &str) -> TeamId {
    TeamId::new(id).unwrap()
}

fn id(id: &str) -> OperatorId {
    OperatorId::new(id).unwrap()
}

#[tokio::test]
async fn every_proposal_is_one_row_and_every_record_one() {
    let trail = trail();
    let (rows, faults) = found(&trail, Table::Proposals, &Filter::all(whole())).await;
    assert_eq!(faults, Vec::<String>::new());
    let outcome = at(&proposals::COLUMNS, "outcome");
    let outcomes: Vec<&str> = rows.iter().map(|row| row[outcome].as_str()).collect();
    assert_eq!(outcomes, stories().iter().map(Story::state).collect::<Vec<_>>());
    let outcomes: BTreeSet<&str> = outcomes.into_iter().collect();
    assert_eq!(outcomes, BTreeSet::from(State::NAMES));
    let (rows, _) = found(&trail, Table::Records, &Filter::all(whole())).await;
    assert_eq!(rows.len(), trail.everything().len());
    let digests: BTreeSet<&String> = rows
        .iter()
        .map(|row| &row[at(&records::COLUMNS, "digest")])
        .collect();
    assert_eq!(digests.len(), rows.len(), "each once");
}

#[tokio::test]
async fn the_rows_are_those_of_the_filter_for_fifty_of_them() {
    let trail = trail();
    let (all, _) = found(&trail, Table::Proposals, &Filter::all(whole())).await;
    let (every, _) = found(&trail, Table::Records, &Filter::all(whole())).await;
    let mut seed = 11_u64;
    let mut below = |bound: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % bound
    };
    let (mut some, mut none) = (0, 0);
    // Of a kind of filter and what a row has for it: whether that is what was asked for.
    let mut judged: BTreeSet<(String, bool)> = BTreeSet::new();
    for _ in 0..50 {
        let since = sample::now().plus_seconds(below(60_000));
        let window = match below(2) {
            0 => whole(),
            _ => Window {
                since,
                until: since.plus_seconds(1 + below(60_000)),
            },
        };
        let filter = Filter {
            window,
            source: [None, Some("sre-agent"), Some("another")][usize::try_from(below(3)).unwrap()]
                .map(str::to_owned),
            action: (below(3) == 0).then_some(
                [ActionKind::CircuitBreakProvider, ActionKind::PageOncall]
                    [usize::try_from(below(2)).unwrap()],
            ),
            operator: (below(3) == 0).then(|| id(["alice", "bob"][usize::try_from(below(2)).unwrap()])),
            team: (below(6) == 0).then(|| team(["payments", "search"][usize::try_from(below(2)).unwrap()])),
            outcome: (below(3) == 0).then(|| State::NAMES[usize::try_from(below(14)).unwrap()]),
        };
        let cell = |row: &Vec<String>, name: &str| row[at(&proposals::COLUMNS, name)].clone();
        let about = |row: &Vec<String>| {
            filter
                .action
                .is_none_or(|action| cell(row, "action") == action.name())
                && filter
                    .team
                    .as_ref()
                    .is_none_or(|team| cell(row, "team") == team.to_string())
                && filter
                    .outcome
                    .is_none_or(|outcome| cell(row, "outcome") == outcome)
        };
        for row in &all {
            let wanted = [
                ("action", filter.action.map(|action| action.to_string())),
                ("team", filter.team.as_ref().map(ToString::to_string)),
                ("operators", filter.operator.as_ref().map(ToString::to_string)),
                ("outcome", filter.outcome.map(str::to_owned)),
            ];
            for (kind, wanted) in wanted {
                judged.extend(wanted.map(|wanted| (kind.to_owned(), cell(row, kind).contains(&wanted))));
            }
        }
        let source = |found: String| filter.source.as_ref().is_none_or(|source| *source == found);
        let expected: Vec<Vec<String>> = all
            .iter()
            .filter(|row| {
                let did = format!(
                    "\"operator\":\"{}\"",
                    filter
                        .operator
                        .as_ref()
                        .map_or(String::new(), ToString::to_string)
                );
                window.holds(cell(row, "opened").parse().unwrap())
                    && about(row)
                    && source(cell(row, "source"))
                    && (filter.operator.is_none() || cell(row, "operators").contains(&did))
            })
            .cloned()
            .collect();
        assert_eq!(
            found(&trail, Table::Proposals, &filter).await.0,
            expected,
            "{filter:?}"
        );

        let of = |row: &Vec<String>, name: &str| row[at(&records::COLUMNS, name)].clone();
        let wanted = every.iter().filter(|row| {
            let proposal = all
                .iter()
                .find(|case| of(row, "stream") == format!("proposal/{}", cell(case, "id")));
            let about = match proposal {
                Some(case) => about(case),
                None => filter.action.is_none() && filter.team.is_none() && filter.outcome.is_none(),
            };
            about
                && window.holds(of(row, "at").parse().unwrap())
                && source(of(row, "source"))
                && filter
                    .operator
                    .as_ref()
                    .is_none_or(|operator| of(row, "operator") == operator.to_string())
        });
        let wanted: Vec<Vec<String>> = wanted.cloned().collect();
        match wanted.len() {
            0 => none += 1,
            _ => some += 1,
        }
        assert_eq!(
            found(&trail, Table::Records, &filter).await.0,
            wanted,
            "{filter:?}"
        );
    }
    assert!(some > 5 && none > 5, "{some} and {none}");
    assert_eq!(
        judged.len(),
        8,
        "each kind takes a row and leaves another: {judged:?}"
    );
}

#[tokio::test]
async fn each_kind_of_filter_takes_some_rows_and_leaves_others() {
    let trail = trail();
    let all = Filter::all(whole());
    let (every, _) = found(&trail, Table::Proposals, &all).await;
    let (every_record, _) = found(&trail, Table::Records, &all).await;
    let of_action = |action| Filter {
        action: Some(action),
        ..all.clone()
    };
    let of_team = |name| Filter {
        team: Some(team(name)),
        ..all.clone()
    };
    let of_operator = |name| Filter {
        operator: Some(id(name)),
        ..all.clone()
    };
    let of_outcome = |outcome| Filter {
        outcome: Some(outcome),
        ..all.clone()
    };
    for (filter, column, holds) in [
        (of_action(ActionKind::PageOncall), "action", "page_oncall"),
        (
            of_action(ActionKind::CircuitBreakProvider),
            "action",
            "circuit_break_provider",
        ),
        (of_team("payments"), "team", "payments"),
        (of_team("search"), "team", "search"),
        (of_operator("alice"), "operators", "\"operator\":\"alice\""),
        (of_operator("bob"), "operators", "\"operator\":\"bob\""),
        (of_outcome("rejected"), "outcome", "rejected"),
        (of_outcome("restored"), "outcome", "restored"),
    ] {
        let column = at(&proposals::COLUMNS, column);
        let (rows, _) = found(&trail, Table::Proposals, &filter).await;
        let expected: Vec<_> = every.iter().filter(|row| row[column].contains(holds)).collect();
        assert_eq!(rows.iter().collect::<Vec<_>>(), expected, "{filter:?}");
        let (records, _) = found(&trail, Table::Records, &filter).await;
        for (taken, of) in [(rows.len(), every.len()), (records.len(), every_record.len())] {
            assert!(0 < taken && taken < of, "{taken} of {of}: {filter:?}");
        }
    }
}

#[tokio::test]
async fn what_does_not_hold_is_a_row_that_says_so_and_is_named_whatever_the_filter() {
    let trail = trail();
    let stream = trail
        .streams()
        .into_iter()
        .find(|stream| trail.records(stream).len() > 4)
        .unwrap();
    let mut changed = trail.records(&stream)[3].clone();
    changed.body.push(' ');
    trail.overwrite(changed);
    let (rows, faults) = found(&trail, Table::Proposals, &Filter::all(whole())).await;
    let integrity = at(&proposals::COLUMNS, "integrity");
    let fault =
        format!("record 4 of {stream} does not match its digest: it was changed after it was written");
    assert_eq!(
        rows.iter()
            .filter(|row| row[integrity] == format!("does not hold: {fault}"))
            .count(),
        1
    );
    assert_eq!(
        rows.iter().filter(|row| row[integrity] == "holds").count(),
        rows.len() - 1
    );
    assert_eq!(faults, std::slice::from_ref(&fault));
    let nobody = Filter {
        operator: Some(id("nobody")),
        ..Filter::all(whole())
    };
    assert_eq!(
        found(&trail, Table::Proposals, &nobody).await,
        (Vec::new(), vec![fault.clone()])
    );
    let (rows, _) = found(&trail, Table::Records, &Filter::all(whole())).await;
    let holds = at(&records::COLUMNS, "holds");
    assert_eq!(
        rows.iter()
            .filter(|row| row[holds] == format!("no: {fault}"))
            .count(),
        1
    );
    assert!(
        rows.iter()
            .any(|row| row[holds] == "unknown: record 4 before it does not hold")
    );
}

#[tokio::test]
async fn an_outage_is_an_error_and_not_fewer_rows() {
    let trail = trail();
    let filter = Filter::all(whole());
    trail.hide(format!("{}/0", sample::now().hour()));
    let found: Result<Vec<Found>, _> = rows(&trail, Table::Records, &filter)
        .await
        .unwrap()
        .try_collect()
        .await;
    assert!(found.is_err());
}
