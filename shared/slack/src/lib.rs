//! Slack: what is shown there, and the Web API.
//!
//! | file | what |
//! | --- | --- |
//! | `text` | lines as mrkdwn and as plain text: what is theirs is inert |
//! | `blocks` | as much of Block Kit as is used, within its limits |
//! | `message` | a proposal's card as a message, and the replies in its thread |
//! | `form` | the modals that ask for a reason or for less |
//! | `button` | what a button's value says |
//! | `api` | posting, updating, looking, opening |
//!
//! Facts: <https://docs.slack.dev/reference/block-kit>, <https://docs.slack.dev/messaging/formatting-message-text>.

pub mod api;
pub mod blocks;
pub mod button;
pub mod form;
pub mod message;
pub mod text;

/// The channel's name, in records and answers.
pub const CHANNEL: &str = "slack";
