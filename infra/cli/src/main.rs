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
//! | `slack`: whether people can be asked there, and what is told to do where not | `slack` |
//! | `keys`: how another key comes to sign | `keys` |
//! | `set-aside`: what does not hold, and goes on without it | `set_aside` |
//! | who it is that changes something | `who` |
//! | `redrive`: what dead letters are, and how they are put back | `redrive` |
//! | how text from outside is shown on a terminal | `print` |
//! | how a time is written on the command line | `moment` |
//! | which errors end with another code than 1 | `end` |
//!
//! It reads and writes with the rights of whoever runs it, through the AWS SDK's usual configuration.
#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

mod end;
mod keys;
mod moment;
mod operators;
mod policy;
mod print;
mod proposals;
mod redrive;
mod set_aside;
mod slack;
mod stack;
mod status;
mod switches;
mod trail;
mod what_if;
mod who;

use std::process::ExitCode;

use clap::builder::NonEmptyStringValueParser;
use clap::{Parser, Subcommand};

use crate::print::Terminal;
use crate::stack::Stack;

/// Looks after a deployed SRE agent.
///
/// Region, credentials and endpoint are found as every AWS SDK finds them; AWS_ENDPOINT_URL leads to a local
/// stack.
#[derive(Debug, Parser)]
#[command(name = "sre-agent", version, arg_required_else_help = true)]
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

#[derive(Debug, Subcommand)]
enum Command {
    /// Says whether the agent is healthy: stack, queues, dead letters, event sources, open proposals, people, gateway.
    /// Exits with 1 where it is not
    Status(status::Arguments),
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
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
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

/// Whether what was asked for is as it should be.
async fn run(arguments: Arguments) -> anyhow::Result<bool> {
    let mut terminal = Terminal::standard();
    if let Command::Trail(arguments) = &arguments.command
        && let Some(done) = arguments.offline(&mut terminal)
    {
        return done;
    }
    if let Command::Policy(arguments) = &arguments.command
        && let Some(done) = arguments.offline(&mut terminal)
    {
        return done;
    }
    if let Command::Operators(arguments) = &arguments.command {
        return arguments.offline(&mut terminal);
    }
    let mut stack = Stack::find(&arguments.stack).await?;
    if let Some(url) = arguments.commands_url {
        stack.outputs.insert(proposals::URL_OUTPUT.to_owned(), url);
    }
    match arguments.command {
        Command::Status(arguments) => status::run(&stack, &arguments, &mut terminal).await,
        Command::Proposals(command) => proposals::run(&stack, &command, &mut terminal).await,
        Command::Trail(arguments) => trail::run(&stack, &arguments, &mut terminal).await,
        Command::Pause(arguments) => switches::pause(&stack, arguments, &mut terminal).await,
        Command::Resume(arguments) => switches::resume(&stack, arguments, &mut terminal).await,
        Command::Automatic(arguments) => switches::automatic(&stack, arguments, &mut terminal).await,
        Command::Keys(arguments) => keys::run(&stack, &arguments, &mut terminal).await,
        Command::SetAside(arguments) => set_aside::run(&stack, arguments, &mut terminal).await,
        Command::Policy(arguments) => policy::run(&stack, arguments, &mut terminal).await,
        Command::Operators(arguments) => arguments.offline(&mut terminal),
        Command::Redrive(arguments) => redrive::run(&stack, &arguments, &mut terminal).await,
        Command::Slack(arguments) => slack::run(&stack, &arguments, &mut terminal).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_table_of_commands_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_stack_may_be_named_before_or_after_the_command() {
        for line in [
            ["sre-agent", "--stack", "other", "status"],
            ["sre-agent", "status", "--stack", "other"],
        ] {
            assert_eq!(Arguments::try_parse_from(line).unwrap().stack, "other");
        }
        assert!(Arguments::try_parse_from(["sre-agent", "--stack", "", "status"]).is_err());
    }

    #[test]
    fn a_proposal_id_is_checked_before_anything_is_called() {
        let problem = Arguments::try_parse_from(["sre-agent", "trail", "x"]).unwrap_err();
        assert!(problem.to_string().contains("is not a proposal id"), "{problem}");
        assert!(Arguments::try_parse_from(["sre-agent", "trail"]).is_err());
    }

    #[test]
    fn what_a_command_needs_is_asked_for_before_anything_is_called() {
        let id = "gnr4sqzfryd4gg3mhvufxxmnmg-1";
        for (line, sound) in [
            (&["trail", id, "--json"][..], true),
            (
                &[
                    "trail",
                    "export",
                    "--since",
                    "30d",
                    "--until",
                    "2026-11-22T10:00:00Z",
                ],
                true,
            ),
            (&["trail", "export"], false),
            (&["trail", "export", "--since", "long ago"], false),
            (&["trail", id, "export", "--since", "30d"], false),
            (&["trail", "check", "-"], true),
            (&["trail", "check"], false),
            (&["pause"], false),
            (&["pause", "--reason", " "], false),
            (&["pause", "--reason", "a release"], true),
            (&["resume"], true),
            (&["resume", "--reason", "it is over"], true),
            (&["automatic"], false),
            (&["automatic", "off"], false),
            (&["automatic", "off", "--reason", "a bad week"], true),
            (&["automatic", "on"], true),
            (&["automatic", "maybe", "--reason", "x"], false),
            (&["policy"], false),
            (&["policy", "replay"], false),
            (&["policy", "replay", "--policy", "new"], true),
            (
                &[
                    "policy",
                    "replay",
                    "--policy",
                    "new",
                    "--from",
                    "-",
                    "--threshold",
                    "100",
                    "--auto-approve",
                    "false",
                    "--json",
                ],
                true,
            ),
            (
                &["policy", "replay", "--policy", "new", "--threshold", "101"],
                false,
            ),
            (
                &[
                    "policy", "replay", "--policy", "new", "--from", "-", "--since", "30d",
                ],
                false,
            ),
            (&["policy", "calibrate"], true),
            (
                &[
                    "policy",
                    "calibrate",
                    "--target",
                    "0.9",
                    "--confidence",
                    "0.99",
                    "--out",
                    "new",
                ],
                true,
            ),
            (&["policy", "calibrate", "--target", "95"], false),
            (&["policy", "calibrate", "--confidence", "0.8"], false),
            (&["operators"], false),
            (&["operators", "check"], false),
            (&["operators", "check", "operators.json", "--policy", "new"], true),
            (&["set-aside", "control", "3", "--reason", "a drill"], true),
            (&["set-aside", "control", "3"], false),
            (&["keys", "rotate", "decisions"], true),
            (&["keys", "rotate"], false),
            (&["set-aside", "nothing", "3", "--reason", "a drill"], false),
            (&["slack"], true),
            (&["slack", "--json"], true),
            (&["slack", "C0SRE"], false),
            (&["list"], true),
            (
                &[
                    "list",
                    "--waiting",
                    "--team",
                    "payments",
                    "--limit",
                    "100",
                    "--json",
                ],
                true,
            ),
            (&["list", "--in-force", "--limit", "1"], true),
            (&["list", "--waiting", "--in-force"], false),
            (&["list", "--limit", "0"], false),
            (&["list", "--limit", "101"], false),
            (&["list", "--team", ""], false),
            (&["show", id], true),
            (&["show", "te62-1", "--json"], true),
            (&["show"], false),
            (&["show", "gnr"], false),
            (&["show", "../secrets"], false),
            (&["approve", id], true),
            (&["approve", "te62", "--seen", "0123ABCD", "--yes"], true),
            (&["approve", "te62", "--seen", "0123abc"], false),
            (&["approve", "te62", "--seen", "0123wxyz"], false),
            (&["reject", id], false),
            (&["reject", id, "--reason", " "], false),
            (&["reject", id, "--reason", "it is a drill"], true),
            (&["undo", id], false),
            (&["undo", id, "--reason", "it is over"], true),
            (&["revoke", id], true),
            (&["edit", id], false),
            (&["edit", id, "duration_s"], false),
            (&["edit", id, "duration_s="], false),
            (&["edit", id, "duration_s=60", "rpm_percent=5"], true),
            (&["watch"], true),
            (&["watch", "te62", "--every", "60"], true),
            (&["watch", "--every", "0"], false),
            (&["watch", "--every", "61"], false),
        ] {
            let line = ["sre-agent"].iter().chain(line);
            let parsed = Arguments::try_parse_from(line.clone());
            assert_eq!(parsed.is_ok(), sound, "{line:?}: {parsed:?}");
        }
    }
}
