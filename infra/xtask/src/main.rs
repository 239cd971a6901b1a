//! `cargo xtask`: the local stack, the demo and the tests. `cargo xtask --help` lists what one can do.

#![expect(
    clippy::disallowed_methods,
    reason = "a tool for people reads the environment and the clock"
)]

mod aws;
mod bench;
mod build;
mod check;
mod demo;
mod emulator;
mod environment;
mod eval;
mod fault;
mod guard;
mod lambda;
mod model;
mod net;
mod paths;
mod processes;
mod progress;
mod reproduce;
mod room;
mod sandbox;
mod sbom;
mod send;
mod sheets;
mod slack;
mod slack_judges;
mod stack;
mod state;
mod summary;
mod template;
mod tools;
mod traffic;
mod trail;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::paths::Paths;
use crate::room::Work;

/// Tasks of this repository.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Shows one incident end to end: a provider fails, a person approves, the break begins and ends, the trail
    /// proves it
    Demo(demo::Arguments),
    /// Starts the local stack, or brings a running one up to date, and prints its environment
    Up(stack::Arguments),
    /// Stops the local stack and everything that an interrupted run has left
    Down,
    /// Prints the running stack's environment as export lines: eval "$(cargo xtask env)"
    Env(environment::Arguments),
    /// Runs every check and every test, and prints a summary
    Test(check::Arguments),
    /// Measures the functions: how they start, what an incident costs, how that grows
    Bench(bench::Arguments),
    /// Runs the labelled incidents through a reasoner: cargo xtask eval -- --help
    Eval(eval::Arguments),
    /// Puts a sample event on the bus, as new, and prints its proposal's id: cargo xtask send
    /// events/bus/provider.unhealthy.json
    Send(send::SendArguments),
    /// Invokes a deployed function with a payload and prints its reply
    Invoke(send::InvokeArguments),
    /// Makes something fail in the sandbox gateway, or mends it again
    #[command(subcommand)]
    Fault(fault::Injection),
    /// Makes the locks of the pinned Python tools: infra/xtask/requirements/*.txt from *.in
    Lock(tools::LockArguments),
    /// Writes a bill of materials for each function: target/sbom/*.cdx.json
    Sbom(sbom::Arguments),
    /// Builds a function twice, in two folders, and compares the binaries
    Reproduce(reproduce::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no async runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(arguments.task)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the task until it ends or a signal asks to stop, and leaves no process behind that it does not mean to.
async fn run(task: Task) -> Result<ExitCode> {
    let paths = Paths::find()?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    // Dropping the task's future ends the steps it was running; the stack itself is stopped below.
    let outcome = tokio::select! {
        outcome = perform(task, &paths) => outcome,
        _ = interrupt.recv() => Ok(stopped_by(2, "interrupted")),
        _ = terminate.recv() => Ok(stopped_by(15, "asked to terminate")),
        _ = hangup.recv() => Ok(stopped_by(1, "the terminal went away")),
    };
    if stack::must_stop() {
        stack::stop(&paths).await?;
    }
    outcome
}

/// The exit code that shells use for a process ended by a signal.
fn stopped_by(signal: u8, why: &str) -> ExitCode {
    eprintln!("\n{why}");
    ExitCode::from(128 + signal)
}

async fn perform(task: Task, paths: &Paths) -> Result<ExitCode> {
    match &task {
        Task::Demo(_) | Task::Up(_) => room::check(paths, Work::Stack)?,
        Task::Test(arguments) if arguments.runs_everything() => room::check(paths, Work::Everything)?,
        Task::Test(_)
        | Task::Down
        | Task::Env(_)
        | Task::Bench(_)
        | Task::Eval(_)
        | Task::Send(_)
        | Task::Invoke(_)
        | Task::Fault(_)
        | Task::Lock(_)
        | Task::Sbom(_)
        | Task::Reproduce(_) => {}
    }
    match task {
        Task::Demo(arguments) => demo::run(paths, &arguments).await.map(|()| ExitCode::SUCCESS),
        Task::Up(arguments) => stack::up_and_keep(paths, &arguments)
            .await
            .map(|()| ExitCode::SUCCESS),
        Task::Down => stack::down(paths).await.map(|()| ExitCode::SUCCESS),
        Task::Env(arguments) => environment::print(paths, &arguments)
            .await
            .map(|()| ExitCode::SUCCESS),
        Task::Test(arguments) => check::run(paths, &arguments).await,
        Task::Bench(arguments) => bench::run(paths, &arguments).await,
        Task::Eval(arguments) => eval::run(paths, &arguments).await,
        Task::Send(arguments) => send::send(paths, &arguments).await.map(|()| ExitCode::SUCCESS),
        Task::Invoke(arguments) => send::invoke(paths, &arguments).await,
        Task::Fault(fault) => fault::run(paths, &fault).await.map(|()| ExitCode::SUCCESS),
        Task::Sbom(arguments) => sbom::run(paths, &arguments).map(|()| ExitCode::SUCCESS),
        Task::Reproduce(arguments) => reproduce::run(paths, &arguments).await,
        Task::Lock(arguments) => tools::refresh(paths, &arguments)
            .await
            .map(|()| ExitCode::SUCCESS),
    }
}
