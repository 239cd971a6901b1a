//! `cargo xtask send` and `cargo xtask invoke`: the samples in `events/`, sent to the local stack.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::build::CLI;
use crate::paths::Paths;
use crate::state::{STACK, State};
use crate::{aws, trail};

/// How long the agent may take until the trail names an event.
const TAKEN_WITHIN: Duration = Duration::from_secs(30);

#[derive(Args)]
pub(crate) struct SendArguments {
    /// A file with an event as it arrives from the bus, such as those in events/bus/
    event: PathBuf,
    /// Sends the file's own event_id and occurred_at instead of new ones
    #[arg(long)]
    as_is: bool,
}

#[derive(Args)]
pub(crate) struct InvokeArguments {
    /// The function, such as scoring
    function: String,
    /// File with the payload; without it, its sample in events/lambda
    #[arg(long)]
    data_file: Option<PathBuf>,
}

/// An event as it arrives from the bus.
#[derive(Deserialize)]
struct Event {
    source: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    detail: Value,
}

/// Puts the event on the bus, and prints the proposal that it led to or was counted with.
pub(crate) async fn send(paths: &Paths, arguments: &SendArguments) -> Result<()> {
    let state = State::need(paths)?;
    let text = read(&arguments.event)?;
    let mut event: Event = serde_json::from_str(&text).with_context(|| {
        format!(
            "{} is no event: it needs source, detail-type and detail",
            arguments.event.display()
        )
    })?;
    if !arguments.as_is {
        let Some(detail) = event.detail.as_object_mut() else {
            bail!("the event's detail is no object")
        };
        detail.insert("event_id".to_owned(), uuid::Uuid::new_v4().to_string().into());
        detail.insert("occurred_at".to_owned(), now().into());
    }
    let request = json!({ "entry": {
        "EventBusName": state.output("BusName")?,
        "Source": event.source,
        "DetailType": event.detail_type,
        "Detail": event.detail.to_string(),
    }});
    let answer: Value = aws::call(paths, &state, "put-event", &request).await?;
    println!(
        "{} is on the bus as {}",
        event.detail_type,
        answer["event_id"].as_str().unwrap_or_default()
    );
    println!("{}", serde_json::to_string_pretty(&event.detail)?);
    let Some(event_id) = event.detail["event_id"].as_str() else {
        println!("it has no event_id: sre-agent list, or sre-agent redrive --list, shows what became of it");
        return Ok(());
    };
    // The operators' command is built with this one.
    let cli = std::env::current_exe()?.with_file_name(CLI);
    match trail::proposal_of(&cli, &state, event_id, TAKEN_WITHIN).await? {
        Some(proposal) => println!("proposal {proposal}: sre-agent show {proposal}"),
        None => bail!(
            "no proposal names event {event_id} within {} s: sre-agent redrive --list says whether it was refused",
            TAKEN_WITHIN.as_secs()
        ),
    }
    Ok(())
}

/// What the function answered.
#[derive(Deserialize)]
struct Reply {
    failed: bool,
    reply: String,
}

/// Invokes the deployed function and prints its reply; a function's error is a failure.
pub(crate) async fn invoke(paths: &Paths, arguments: &InvokeArguments) -> Result<ExitCode> {
    let state = State::need(paths)?;
    let sample = Path::new("events")
        .join("lambda")
        .join(format!("{}.json", arguments.function));
    let file = arguments
        .data_file
        .clone()
        .unwrap_or_else(|| paths.root.join(sample));
    let request = json!({ "function": format!("{STACK}-{}", arguments.function), "payload": read(&file)? });
    let answer: Reply = aws::call(paths, &state, "invoke", &request).await?;
    println!("{}", answer.reply);
    Ok(if answer.failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

/// The time as the agent writes it.
pub(crate) fn now() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}
