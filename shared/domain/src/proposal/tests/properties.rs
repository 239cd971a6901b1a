//! Whatever is written: it replays, or the first record that cannot follow is named.

use proptest::prelude::*;

use super::plausible::facts;
use crate::proposal::{IllegalTransition, Kind, Proposal, State};
use crate::samples::*;
use crate::trail::{Actor, Entry, Record, StreamId};

/// So many kinds change the state; the rest inform.
const CHANGING: usize = 19;

/// One step of a walk: how to choose the next record.
#[derive(Debug, Clone)]
struct Step {
    /// Which of the kinds; the next legal one where `steered`.
    kind: usize,
    variant: usize,
    steered: bool,
    /// Whether it may close the proposal, where steered.
    ends: bool,
    later_ms: u64,
    actor: Actor,
}

fn step() -> impl Strategy<Value = Step> {
    let actor = prop_oneof![
        Just(Actor::Agent),
        Just(Actor::System),
        prop_oneof![Just("alice"), Just("bob"), Just("carol")].prop_map(person),
    ];
    let later = prop_oneof![0..20_000_u64, 0..20_000_u64, 55_000..65_000_u64, 0..2_000_000_u64];
    (0..24_usize, any::<usize>(), 0..30_u8, 0..6_u8, later, actor).prop_map(
        |(kind, variant, steered, ends, later_ms, actor)| Step {
            kind,
            variant,
            steered: steered > 0,
            ends: ends == 0,
            later_ms,
            actor,
        },
    )
}

/// The records of a walk, legal or not: every record is sealed onto the one before it.
fn walk(requested_by: Option<&'static str>, steps: &[Step]) -> Vec<Record> {
    let mut records = Story::of(&unhealthy(), requested_by).records;
    let mut proposal = Proposal::replay(&records).unwrap();
    for step in steps {
        let last = &records[records.len() - 1];
        let when = last.at.plus_millis(step.later_ms);
        let sealed = |kind: Kind| -> Record {
            let mut candidates = facts(&proposal, kind, when);
            let fact = candidates.swap_remove(step.variant % candidates.len());
            let entry = Entry::after(last, when, step.actor.clone(), &fact);
            entry.seal(writer(last.seq + 1))
        };
        let goes_on = |record: &Record| match proposal.clone().apply(record) {
            Ok(next) => step.ends || !matches!(next.state(), State::Closed(_)),
            Err(_) => false,
        };
        // A steered step tries the kinds in some order of its own and takes the first that can follow.
        // Their number is a prime: every stride visits them all.
        let stride = 1 + step.variant % (CHANGING - 1);
        let steers = step.steered && !matches!(proposal.state(), State::Closed(_));
        let steered = (0..CHANGING)
            .map(|nth| Kind::ALL[(step.kind + nth * stride) % CHANGING])
            .filter(|_| steers);
        let record = steered
            .map(sealed)
            .find(goes_on)
            .unwrap_or_else(|| sealed(Kind::ALL[step.kind]));
        if let Ok(next) = proposal.clone().apply(&record) {
            proposal = next;
        }
        records.push(record);
    }
    records
}

fn walks() -> impl Strategy<Value = Vec<Record>> {
    let by = prop_oneof![Just(None), Just(Some("alice"))];
    (by, prop::collection::vec(step(), 0..30)).prop_map(|(by, steps)| walk(by, &steps))
}

/// One thing done to a sequence of records from outside.
#[derive(Debug, Clone)]
enum Mischief {
    Remove(usize),
    Repeat(usize),
    Swap(usize, usize),
    Kind(usize, usize),
    Body(usize, usize, char),
    Seq(usize, u64),
    Time(usize, i64),
    Stream(usize),
    Actor(usize, Actor),
}

fn mischief() -> impl Strategy<Value = Mischief> {
    let place = any::<usize>;
    prop_oneof![
        place().prop_map(Mischief::Remove),
        place().prop_map(Mischief::Repeat),
        (place(), place()).prop_map(|(a, b)| Mischief::Swap(a, b)),
        (place(), 0..24_usize).prop_map(|(at, kind)| Mischief::Kind(at, kind)),
        (place(), place(), any::<char>()).prop_map(|(at, byte, to)| Mischief::Body(at, byte, to)),
        (place(), any::<u64>()).prop_map(|(at, seq)| Mischief::Seq(at, seq)),
        (place(), any::<i64>()).prop_map(|(at, ms)| Mischief::Time(at, ms)),
        place().prop_map(Mischief::Stream),
        place().prop_map(|at| Mischief::Actor(at, person("mallory"))),
    ]
}

fn done(mischief: &Mischief, mut records: Vec<Record>) -> Vec<Record> {
    let count = records.len();
    if count == 0 {
        return records;
    }
    match mischief {
        Mischief::Remove(at) => {
            records.remove(at % count);
        }
        Mischief::Repeat(at) => records.insert(at % count, records[at % count].clone()),
        Mischief::Swap(a, b) => records.swap(a % count, b % count),
        Mischief::Kind(at, kind) => records[at % count].kind = Kind::ALL[*kind].name().to_owned(),
        Mischief::Body(at, byte, to) => {
            let mut body: Vec<char> = records[at % count].body.chars().collect();
            let length = body.len();
            body[byte % length] = *to;
            records[at % count].body = body.into_iter().collect();
        }
        Mischief::Seq(at, seq) => records[at % count].seq = *seq,
        Mischief::Time(at, ms) => {
            records[at % count].at = crate::value::Timestamp::from_millis(*ms);
        }
        Mischief::Stream(at) => records[at % count].stream = StreamId::Control,
        Mischief::Actor(at, actor) => records[at % count].actor = actor.clone(),
    }
    records
}

/// It replays, or names the first record that cannot follow: all before it replay, and with it none do.
fn replays_or_names_the_first_illegal_one(records: &[Record]) -> Result<(), TestCaseError> {
    let mut proposal: Option<Proposal> = None;
    let mut legal = 0;
    for record in records {
        let next = match &proposal {
            Some(before) => before.clone().apply(record),
            None => Proposal::replay(std::slice::from_ref(record)),
        };
        let Ok(next) = next else { break };
        proposal = Some(next);
        legal += 1;
    }
    prop_assert_eq!(Proposal::replay(&records[..legal]).ok(), proposal);
    match Proposal::replay(records) {
        Ok(proposal) => {
            prop_assert_eq!(legal, records.len());
            prop_assert_eq!(Some(proposal.last()), records.last());
            holds_together(&proposal, records)
        }
        Err(IllegalTransition { seq, kind, .. }) => {
            prop_assert!(legal < records.len() || records.is_empty());
            if let Some(first) = records.get(legal) {
                prop_assert_eq!((seq, &kind), (first.seq, &first.kind));
            }
            Ok(())
        }
    }
}

/// What is true of every proposal, however it came about.
fn holds_together(proposal: &Proposal, records: &[Record]) -> Result<(), TestCaseError> {
    let wrote = |kind: &str| records.iter().any(|record| record.kind == kind);
    let people: Vec<&Record> = records
        .iter()
        .filter(|record| record.kind == "approved")
        .collect();
    if let Some(execution) = proposal.state().execution() {
        prop_assert!(wrote("started"), "an effect without a start");
        let by_policy = proposal.scored().is_some_and(|scored| scored.auto_approve);
        prop_assert!(by_policy || !people.is_empty(), "an effect without a yes");
        prop_assert_eq!(
            &execution.plan,
            &proposal.proposed().unwrap().preview.plan,
            "an effect that was not previewed"
        );
    }
    for yes in people {
        let before = usize::try_from(yes.seq - 1).unwrap();
        let asked = Proposal::replay(&records[..before]).unwrap();
        let voter = yes.actor.operator();
        prop_assert!(voter.is_some_and(|voter| !asked.requesters().contains(voter)));
    }
    let at_rest = match proposal.state() {
        State::Closed(_) => true,
        State::Succeeded(done) => !done.restore_pending() && !done.undo.is_approved(),
        State::Reasoning(_)
        | State::Proposed
        | State::AwaitingApproval(_)
        | State::Approved(_)
        | State::Executing(_)
        | State::Unknown(_) => false,
    };
    prop_assert_eq!(proposal.settled_at().is_some(), at_rest);
    prop_assert!(
        proposal
            .settled_at()
            .is_none_or(|at| at >= proposal.opened_at() && at <= proposal.last().at)
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_sequence_replays_or_names_the_first_illegal_record(records in walks()) {
        replays_or_names_the_first_illegal_one(&records)?;
    }

    #[test]
    fn so_does_any_sequence_that_somebody_changed(
        records in walks(),
        mischief in prop::collection::vec(mischief(), 1..4),
    ) {
        let records = mischief.iter().fold(records, |records, mischief| done(mischief, records));
        replays_or_names_the_first_illegal_one(&records)?;
    }

    #[test]
    fn a_legal_record_is_what_entry_offers_and_an_illegal_one_is_not(records in walks(), next in step()) {
        let story = walk(None, &[]);
        let legal: Vec<Record> = records.iter().take(records.len() / 2 + 1).cloned().collect();
        let proposal = Proposal::replay(&legal).or_else(|_| Proposal::replay(&story)).unwrap();
        let when = proposal.last().at.plus_millis(next.later_ms);
        for fact in facts(&proposal, Kind::ALL[next.kind], when) {
            match proposal.entry(when, next.actor.clone(), &fact) {
                Ok(entry) => {
                    let record = entry.seal(writer(77));
                    let applied = proposal.clone().apply(&record);
                    prop_assert_eq!(applied.map(|next| next.last().clone()), Ok(record));
                }
                Err(illegal) => prop_assert_eq!(illegal.seq, proposal.last().seq + 1),
            }
        }
    }
}

#[test]
fn the_walks_get_everywhere() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeMap::new();
    for _ in 0..250 {
        let records = walks().new_tree(&mut runner).unwrap().current();
        for count in 1..=records.len() {
            match Proposal::replay(&records[..count]) {
                Ok(proposal) => *seen.entry(proposal.state().name()).or_insert(0) += 1,
                Err(_) => break,
            }
        }
    }
    assert_eq!(seen.len(), 14, "{seen:?}");
}
