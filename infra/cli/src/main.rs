//! `sre-agent`: the operators' command line.
//!
//! | to change | look in |
//! | --- | --- |
//! | the table of commands | here |
//! | how the deployed stack and its queues are found | `stack` |
//! | `status`: what is looked at, and what counts as unhealthy | `status` |
//! | `trail`: how a proposal's records are verified and told | `trail` |
//! | `redrive`: what dead letters are, and how they are put back | `redrive` |
//! | how text from outside is shown on a terminal | `print` |
//!
//! It reads and writes with the rights of whoever runs it, through the AWS SDK's usual configuration.

mod print;
mod redrive;
mod stack;
mod status;
mod trail;

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

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Says whether the agent is healthy: stack, queues, dead letters, event sources, open proposals, gateway.
    /// Exits with 1 where it is not
    Status(status::Arguments),
    /// Tells one proposal's story, record by record, and verifies it. Exits with 1 where it does not hold
    Trail(trail::Arguments),
    /// Puts dead letters back into the queues they came from, or lists them with the reasons
    Redrive(redrive::Arguments),
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
            ExitCode::FAILURE
        }
    }
}

/// Whether what was asked for is as it should be.
async fn run(arguments: Arguments) -> anyhow::Result<bool> {
    let stack = Stack::find(&arguments.stack).await?;
    let mut terminal = Terminal::stdout();
    match arguments.command {
        Command::Status(arguments) => status::run(&stack, &arguments, &mut terminal).await,
        Command::Trail(arguments) => trail::run(&stack, &arguments, &mut terminal).await,
        Command::Redrive(arguments) => redrive::run(&stack, &arguments, &mut terminal).await,
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
    }
}
