//! How long a decision may take: Slack shows an error to whoever clicked three seconds ago.
//! <https://docs.slack.dev/interactivity/handling-user-interaction#acknowledgment_response>
//!
//! | one after the other | bound, ms |
//! | --- | --- |
//! | directory, `control`, `guard` and the proposal, side by side | [`CALL_MS`] |
//! | the policy, where another was published since | [`CALL_MS`] |
//! | the signature | [`SIGN_MS`] |
//! | the append | [`CALL_MS`] |
//!
//! None is tried twice. Where somebody else decided first, all but the policy are asked again, within what is left of
//! [`DECISION_MS`]; then the person is told to look again.

pub use adapters::SIGN_MS;

/// The longest that one call to AWS takes, ms: one attempt, and no other.
pub const CALL_MS: u64 = 700;

/// The longest that deciding takes, ms.
pub const DECISION_MS: u64 = 2_700;

#[cfg(test)]
mod tests {
    use super::*;

    /// When Slack gives up, ms.
    const SLACK_WAITS_MS: u64 = 3_000;

    /// What is left for the way there and back, ms.
    const WAY_MS: u64 = 300;

    #[test]
    fn a_decisions_calls_add_up_to_less_than_slack_waits() {
        let calls = [CALL_MS, CALL_MS, SIGN_MS, CALL_MS];
        assert!(calls.iter().sum::<u64>() < DECISION_MS, "{calls:?}");
        const { assert!(DECISION_MS + WAY_MS <= SLACK_WAITS_MS) };
    }
}
