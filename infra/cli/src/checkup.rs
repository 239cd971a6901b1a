//! A function of the stack, asked for its version, its clock and whether it reaches what it needs.

use std::time::Duration;

use adapters::aws::told;
use anyhow::bail;
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::operation::invoke::InvokeError;
use aws_sdk_lambda::primitives::Blob;
use domain::telling::checkup::{Checkup, question};
use serde_json::Value;

use crate::end::{Answered as _, Ended};
use crate::print::quote;
use crate::stack::Stack;

/// Longer than a function may take that asks each channel, or each model, one after the other.
const ANSWERS_WITHIN: Duration = Duration::from_secs(130);

/// With a second attempt where the first did not reach AWS.
const GIVES_UP_AFTER: Duration = Duration::from_secs(140);

/// To open a connection.
const CONNECTS_WITHIN: Duration = Duration::from_secs(3);

/// What the function behind an output of the stack tells of itself.
///
/// <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>
pub(crate) async fn of(stack: &Stack, output: &str) -> anyhow::Result<Answer> {
    let function = stack.newer_output(output)?;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECTS_WITHIN)
        .operation_attempt_timeout(ANSWERS_WITHIN)
        .operation_timeout(GIVES_UP_AFTER)
        .build();
    let config = aws_sdk_lambda::config::Builder::from(&stack.aws).timeout_config(timeouts);
    let answer = aws_sdk_lambda::Client::from_conf(config.build())
        .invoke()
        .function_name(function)
        .payload(Blob::new(question().to_string()))
        .send()
        .await;
    let is_gone = |err: &InvokeError| err.is_resource_not_found_exception();
    if let Err(err) = &answer
        && err.as_service_error().is_some_and(is_gone)
    {
        return Ok(Answer::NotThere(format!(
            "function {function} is not there: {}",
            told(err)
        )));
    }
    let answer = answer.answered(|| format!("function {function} could not be asked"))?;
    let payload = answer.payload().map(AsRef::<[u8]>::as_ref).unwrap_or_default();
    if answer.function_error().is_some() {
        let said = fault(payload);
        return Ok(Answer::Failed(format!(
            "function {function} failed, its log group /aws/lambda/{function} says more: {said}"
        )));
    }
    Ok(match serde_json::from_slice(payload) {
        Ok(told) => Answer::Told(told),
        Err(err) => Answer::Failed(format!(
            "function {function} does not tell what it reaches: is its version this command's? {err}"
        )),
    })
}

/// What came of asking a function.
#[derive(Debug)]
pub(crate) enum Answer {
    /// What it tells of itself.
    Told(Checkup),
    /// It was asked, and did not say: why.
    Failed(String),
    /// There is no such function.
    NotThere(String),
}

impl Answer {
    /// What it tells of itself, for whoever needs that.
    pub(crate) fn told(self) -> anyhow::Result<Checkup> {
        match self {
            Answer::Told(told) => Ok(told),
            Answer::Failed(why) | Answer::NotThere(why) => bail!(Ended::NoAnswer(why)),
        }
    }
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

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_function_that_failed_is_told_in_its_words() {
        let told = [
            &br#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: 1 Error: Runtime exited"}"#[..],
            br#"{"errorMessage":"2026-11-22T10:00:30Z 1 Task timed out after 30.00 seconds"}"#,
            br#"{"errorType":"Unhandled"}"#,
            br#"{"errorMessage":7}"#,
            b"no \x1b[2J JSON",
            b"",
        ]
        .map(fault);
        expect![[r#"
            Runtime.ExitError: RequestId: 1 Error: Runtime exited
            2026-11-22T10:00:30Z 1 Task timed out after 30.00 seconds
            Unhandled
            {"errorMessage":7}
            no \u{1b}[2J JSON
            it did not say why"#]]
        .assert_eq(&told.join("\n"));
    }

    #[test]
    fn every_function_has_the_time_that_the_template_gives_it() {
        let template = include_str!("../../../template.yaml");
        let (_, functions) = template.split_once("\nMappings:\n").unwrap();
        let timeouts = functions.lines().filter_map(|line| {
            let (_, timeout) = line.split_once("{ Timeout: \"")?;
            timeout.split_once('"')?.0.parse().ok()
        });
        let longest = Duration::from_secs(timeouts.max().unwrap());
        assert!(longest < ANSWERS_WITHIN && ANSWERS_WITHIN + CONNECTS_WITHIN < GIVES_UP_AFTER);
    }
}
