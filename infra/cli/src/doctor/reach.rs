//! What the functions reach, or do not, as they say themselves.

use domain::telling::checkup::{Needed, Reached};

use super::finding::{Finding, missing, note, ok};
use super::seen::Seen;
use crate::print::quote;

/// What the functions reach, or do not.
pub(super) fn reached(seen: &Seen) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in &seen.functions {
        let reached = function.reached().iter();
        found.extend(reached.filter_map(|one| needed(seen, function.name, one)));
    }
    if seen.parameter("ModelApi") == "none" {
        let says = "no model is asked: the built-in runbook answers every incident";
        found.push(note(
            "models",
            says,
            "deploy with ModelApi where a model is to reason",
        ));
    }
    found
}

fn needed(seen: &Seen, function: &str, one: &Reached) -> Option<Finding> {
    let name = quote(&one.name);
    let stack = &seen.stack;
    let (about, what, remedy) = match one.what {
        Needed::Gateway => (
            "gateway",
            format!("{function} reads {}", quote(seen.parameter("GatewayUrl"))),
            format!("mend GatewayUrl, the way there, or the secret {stack}/gateway-{name}"),
        ),
        Needed::Model => (
            "models",
            format!("{name} answers"),
            format!(
                "mend ModelApi, ModelUrl, the model's name, the way there, or the secret {stack}/model; the runbook stands in"
            ),
        ),
        Needed::Pager => (
            "pager",
            "its routing key is one, as far as can be told without paging".to_owned(),
            format!("put an Events API v2 routing key into the secret {stack}/pagerduty"),
        ),
        Needed::Link => (
            "links",
            "the key of the links is there".to_owned(),
            format!("put a key into the secret {stack}/link: infra/docs/operate.md says how"),
        ),
        Needed::Operators => (
            "operators",
            format!("{function} reads the directory"),
            format!(
                "mend the secret {stack}/operators: sre-agent operators check FILE says what is wrong with one"
            ),
        ),
        Needed::Policy => (
            "policy",
            format!("{function} has the one in force"),
            "sre-agent policy show says which is in force; publish one that this version takes".to_owned(),
        ),
        // With what is to be done about each of Slack's words; a later version's need is not this version's to judge.
        Needed::Channel | Needed::Other => return None,
    };
    Some(match &one.problem {
        None => ok(about, what),
        Some(problem) => missing(about, format!("not so: {what}: {}", quote(problem)), remedy),
    })
}
