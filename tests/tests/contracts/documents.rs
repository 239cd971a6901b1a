//! What README.md says of what code decides.

use domain::action::ActionKind;
use domain::policy::Policy;
use domain::risk::FACTORS;

const README: &str = include_str!("../../../README.md");

#[test]
fn every_factor_stands_in_the_readme_with_what_it_looks_at() {
    for rule in &FACTORS {
        let row = format!("| `{}` | {} | ", rule.name, rule.looks_at);
        assert!(README.contains(&row), "{row}");
    }
}

#[test]
fn every_action_stands_there_with_its_baseline_and_floor() {
    for action in ActionKind::ALL {
        let row = README
            .lines()
            .find(|line| line.starts_with(&format!("| `{action}` | ")));
        let numbers = format!(" | {} | {} | ", action.baseline(), action.floor());
        assert!(row.is_some_and(|row| row.contains(&numbers)), "{action}{numbers}");
    }
}

#[test]
fn the_limits_of_automatic_execution_are_the_documented_ones() {
    let limits = serde_json::to_value(Policy::default().automatic).unwrap();
    for (name, value) in limits.as_object().unwrap() {
        let row = README
            .lines()
            .find(|line| line.starts_with(&format!("| `{name}`")));
        assert!(
            row.is_some_and(|row| row.contains(&format!(" | {value} | "))),
            "{name} {value}"
        );
    }
}
