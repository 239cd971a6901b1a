//! What a person needs of an event to follow its story: what it says, whose it is, and what was before it.

use super::Line;
use crate::action::ActionKind;
use crate::proposal::{Received, Verbatim};
use crate::trail::generation::Tried;

/// An event in a few lines.
pub(super) fn of_received(received: &Received) -> Vec<Line> {
    let event = &received.event;
    let team = match &event.team {
        Some(team) => Line::of(", team ").theirs(team),
        None => Line::new(),
    };
    let (bytes, kept) = match &received.verbatim {
        Verbatim::Inline(text) => (text.len() as u64, Line::of("in this record")),
        Verbatim::Stored { sha256, bytes } => (*bytes, Line::of("in the payload bucket, ").ours(*sha256)),
    };
    let mut lines = vec![
        Line::of(event.event_type().name())
            .ours(" (")
            .ours(event.severity.name())
            .ours("): ")
            .theirs(event),
        Line::of("event ")
            .theirs(&event.event_id)
            .ours(" of ")
            .theirs(&event.org)
            .then(team)
            .ours(", of ")
            .at(received.occurred_at)
            .ours("; ")
            .ours(bytes)
            .ours(" bytes, kept verbatim ")
            .then(kept),
        Line::of("its writer reasons about it until ").at(received.lease_until),
    ];
    lines.extend(not_as_it_came(&received.complaints));
    if let Some(by) = &received.requested_by {
        lines.push(Line::of("triggered by ").theirs(by).ours(", who has no vote"));
    }
    let source = received.source.as_ref();
    lines.extend(source.map(|source| Line::of("reported by ").theirs(source)));
    lines.extend(known_before(received));
    lines
}

/// How old it is where that is more than an hour, and what was tried against it before.
pub(crate) fn known_before(received: &Received) -> Vec<Line> {
    let mut lines = Vec::new();
    // What is older than an hour is held to it.
    if let Some(at) = received.event.occurred_at.filter(|at| *at < received.occurred_at) {
        let hours = received.occurred_at.millis_since(at) / 3_600_000 + 1;
        let hours = usize::try_from(hours).unwrap_or(usize::MAX);
        lines.push(
            Line::of("it is old: of ")
                .at(at)
                .ours(", more than ")
                .count(hours, "hour")
                .ours(" before it came"),
        );
    }
    let before = received.course.tried.iter();
    lines.extend(before.map(|one| Line::of("before, ").then(tried(one))));
    lines
}

/// An earlier outbreak of the same trouble: when it settled, what was done, and how it ended.
pub fn tried(tried: &Tried) -> Line {
    let action = tried.action.map_or("nothing", ActionKind::name);
    let targets = tried.targets.iter().map(|target| Line::new().theirs(target));
    let on = match tried.targets.is_empty() {
        true => Line::new(),
        false => Line::of(" on ").joined(targets, ", "),
    };
    Line::new()
        .at(tried.at)
        .ours(": ")
        .ours(action)
        .then(on)
        .ours(" ")
        .ours(tried.ended.words())
}

/// What of an event was left out, or taken for what it must mean.
pub(in crate::telling) fn not_as_it_came(complaints: &[String]) -> impl Iterator<Item = Line> {
    let complaints = complaints.iter();
    complaints.map(|complaint| Line::of("not as it came: ").theirs(complaint))
}
