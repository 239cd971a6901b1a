//! `cargo xtask eval`: the labelled incidents of `infra/eval`, through a reasoner.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::build::cargo;
use crate::paths::Paths;

#[derive(Args)]
pub(crate) struct Arguments {
    /// What the evaluation takes
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    arguments: Vec<String>,
}

/// Builds and runs the evaluation, with this terminal.
pub(crate) async fn run(paths: &Paths, arguments: &Arguments) -> Result<ExitCode> {
    let mut command = cargo(paths);
    command
        .args(["run", "--quiet", "--package", "eval", "--"])
        .args(&arguments.arguments);
    let mut command = tokio::process::Command::from(command);
    let status = command
        .kill_on_drop(true)
        .status()
        .await
        .context("starting cargo")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
