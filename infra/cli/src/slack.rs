//! `sre-agent slack`: may the bot post where people are asked, and what is to be done where it may not.

use std::time::Duration;

use anyhow::{Context, bail};
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::primitives::Blob;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::end::{Answered, Ended};
use crate::print::{Terminal, quote};
use crate::stack::Stack;

/// The output that names the function that asks Slack.
pub(crate) const OUTPUT: &str = "NotificationFunctionName";

/// What the bot is called, as the app's manifest has it.
const BOT: &str = "@sre-agent";

/// Longer than the function may take: it asks Slack for one channel after the other.
const ANSWERS_WITHIN: Duration = Duration::from_secs(40);

/// With a second attempt where the first did not reach AWS.
const GIVES_UP_AFTER: Duration = Duration::from_secs(50);

/// To open a connection.
const CONNECTS_WITHIN: Duration = Duration::from_secs(3);

/// What `slack` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Prints the channels as one JSON list: channel, and problem or null
    #[arg(long)]
    json: bool,
}

/// What Slack says of one channel, as `notification` answers it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Reached {
    /// The channel.
    channel: String,
    /// Why the bot cannot post there; none where it can.
    problem: Option<String>,
}

/// Whether the bot may post into every channel, of which there is one at least.
pub(crate) async fn run(
    stack: &Stack,
    arguments: &Arguments,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let reached = reached(stack).await?;
    if arguments.json {
        terminal.json(&reached)?;
    } else {
        for (fine, line) in lines(&reached, &stack.name) {
            match fine {
                true => terminal.line(&line)?,
                false => terminal.fault(&line)?,
            }
        }
    }
    Ok(!reached.is_empty() && reached.iter().all(|one| one.problem.is_none()))
}

/// Has the function ask Slack for every channel.
///
/// <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>
async fn reached(stack: &Stack) -> anyhow::Result<Vec<Reached>> {
    let function = stack.newer_output(OUTPUT)?;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECTS_WITHIN)
        .operation_attempt_timeout(ANSWERS_WITHIN)
        .operation_timeout(GIVES_UP_AFTER)
        .build();
    let config = aws_sdk_lambda::config::Builder::from(&stack.aws).timeout_config(timeouts);
    let answer = aws_sdk_lambda::Client::from_conf(config.build())
        .invoke()
        .function_name(function)
        .payload(Blob::new(json!({ "check": "routes" }).to_string()))
        .send()
        .await
        .answered(|| format!("function {function} could not be asked"))?;
    let payload = answer.payload().map(AsRef::<[u8]>::as_ref).unwrap_or_default();
    if answer.function_error().is_some() {
        let said = fault(payload);
        bail!(Ended::NoAnswer(format!(
            "function {function} failed, its log group /aws/lambda/{function} says more: {said}"
        )));
    }
    serde_json::from_slice(payload).with_context(|| {
        Ended::NoAnswer(format!(
            "function {function} answered something else than a list of channels: is its version this command's?"
        ))
    })
}

/// What a function that failed says of it.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>
fn fault(payload: &[u8]) -> String {
    let said: Option<Value> = serde_json::from_slice(payload).ok();
    let text = |name: &str| said.as_ref()?.get(name)?.as_str();
    match (text("errorType"), text("errorMessage")) {
        (Some(kind), Some(message)) => quote(&format!("{kind}: {message}")),
        (None, Some(one)) | (Some(one), None) => quote(one),
        (None, None) if payload.is_empty() => "it did not say why".to_owned(),
        (None, None) => quote(&String::from_utf8_lossy(payload)),
    }
}

/// One line for each channel, and whether it is as it should be.
fn lines(reached: &[Reached], stack: &str) -> Vec<(bool, String)> {
    if reached.is_empty() {
        let told = "Slack is not set up, and nobody is asked there: SlackChannel is empty";
        return vec![(false, told.to_owned())];
    }
    let line = |one: &Reached| {
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
fn remedy(problem: &str, stack: &str) -> String {
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
