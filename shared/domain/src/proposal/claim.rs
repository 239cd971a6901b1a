//! Whether a proposal still needs what it claimed.

use super::{Proposal, State};
use crate::trail::Claim;
use crate::value::Timestamp;

/// Whether a claim still counts, given its holder's proposal.
///
/// It counts while the holder may have an effect on the target: executing, unknown, or in force until a
/// restore. Before the start, and before an undo on demand, it counts for its lease, which outlives the
/// function that took it. Anybody who finds a claim that does not count appends `released`.
pub fn claim_counts(claim: &Claim, holder: &Proposal, now: Timestamp) -> bool {
    let leased = match holder.state() {
        State::Approved(_) => true,
        State::Succeeded(done) => done.undo.is_approved(),
        State::Executing(_)
        | State::Unknown(_)
        | State::Reasoning(_)
        | State::Proposed
        | State::AwaitingApproval(_)
        | State::Closed(_) => false,
    };
    holder.state().holds_its_targets() || (leased && now <= claim.lease_until)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::proposal::ProposalFact;
    use crate::samples::*;

    /// The proposal's claim on a target, with a lease until second 100.
    fn claim(proposal: &Proposal) -> Claim {
        Claim {
            proposal: proposal.id().clone(),
            fence: 1,
            lease_until: at(100),
            restore_at: None,
            taking_back: false,
        }
    }

    /// A re-route in force whose undo was approved.
    fn undo_approved() -> Story {
        let asked = succeeded(reroutes()).then(60, person("alice"), &asks_undo());
        let yes = ProposalFact::UndoApproved(answers_undo(asked.proposal()));
        asked.then(70, person("bob"), &yes)
    }

    #[test]
    fn a_claim_counts_while_its_holder_may_have_an_effect_on_the_target() {
        let mut table = format!("{:36} {:>6} {:>6} {:>6}\n", "", "100 s", "101 s", "1 day");
        for (head, story) in [
            ("reasoning", Story::of(&unhealthy(), None)),
            ("proposed", proposed(breaks(300))),
            ("awaiting approval", awaiting(breaks(300), 1)),
            ("approved", approved(breaks(300))),
            ("executing", executing(breaks(300))),
            ("in force until its end", succeeded(breaks(300))),
            ("in force without an end", succeeded(reroutes())),
            (
                "in force, undo requested",
                succeeded(reroutes()).then(60, person("alice"), &asks_undo()),
            ),
            ("in force, undo approved", undo_approved()),
            ("a page sent", succeeded(pages())),
        ] {
            let proposal = story.proposal();
            let cells: String = [at(100), at(101), at(86_400)]
                .iter()
                .map(|now| {
                    let counts = claim_counts(&claim(proposal), proposal, *now);
                    format!(" {:>6}", if counts { "counts" } else { "·" })
                })
                .collect();
            table += &format!("{head:36}{cells}\n");
        }
        expect![[r#"
                                                  100 s  101 s  1 day
            reasoning                                 ·      ·      ·
            proposed                                  ·      ·      ·
            awaiting approval                         ·      ·      ·
            approved                             counts      ·      ·
            executing                            counts counts counts
            in force until its end               counts counts counts
            in force without an end                   ·      ·      ·
            in force, undo requested                  ·      ·      ·
            in force, undo approved              counts      ·      ·
            a page sent                               ·      ·      ·
        "#]]
        .assert_eq(&table);
    }
}
