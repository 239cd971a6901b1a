//! `sre-agent slack`: may the bot post where people are asked, and what is to be done where it may not.

use domain::telling::checkup::{Needed, Reached};
use serde::Serialize;

use crate::checkup;
use crate::print::{Terminal, quote};
use crate::stack::Stack;

/// The output that names the function that asks Slack.
pub(crate) const OUTPUT: &str = "NotificationFunctionName";

/// What the bot is called, as the app's manifest has it.
const BOT: &str = "@sre-agent";

/// What `slack` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Prints the channels as one JSON list: channel, and problem or null
    #[arg(long)]
    json: bool,
}

/// What Slack says of one channel.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Channel {
    /// The channel.
    channel: String,
    /// Why the bot cannot post there; none where it can.
    problem: Option<String>,
}

/// The channels among what `notification` reaches, or does not.
fn channels(reached: Vec<Reached>) -> Vec<Channel> {
    let channels = reached.into_iter().filter(|one| one.what == Needed::Channel);
    channels
        .map(|one| Channel {
            channel: one.name,
            problem: one.problem,
        })
        .collect()
}

/// Whether the bot may post into every channel, of which there is one at least.
pub(crate) async fn run(
    stack: &Stack,
    arguments: &Arguments,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let reached = channels(checkup::of(stack, OUTPUT).await?.told()?.reached);
    if arguments.json {
        terminal.json(&reached)?;
    }
    for (fine, line) in lines(&reached, &stack.name) {
        match fine {
            true if arguments.json => {}
            true => terminal.line(&line)?,
            false => terminal.fault(&line)?,
        }
    }
    Ok(!reached.is_empty() && reached.iter().all(|one| one.problem.is_none()))
}

/// One line for each channel, and whether it is as it should be.
fn lines(reached: &[Channel], stack: &str) -> Vec<(bool, String)> {
    if reached.is_empty() {
        let told = "Slack is not set up, and nobody is asked there: SlackChannel is empty";
        return vec![(false, told.to_owned())];
    }
    let line = |one: &Channel| {
        let channel = quote(&one.channel);
        let told = match &one.problem {
            None => format!("{channel}: the bot may post here"),
            Some(problem) => format!("{channel}: {}: {}", quote(problem), remedy(problem, stack)),
        };
        (one.problem.is_none(), told)
    };
    reached.iter().map(line).collect()
}

/// What is to be done about a problem.
///
/// Slack's words: <https://docs.slack.dev/reference/methods/conversations.info>
pub(crate) fn remedy(problem: &str, stack: &str) -> String {
    // What follows the word tells more: which scope is needed, for how long requests are refused.
    let word = problem.split([' ', ';', ':']).next().unwrap_or_default();
    match word {
        "not_in_channel" => format!("invite the bot: /invite {BOT} in that channel"),
        "channel_not_found" => format!(
            "there is no such channel, or it is private and the bot is not in it: mend SlackChannel or SlackRoutes, or \
             /invite {BOT} in that channel"
        ),
        "is_archived" => {
            "unarchive that channel, or name another one in SlackChannel or SlackRoutes and deploy".to_owned()
        }
        "missing_scope" => format!(
            "give the app the scopes of infra/slack/manifest.yaml, install it again, and set the secret {stack}/slack-bot \
             where its token is another then"
        ),
        "invalid_auth" | "not_authed" | "token_revoked" | "token_expired" | "account_inactive" => {
            format!(
                "set the secret {stack}/slack-bot to the bot token of the app as it is installed now, xoxb-..."
            )
        }
        "throttled" | "ratelimited" | "rate_limited" => {
            "Slack takes no more requests for now: ask again later".to_owned()
        }
        _ if is_word(word) && word.len() == problem.len() => {
            "https://docs.slack.dev/reference/methods/conversations.info says what that means".to_owned()
        }
        _ => "whether the bot may post there is not known: ask again".to_owned(),
    }
}

/// Whether this may be one of Slack's words for what it refuses.
fn is_word(text: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    !text.is_empty() && text.bytes().all(letters)
}

#[cfg(test)]
mod tests;
