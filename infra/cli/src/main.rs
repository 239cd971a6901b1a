//! `sre-agent`: the operators' command line.
//!
//! | to change | look in |
//! | --- | --- |
//! | the table of commands | here |
//! | how the deployed stack and its queues are found | `stack` |
//! | `status`: what is looked at, and what counts as unhealthy | `status` |
//! | `list`, `show`, `watch`, `approve`, `reject`, `edit`, `revoke`, `undo`: what is asked of the agent's function URL | `proposals` |
//! | `trail`: how a proposal's records are verified and told, and the export of many | `trail` |
//! | `pause`, `resume`, `automatic`: what is asked of `control`, and what follows | `switches` |
//! | `policy`: how a policy is checked, published and shown | `policy` |
//! | `policy replay`, `policy calibrate`: what another policy would have made of what happened | `what_if` |
//! | `operators`: whether a directory of operators is sound, and large enough for a policy's quorum | `operators` |
//! | `doctor`: what is missing before the first incident | `doctor` |
//! | what a function tells of itself, asked directly | `checkup` |
//! | `slack`: whether people can be asked there, and what is told to do where not | `slack` |
//! | `keys`: how another key comes to sign | `keys` |
//! | `set-aside`: what does not hold, and goes on without it | `set_aside` |
//! | who it is that changes something | `who` |
//! | `redrive`: what dead letters are, and how they are put back | `redrive` |
//! | `completions`, `man`, and the usage that errors show | `shell` |
//! | how text from outside is shown on a terminal | `print` |
//! | how a time is written on the command line | `moment` |
//! | which errors end with which code, and how AWS's are told | `end` |
//!
//! It reads and writes with the rights of whoever runs it, through the AWS SDK's usual configuration.
#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

mod checkup;
mod doctor;
mod end;
mod keys;
mod moment;
mod operators;
mod policy;
mod print;
mod proposals;
mod redrive;
mod set_aside;
mod shell;
mod slack;
mod stack;
mod status;
mod switches;
mod trail;
mod what_if;
mod who;

use std::process::ExitCode;

use clap::builder::NonEmptyStringValueParser;
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::print::Terminal;
use crate::stack::Stack;

/// Looks after a deployed SRE agent.
///
/// Region, credentials and endpoint are found as every AWS SDK finds them; AWS_ENDPOINT_URL leads to a local
/// stack. Every time is printed in UTC, as 2026-11-22T10:00:00.000Z, whatever TZ says, and a day begins at midnight UTC.
#[derive(Debug, Parser)]
#[command(name = "sre-agent", version, arg_required_else_help = true, after_help = EXIT_CODES)]
struct Arguments {
    /// Name of the CloudFormation stack
    #[arg(
        long,
        global = true,
        env = "SRE_AGENT_STACK",
        default_value = "sre-agent",
        value_parser = NonEmptyStringValueParser::new()
    )]
    stack: String,

    /// URL of the function that takes decisions, where the stack's own does not resolve: on a local stack
    #[arg(
        long,
        global = true,
        env = "SRE_AGENT_COMMANDS_URL",
        value_parser = NonEmptyStringValueParser::new()
    )]
    commands_url: Option<String>,

    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  it was done, or is healthy
  1  it was refused, or is not healthy
  2  the command line cannot be understood
  3  the reply was lost, and nobody can tell whether it was recorded
  4  it could not be looked or asked: the stack, AWS, a service or a file does not answer";

#[derive(Debug, Subcommand)]
enum Command {
    /// Says whether the agent is healthy: stack, queues, dead letters, event sources, open proposals, people, gateway.
    /// Exits with 1 where it is not
    Status(status::Arguments),
    /// Says what is missing before the first incident, and what to do about it: secrets, people, Slack, gateway, models,
    /// policy, keys, alarms. Exits with 1 where something is
    Doctor(doctor::Arguments),
    #[command(flatten)]
    Proposals(proposals::Command),
    /// Tells one proposal's story, record by record, and verifies it; or exports many. Exits with 1 where it does not hold
    Trail(trail::Arguments),
    /// Stops the agent, and loses nothing: incidents are recorded, what is in force ends on time. Exits with 0 where it
    /// is paused already, and says since when
    Pause(switches::PauseArguments),
    /// Lets a paused agent go on with everything that was recorded. Exits with 0 where it is not paused
    Resume(switches::ResumeArguments),
    /// Switches off that the policy lets actions execute without a person, or on again. Exits with 0 where it is so
    /// already, and says since when
    Automatic(switches::AutomaticArguments),
    /// Has another key sign from now on, and keeps what the old one had signed
    Keys(keys::Arguments),
    /// Leaves out a record that does not hold, so that its stream goes on: signed, and told on the trail
    SetAside(set_aside::Arguments),
    /// Checks a policy, publishes one, shows one, tries one on what happened, or proposes thresholds
    Policy(policy::Arguments),
    /// Checks a directory of operators before it is put into its secret
    Operators(operators::Arguments),
    /// Puts dead letters back into the queues they came from, or lists them with the reasons
    Redrive(redrive::Arguments),
    /// Says of every Slack channel where people are asked whether the bot may post there, and what to do where it may
    /// not. Exits with 1 where it may not, and where Slack is not set up
    Slack(slack::Arguments),
    /// Prints what a shell needs to complete command lines, such as sre-agent completions bash. Needs no stack
    Completions(shell::CompletionsArguments),
    /// Prints the man page, or writes one for each command. Needs no stack
    Man(shell::ManArguments),
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // Ends with 2, or with 0 where it is help that was asked for.
        Err(err) => shell::with_whole_usage(err, Arguments::command()).exit(),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(err) => {
            eprintln!("error: no async runtime: {err}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(arguments)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(err) => {
            eprintln!("error: {}", print::visible(&format!("{err:#}")));
            ExitCode::from(end::code(&err))
        }
    }
}

/// What needs no stack: whether it went well, if that was asked for; and what cannot be asked for as it was, which is told
/// before the stack is looked for.
fn offline(command: &Command, terminal: &mut Terminal<'_>) -> Option<anyhow::Result<bool>> {
    match command {
        Command::Trail(arguments) => arguments.offline(terminal),
        Command::Policy(arguments) => arguments.offline(terminal),
        Command::Operators(arguments) => Some(arguments.offline(terminal)),
        Command::Keys(arguments) => arguments.offline(),
        Command::Redrive(arguments) => arguments.offline(),
        Command::Completions(arguments) => {
            Some(shell::completions(arguments, Arguments::command(), terminal))
        }
        Command::Man(arguments) => Some(shell::man(arguments, Arguments::command(), terminal)),
        Command::Status(_)
        | Command::Doctor(_)
        | Command::Proposals(_)
        | Command::Pause(_)
        | Command::Resume(_)
        | Command::Automatic(_)
        | Command::SetAside(_)
        | Command::Slack(_) => None,
    }
}

/// Whether what was asked for is as it should be.
async fn run(arguments: Arguments) -> anyhow::Result<bool> {
    let mut terminal = Terminal::standard();
    if let Some(done) = offline(&arguments.command, &mut terminal) {
        return done;
    }
    let mut stack = Stack::find(&arguments.stack).await?;
    if let Some(url) = arguments.commands_url {
        stack.outputs.insert(proposals::URL_OUTPUT.to_owned(), url);
    }
    match arguments.command {
        Command::Status(arguments) => status::run(&stack, &arguments, &mut terminal).await,
        Command::Doctor(arguments) => doctor::run(&stack, &arguments, &mut terminal).await,
        Command::Proposals(command) => proposals::run(&stack, &command, &mut terminal).await,
        Command::Trail(arguments) => trail::run(&stack, &arguments, &mut terminal).await,
        Command::Pause(arguments) => switches::pause(&stack, arguments, &mut terminal).await,
        Command::Resume(arguments) => switches::resume(&stack, arguments, &mut terminal).await,
        Command::Automatic(arguments) => switches::automatic(&stack, arguments, &mut terminal).await,
        Command::Keys(arguments) => keys::run(&stack, &arguments, &mut terminal).await,
        Command::SetAside(arguments) => set_aside::run(&stack, arguments, &mut terminal).await,
        Command::Policy(arguments) => policy::run(&stack, arguments, &mut terminal).await,
        Command::Redrive(arguments) => redrive::run(&stack, &arguments, &mut terminal).await,
        Command::Slack(arguments) => slack::run(&stack, &arguments, &mut terminal).await,
        // They need no stack, and were done above.
        Command::Operators(_) | Command::Completions(_) | Command::Man(_) => Ok(true),
    }
}

#[cfg(test)]
mod tests;
