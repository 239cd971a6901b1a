//! What people do.

use ::slack::button::Does;
use ::slack::form::REASON;
use domain::trail::{Record, StreamId};
use domain::value::{Digest, ProposalId};
use testkit::Cutter;
use tests::World;
use tests::walk::{self, Random};

/// A person's click.
pub(super) enum Click {
    Button(&'static str, Digest),
    Form(Does, Digest, &'static [(&'static str, &'static str)]),
}

impl Click {
    /// What a person does with a proposal that is not over; seldom something that they may not.
    pub(super) fn chosen(world: &World, dice: &mut Random) -> Option<(&'static str, ProposalId, Self)> {
        let mut asking = Vec::new();
        for id in world.proposals() {
            let state = walk::now(world.state(&id));
            if matches!(state, "awaiting_approval" | "approved" | "succeeded") {
                asking.push((id, state));
            }
        }
        if asking.is_empty() {
            return None;
        }
        let (id, state) = asking.swap_remove(dice.below(asking.len()));
        let who = match dice.below(20) {
            0 => "deploy-bot",
            1 => "carol",
            2..12 => "alice",
            _ => "bob",
        };
        let records = walk::now(world.trail.seen(&StreamId::Proposal(id.clone())));
        let last = |kind: &str| {
            records
                .iter()
                .rfind(|record| record.kind == kind)
                .map(|record| record.digest)
        };
        // Now and then of a message that is out of date.
        let shown = if dice.below(10) == 0 {
            records.iter().find(|record| record.kind == "scored")?.digest
        } else {
            last("scored")?
        };
        let asked = last("undo_requested")
            .filter(|_| walk::now(world.proposal(&id)).last_kind().name() != "undo_rejected");
        let because: &[(&str, &str)] = &[(REASON, "of the test")];
        let click = match (state, asked) {
            ("awaiting_approval", _) => match dice.below(24) {
                0 => Click::Form(Does::Reject, shown, because),
                1 => Click::Form(Does::Narrow, shown, &[("duration_s", "45")]),
                2 => Click::Form(Does::Narrow, shown, &[("rpm_percent", "10")]),
                3 => Click::Button("revoke", shown),
                _ => Click::Button("approve", shown),
            },
            ("approved", _) if dice.below(8) > 0 => return None,
            ("approved", _) => Click::Button("revoke", shown),
            (_, Some(asked)) if dice.below(3) > 0 => match dice.below(4) {
                0 => Click::Form(Does::Reject, asked, because),
                _ => Click::Button("approve", asked),
            },
            _ if dice.below(2) == 0 => return None,
            _ => Click::Form(Does::Undo, shown, because),
        };
        Some((who, id, click))
    }

    /// Clicks, and looks at what is said.
    pub(super) async fn made(self, world: &World, who: &str, id: &ProposalId, cutter: &Cutter) {
        let answer = match self {
            Click::Button(button, shown) => world.click(who, button, id, shown, cutter).await,
            Click::Form(does, shown, values) => {
                world.fills_in_about(who, does, id, shown, values, cutter).await
            }
        };
        // Something is said, and what is said to be recorded is.
        assert!(answer.status == 200 || !answer.told.is_empty(), "{answer:?}");
        if answer
            .told
            .iter()
            .any(|told| told.starts_with("Your approval is recorded."))
        {
            let records = world.trail.seen(&StreamId::Proposal(id.clone())).await;
            let theirs = |record: &Record| {
                record
                    .actor
                    .operator()
                    .is_some_and(|operator| operator.as_str() == who)
            };
            let approves =
                |record: &Record| matches!(record.kind.as_str(), "approved" | "voted" | "undo_approved");
            assert!(
                records.iter().any(|record| theirs(record) && approves(record)),
                "{answer:?}\n{}",
                world.story().await
            );
        }
    }
}
