//! A list, a card and a story as lines of text.

use domain::telling::{Ask, Card, Detail, Line, Listed, Listing, What};
use domain::value::{Digest, ProposalId, Timestamp};

use super::id::short;
use crate::print::{duration, quote, told};

/// Digits of a digest that tell one record from another.
const DIGEST_CHARS: usize = 12;

/// The proposals of a list, one or two lines each.
pub(super) fn listing(listing: &Listing, now: Timestamp) -> Vec<String> {
    let ids: Vec<&ProposalId> = listing.proposals.iter().map(|one| &one.proposal).collect();
    let mut lines = Vec::new();
    for one in &listing.proposals {
        let id = short(&one.proposal, ids.iter().copied());
        let age = duration(now.millis_since(one.opened_at));
        lines.push(format!(
            "{id}  {age:>7} ago  {}: {}",
            state(one),
            told(&one.about)
        ));
        lines.extend(
            one.waits_for
                .iter()
                .map(|line| format!("    {}", waits_for(line))),
        );
    }
    lines
}

/// Where a proposal of a list stands.
pub(super) fn state(listed: &Listed) -> String {
    listed.summary.state.replace('_', " ")
}

/// What a proposal waits for, as a clause.
pub(super) fn waits_for(line: &Line) -> String {
    format!("waits for {}", told(line))
}

/// The card, without what may be asked for: who it is, where it stands, and what one needs to know to decide.
pub(super) fn card(detail: &Detail) -> Vec<String> {
    let mut lines = heading(detail);
    for section in detail.card.iter().flat_map(|card| &card.sections) {
        lines.push(String::new());
        lines.push(section.heading.to_string());
        lines.extend(section.lines.iter().map(|line| format!("  {}", told(line))));
    }
    lines
}

/// Which proposal it is, what it is about, and where it stands.
pub(super) fn heading(detail: &Detail) -> Vec<String> {
    let title = detail
        .card
        .as_ref()
        .map_or(&detail.listed.about, |card| &card.title);
    vec![
        format!("proposal {}", detail.listed.proposal),
        told(title),
        standing(detail),
    ]
}

/// Where a proposal stands, and who brought it there.
pub(super) fn standing(detail: &Detail) -> String {
    match (&detail.card, &detail.listed.waits_for) {
        (Some(card), _) => told(&card.standing),
        (None, Some(line)) => format!("{}; it {}.", state(&detail.listed), waits_for(line)),
        (None, None) => format!("{}.", state(&detail.listed)),
    }
}

/// What may be asked for, with the command for each.
pub(super) fn asks(id: &ProposalId, card: &Card) -> Vec<String> {
    card.asks.iter().flat_map(|ask| one_ask(id, ask)).collect()
}

fn one_ask(id: &ProposalId, Ask { what, seen }: &Ask) -> Vec<String> {
    let seen = digest(seen);
    match what {
        What::Approve => vec![format!("to approve it:  sre-agent approve {id} --seen {seen}")],
        What::Reject => vec![format!("to reject it:  sre-agent reject {id} --reason TEXT")],
        What::Revoke => vec![format!("to take your approval back:  sre-agent revoke {id}")],
        What::Acknowledge => vec![format!(
            "to say that you have seen to it:  sre-agent acknowledge {id} --reason TEXT"
        )],
        What::Undo => vec![format!("to ask for its undo:  sre-agent undo {id} --reason TEXT")],
        What::ApproveUndo => vec![format!(
            "to agree to the undo:  sre-agent approve {id} --seen {seen}"
        )],
        What::RejectUndo => vec![format!(
            "to reject the undo:  sre-agent reject {id} --reason TEXT"
        )],
        What::Narrow(lowers) => lowers
            .iter()
            .map(|one| {
                format!(
                    "to lower {} ({}), which is {}:  sre-agent edit {id} {}=VALUE",
                    quote(&one.parameter),
                    quote(&one.label),
                    quote(&one.value),
                    quote(&one.parameter)
                )
            })
            .collect(),
    }
}

/// The beginning of a digest.
pub(super) fn digest(digest: &Digest) -> String {
    digest.to_string().chars().take(DIGEST_CHARS).collect()
}

/// The lines of a story.
pub(super) fn story(lines: &[Line]) -> Vec<String> {
    lines.iter().map(told).collect()
}

/// What a story has more than it had; all of it where it is not the same story any more.
pub(super) fn news<'a>(before: &[Line], now: &'a [Line]) -> &'a [Line] {
    now.strip_prefix(before).unwrap_or(now)
}
