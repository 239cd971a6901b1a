//! A record as people read it: in full, a heading with its essentials below, or in brief, one line.

mod brief;
mod essentials;

pub use self::brief::brief;
use super::Line;
use crate::proposal::ProposalFact;
use crate::trail::{Actor, Fact, Record};

/// A proposal's record in full: its heading, and its essentials below it. What cannot be read says why.
pub fn in_full(record: &Record) -> Vec<Line> {
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
    let essentials = match ProposalFact::read(record) {
        Ok(fact) => essentials::of(&fact),
        Err(bad) => vec![Line::new().theirs(&bad.problem)],
    };
    let indented = essentials.into_iter().map(|line| Line::of("      ").then(line));
    std::iter::once(heading).chain(indented).collect()
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
