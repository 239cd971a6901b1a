//! A click on a Slack button, formed and signed as Slack does.

use std::time::{SystemTime, UNIX_EPOCH};

use testkit::slack;

/// What Slack would see of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// Ada, of `events/operators.json`, clicks.
#[expect(clippy::disallowed_methods, reason = "the function's clock is the machine's")]
pub(crate) async fn click(
    http: &reqwest::Client,
    callback: &str,
    secret: &str,
    choice: &str,
    value: &str,
) -> Answer {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let response_url = format!(
        "{}/sandbox/v1/slack/response/{}",
        crate::world::variable("SANDBOX_URL"),
        &value[..30]
    );
    let payload = match choice {
        // Its button opens a form; this is the form, filled in.
        "reject" => slack::submission(slack::ADA, choice, value, &[("reason", "of the test")]),
        _ => slack::payload(slack::ADA, choice, value, &response_url),
    };
    let request = slack::sign(&payload, secret, seconds);
    let reply = http
        .post(format!("{callback}/slack/interactions"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-slack-request-timestamp", request.timestamp)
        .header("x-slack-signature", request.signature)
        .body(request.body)
        .send()
        .await
        .unwrap();
    Answer {
        status: reply.status().as_u16(),
        body: reply.text().await.unwrap(),
    }
}
