//! `sre-agent completions` and `man`, from the table of commands; and the usage that an error of the command line shows.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::error::{ContextKind, ContextValue};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::print::Terminal;

/// What the command is called.
const NAME: &str = "sre-agent";

/// What `completions` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArguments {
    /// The shell
    shell: Shell,
}

/// What `man` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct ManArguments {
    /// Writes a page for each command into this directory, which is made where there is none; without it, the page of
    /// sre-agent itself is printed
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints what a shell needs to complete command lines.
pub(crate) fn completions(
    arguments: &CompletionsArguments,
    mut table: clap::Command,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut table, NAME, &mut script);
    if arguments.shell == Shell::Bash {
        script = one_name(&String::from_utf8(script)?).into_bytes();
    }
    terminal.bytes(&script)?;
    Ok(true)
}

/// The script for bash, in which a command has one name. Where the program's own has a hyphen, clap_complete 4.6.11 calls a
/// command `sre__agent__subcmd__trail` where it reads the line, and `sre__subcmd__agent__subcmd__trail` where it looks up
/// what may follow, and nothing is completed behind the first word.
fn one_name(script: &str) -> String {
    let (read, looked_up) = (NAME.replace('-', "__"), NAME.replace('-', "__subcmd__"));
    script.replace(&looked_up, &read)
}

/// Prints a man page, or writes all of them.
pub(crate) fn man(
    arguments: &ManArguments,
    table: clap::Command,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    match &arguments.out {
        Some(directory) => {
            let named = || format!("{} cannot be written", directory.display());
            fs::create_dir_all(directory).with_context(named)?;
            clap_mangen::generate_to(table, directory).with_context(named)?;
        }
        None => {
            let mut page = Vec::new();
            Man::new(table).render(&mut page)?;
            terminal.bytes(&page)?;
        }
    }
    Ok(true)
}

/// An error with the usage of the command as its help has it. By itself clap shows whatever was given, from the
/// environment too, as if it were required: `sre-agent pause --reason <TEXT> --commands-url <URL>`.
pub(crate) fn with_whole_usage(mut err: clap::Error, mut table: clap::Command) -> clap::Error {
    let Some(ContextValue::StyledStr(usage)) = err.get(ContextKind::Usage) else {
        return err;
    };
    let usage = usage.to_string();
    table.build();
    let mut command = &table;
    // `Usage: sre-agent trail export --since <WHEN>`
    for word in usage.split_whitespace().skip(2) {
        match command.find_subcommand(word) {
            Some(found) => command = found,
            None => break,
        }
    }
    let usage = command.clone().render_usage();
    err.insert(ContextKind::Usage, ContextValue::StyledStr(usage));
    err
}
