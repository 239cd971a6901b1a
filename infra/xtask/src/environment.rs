//! The environment with which any AWS client reaches the local stack, and with which a function runs on it.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::json;

use crate::aws;
use crate::paths::Paths;
use crate::state::{REGION, STACK, State};
use crate::template;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Adds the deployed functions' own variables, from which `cargo lambda watch` serves every one of them
    #[arg(long)]
    functions: bool,
}

/// Names and values, in the order in which they are printed.
pub(crate) fn variables(state: &State) -> Result<Vec<(&'static str, String)>> {
    Ok(vec![
        ("AWS_ENDPOINT_URL", state.aws_url.clone()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("SRE_STACK", state.place.kind.id().to_owned()),
        ("SRE_AGENT_STACK", STACK.to_owned()),
        ("BUS_NAME", state.output("BusName")?.to_owned()),
        ("TRAIL_TABLE", state.output("TrailTableName")?.to_owned()),
        ("PROPOSALS_TABLE", state.output("ProposalsTableName")?.to_owned()),
        ("CALLBACK_URL", state.callback_url()?),
        ("SRE_AGENT_CALLBACK_URL", state.callback_url()?),
        ("SRE_AGENT_COMMANDS_URL", state.commands_url()?),
        ("SANDBOX_URL", state.sandbox_url()),
        ("GATEWAY_URL", state.sandbox_url()),
    ])
}

/// Variables that would take a client elsewhere.
const MISLEADING: [&str; 3] = [
    "AWS_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
];

/// `command` with the stack's environment on top of its own.
pub(crate) fn apply<'a>(state: &State, command: &'a mut Command) -> Result<&'a mut Command> {
    for name in MISLEADING {
        command.env_remove(name);
    }
    if let Some(addresses) = no_proxy() {
        command.env("NO_PROXY", &addresses).env("no_proxy", addresses);
    }
    Ok(command.envs(variables(state)?))
}

/// The variables of all functions together, as they are deployed. A name has one value in all of them; of a binary with
/// two functions, those of the one that has its name.
pub(crate) async fn of_functions(paths: &Paths, state: &State) -> Result<BTreeMap<String, String>> {
    let functions: Vec<String> = template::functions(&state.template)
        .iter()
        .filter(|function| function.name == function.binary)
        .map(|function| format!("{STACK}-{}", function.name))
        .collect();
    let request = json!({ "functions": functions });
    let environments: BTreeMap<String, BTreeMap<String, String>> =
        aws::call(paths, state, "environments", &request).await?;
    let mut all = BTreeMap::new();
    for (function, variables) in environments {
        for (name, value) in variables {
            let known = all.entry(name.clone()).or_insert_with(|| value.clone());
            if *known != value {
                bail!("{name} is {value} in {function} and {known} in another function");
            }
        }
    }
    // It would have `cargo lambda` itself talk at length; without it, a function logs at info.
    all.remove("RUST_LOG");
    Ok(all)
}

/// `cargo xtask env`: prints the environment as lines for a shell.
pub(crate) async fn print(paths: &Paths, arguments: &Arguments) -> Result<()> {
    let state = State::need(paths)?;
    print_of(&state)?;
    if arguments.functions {
        let variables = of_functions(paths, &state)
            .await
            .context("asking the local stack for the functions' environment")?;
        for (name, value) in variables {
            println!("export {name}={}", quoted(&value));
        }
    }
    Ok(())
}

/// Prints the environment of a stack that is at hand.
pub(crate) fn print_of(state: &State) -> Result<()> {
    for (name, value) in variables(state)? {
        println!("export {name}={}", quoted(&value));
    }
    for name in MISLEADING {
        if std::env::var_os(name).is_some() {
            println!("unset {name}");
        }
    }
    if let Some(addresses) = no_proxy() {
        println!("export NO_PROXY={0} no_proxy={0}", quoted(&addresses));
    }
    Ok(())
}

/// Where a proxy is configured, it must not be asked for this machine.
fn no_proxy() -> Option<String> {
    let proxied = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    if proxied.iter().all(|name| std::env::var_os(name).is_none()) {
        return None;
    }
    let current = std::env::var("NO_PROXY")
        .or_else(|_| std::env::var("no_proxy"))
        .unwrap_or_default();
    if current.split(',').any(|address| address.trim() == "127.0.0.1") {
        return None;
    }
    Some(
        [current.as_str(), "127.0.0.1", "localhost"]
            .join(",")
            .trim_start_matches(',')
            .to_owned(),
    )
}

/// The value as one word of a shell.
fn quoted(value: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./:".contains(character);
    if value.chars().all(plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', r"'\''"))
    }
}
