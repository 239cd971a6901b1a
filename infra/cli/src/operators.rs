//! `sre-agent operators`: is a directory of operators sound, and does it have the people that a policy asks for.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use adapters::{Secret, SystemClock};
use anyhow::Context as _;
use domain::permission::{Directory, InForce, shortages};
use domain::ports::Clock as _;
use domain::value::Timestamp;
use policy::Checked;

use crate::policy::sound;
use crate::print::{Terminal, count};
use crate::stack::Stack;

/// The stack's output that names the secret with the directory.
pub(crate) const SECRET_OUTPUT: &str = "OperatorsSecretArn";

/// What `operators` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Says what is wrong with a directory before it is put into its secret, and which approvals it has too few people
    /// for. Needs no stack. Exits with 1 where something is
    Check(Check),
}

#[derive(Debug, clap::Args)]
struct Check {
    /// The directory, {"operators": […]}, such as events/operators.json
    file: PathBuf,

    /// Directory of the policy whose quorum is asked for; the built-in one where it is absent
    #[arg(long, value_name = "DIR")]
    policy: Option<PathBuf>,
}

impl Arguments {
    /// Whether the directory is sound and large enough. Needs no stack.
    pub(crate) fn offline(&self, terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
        let Command::Check(arguments) = &self.command;
        check(arguments, SystemClock.now(), terminal)
    }
}

fn check(arguments: &Check, now: Timestamp, terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
    let path = arguments.file.display();
    let text = fs::read_to_string(&arguments.file).with_context(|| format!("{path} cannot be read"))?;
    let policy = match &arguments.policy {
        None => Checked::builtin(),
        Some(policy) => match sound(policy, terminal)? {
            Some(bundle) => Checked::new(&bundle)?,
            None => return Ok(false),
        },
    };
    let directory = match Directory::parse(&text) {
        Ok(directory) => directory,
        Err(problem) => {
            terminal.fault(&problem)?;
            return Ok(false);
        }
    };
    let short = told(&directory, &policy.in_force(None), now)?;
    for line in &short {
        terminal.fault(line)?;
    }
    if short.is_empty() {
        let people = count(people(&directory), "active operator");
        terminal.line(&format!("ok: {people}, enough for every approval"))?;
    }
    Ok(short.is_empty())
}

/// How many may decide at all: active, and no bot.
pub(crate) fn people(directory: &Directory) -> usize {
    let operators = directory.operators().iter();
    operators
        .filter(|operator| operator.active && !operator.bot)
        .count()
}

/// The approvals that a directory has too few people for, one sentence each.
pub(crate) fn told(directory: &Directory, in_force: &InForce, now: Timestamp) -> anyhow::Result<Vec<String>> {
    if people(directory) == 0 {
        return Ok(vec![
            "nobody may decide: the directory has no active operator who is no bot, and what waits for a yes expires".to_owned(),
        ]);
    }
    let found = shortages(directory, in_force, now)?;
    Ok(found.iter().map(ToString::to_string).collect())
}

/// The text of the deployed directory, where the caller may read its secret.
pub(crate) async fn deployed(stack: &Stack) -> anyhow::Result<String> {
    let secret = Secret::new(&stack.aws, stack.output(SECRET_OUTPUT)?, Arc::new(SystemClock));
    Ok(secret.value().await?.expose().to_owned())
}

/// What whoever puts a policy in force is told of the people it asks for. Not to know is no good news.
pub(crate) fn warnings(directory: anyhow::Result<String>, in_force: &InForce, now: Timestamp) -> Vec<String> {
    let told = directory.and_then(|text| {
        let directory = Directory::parse(&text).map_err(anyhow::Error::msg)?;
        told(&directory, in_force, now)
    });
    match told {
        Ok(short) => short.into_iter().map(|line| format!("warning: {line}")).collect(),
        Err(err) => vec![format!(
            "warning: whether enough people may decide is not known: {err:#}"
        )],
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;
    use expect_test::{Expect, expect};

    use super::*;
    use crate::trail::tests::at;

    const TWO: &str = include_str!("../../../events/operators.json");

    fn one() -> String {
        TWO.replace(
            r#""id": "grace",
      "name": "Grace Hopper",
      "bot": false,
      "active": true"#,
            r#""id": "grace",
      "name": "Grace Hopper",
      "bot": false,
      "active": false"#,
        )
    }

    fn checks(text: &str, sound: bool, expected: &Expect) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("operators.json");
        fs::write(&file, text).unwrap();
        let mut printed = Vec::new();
        let mut terminal = Terminal::buffer(&mut printed);
        let arguments = Check { file, policy: None };
        assert_eq!(check(&arguments, at(0), &mut terminal).unwrap(), sound);
        drop(terminal);
        expected.assert_eq(&String::from_utf8(printed).unwrap());
    }

    #[test]
    fn a_directory_is_told_sound_too_small_or_wrong() {
        checks(
            TWO,
            true,
            &expect![[r#"
            ok: 2 active operators, enough for every approval
        "#]],
        );
        checks(
            &one(),
            false,
            &expect![[r#"
            nothing can be approved of circuit_break_provider, reroute_model_group, raise_rate_limit, page_oncall, disable_guardrail, bump_budget_cap, disable_sla_contract from a score of 75 on: 2 people must say yes, and only Ada Lovelace (ada) may
        "#]],
        );
        let twice = TWO.replace("\"grace\"", "\"A\u{200b}DA\"");
        checks(
            &twice,
            false,
            &expect![[r#"
            the operator directory has one id for Ada Lovelace (ada) and for Grace Hopper (A\u{200b}DA) (ada and A\u{200b}DA differ in nothing but case, spaces or characters that cannot be seen): a person is one entry, or has two votes; remove one of them
        "#]],
        );
        checks(
            r#"{"operators":[]}"#,
            false,
            &expect![[r#"
            nobody may decide: the directory has no active operator who is no bot, and what waits for a yes expires
        "#]],
        );
        let nowhere = Check {
            file: PathBuf::from("/nowhere"),
            policy: None,
        };
        assert!(check(&nowhere, at(0), &mut Terminal::unread()).is_err());
    }

    #[test]
    fn who_publishes_is_warned_also_where_it_cannot_be_known() {
        let in_force = Checked::builtin().in_force(None);
        let warned = |directory| warnings(directory, &in_force, at(0)).join("\n");
        assert_eq!(warned(Ok(TWO.to_owned())), "");
        expect!["warning: nothing can be approved of circuit_break_provider, reroute_model_group, raise_rate_limit, page_oncall, disable_guardrail, bump_budget_cap, disable_sla_contract from a score of 75 on: 2 people must say yes, and only Ada Lovelace (ada) may"].assert_eq(&warned(Ok(one())));
        expect!["warning: whether enough people may decide is not known: the operator directory cannot be read: missing field `operators` at line 1 column 2"].assert_eq(&warned(Ok("{}".to_owned())));
        expect!["warning: whether enough people may decide is not known: AccessDenied"]
            .assert_eq(&warned(Err(anyhow!("AccessDenied"))));
    }
}
