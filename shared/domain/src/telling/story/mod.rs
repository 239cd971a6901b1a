//! A record as people read it: in full, a heading with its essentials below, or in brief, one line.

mod brief;
mod essentials;
mod received;
mod switches;

pub use self::brief::brief;
pub(super) use self::essentials::{affects, changes, chosen, condition, undo};
pub use self::received::tried;
pub(super) use self::received::{known_before, not_as_it_came};
use super::Line;
use crate::proposal::ProposalFact;
use crate::trail::{Actor, BadBody, Fact, Record};

/// A proposal's record in full: its heading, and its essentials below it. What cannot be read says why.
pub fn in_full(record: &Record) -> Vec<Line> {
    below(
        record,
        ProposalFact::read(record).map(|fact| essentials::of(&fact)),
    )
}

/// A record of `control` or `guard` in full, in the same way. `before` is the one before it.
pub fn of_switches(record: &Record, before: Option<&Record>) -> Vec<Line> {
    below(record, switches::of(record, before))
}

/// A record's heading, and its essentials below it.
fn below(record: &Record, essentials: Result<Vec<Line>, BadBody>) -> Vec<Line> {
    let heading = Line::new()
        .position(record.seq)
        .ours("  ")
        .at(record.at)
        .ours("  ")
        .short(&record.digest)
        .ours("  ")
        .theirs(&record.kind)
        .ours(", by ")
        .then(actor(&record.actor));
    let essentials = essentials.unwrap_or_else(|bad| vec![Line::new().theirs(&bad.problem)]);
    let indented = essentials.into_iter().map(|line| Line::of("      ").then(line));
    std::iter::once(heading).chain(indented).collect()
}

/// A proposal's record for people who follow along: what happened and by whom, and its essentials below it.
pub fn in_short(record: &Record) -> Vec<Line> {
    let Ok(fact) = ProposalFact::read(record) else {
        return vec![Line::new().theirs(&record.kind).ours(", which cannot be read")];
    };
    let heading = Line::new()
        .ours(fact.what())
        .ours(", by ")
        .then(actor(&record.actor));
    std::iter::once(heading).chain(essentials::of(&fact)).collect()
}

/// Who it was: `the agent`, `Ada (ada) in slack`.
pub fn actor(actor: &Actor) -> Line {
    match actor {
        Actor::Agent => Line::of("the agent"),
        Actor::System => Line::of("the system"),
        Actor::Operator { id, name, channel } => Line::new()
            .theirs(name)
            .ours(" (")
            .theirs(id)
            .ours(") in ")
            .theirs(channel),
    }
}
