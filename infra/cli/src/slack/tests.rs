//! What is told of each channel.

use expect_test::expect;

use super::*;

fn channel(channel: &str, problem: Option<&str>) -> Channel {
    Channel {
        channel: channel.to_owned(),
        problem: problem.map(str::to_owned),
    }
}

fn told(reached: &[Channel]) -> String {
    let lines = lines(reached, "sre").into_iter();
    lines.map(|(_, line)| line).collect::<Vec<_>>().join("\n")
}

#[test]
fn each_channel_is_a_line_that_says_what_to_do() {
    let all = [
        None,
        Some("not_in_channel"),
        Some("channel_not_found"),
        Some("is_archived"),
        Some("missing_scope (needs channels:read)"),
        Some("invalid_auth"),
        Some("token_revoked"),
        Some("account_inactive"),
        Some("throttled for 30 s"),
        Some("ratelimited"),
        Some("channel_is_limited_access"),
        Some("Slack answered 503"),
        Some("Slack: no connection within 2000 ms"),
        Some("internal error"),
        Some("\u{1b}[2J"),
        Some(""),
    ]
    .map(|problem| channel("C0X", problem));
    expect![[r#"
        C0X: the bot may post here
        C0X: not_in_channel: invite the bot: /invite @sre-agent in that channel
        C0X: channel_not_found: there is no such channel, or it is private and the bot is not in it: mend SlackChannel or SlackRoutes, or /invite @sre-agent in that channel
        C0X: is_archived: unarchive that channel, or name another one in SlackChannel or SlackRoutes and deploy
        C0X: missing_scope (needs channels:read): give the app the scopes of infra/slack/manifest.yaml, install it again, and set the secret sre/slack-bot where its token is another then
        C0X: invalid_auth: set the secret sre/slack-bot to the bot token of the app as it is installed now, xoxb-...
        C0X: token_revoked: set the secret sre/slack-bot to the bot token of the app as it is installed now, xoxb-...
        C0X: account_inactive: set the secret sre/slack-bot to the bot token of the app as it is installed now, xoxb-...
        C0X: throttled for 30 s: Slack takes no more requests for now: ask again later
        C0X: ratelimited: Slack takes no more requests for now: ask again later
        C0X: channel_is_limited_access: https://docs.slack.dev/reference/methods/conversations.info says what that means
        C0X: Slack answered 503: whether the bot may post there is not known: ask again
        C0X: Slack: no connection within 2000 ms: whether the bot may post there is not known: ask again
        C0X: internal error: whether the bot may post there is not known: ask again
        C0X: \u{1b}[2J: whether the bot may post there is not known: ask again
        C0X: : whether the bot may post there is not known: ask again"#]].assert_eq(&told(&all));
}

#[test]
fn that_slack_is_not_set_up_is_told() {
    expect!["Slack is not set up, and nobody is asked there: SlackChannel is empty"].assert_eq(&told(&[]));
}

#[test]
fn a_channel_cannot_steer_the_terminal() {
    let told = lines(&[channel("C0\u{1b}[2J\nC0SRE", None)], "sre");
    let told: Vec<String> = told.into_iter().map(|(_, line)| line).collect();
    assert_eq!(told, ["C0\\u{1b}[2J\\u{a}C0SRE: the bot may post here"]);
}

#[test]
fn the_bot_is_called_as_the_manifest_says() {
    let manifest = include_str!("../../../slack/manifest.yaml");
    let mut lines = manifest.lines().map(str::trim);
    let name = lines.find_map(|line| line.strip_prefix("display_name: "));
    assert_eq!(name, BOT.strip_prefix('@'));
}
