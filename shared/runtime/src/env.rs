//! The environment, typed: every complaint names its variable and what it should hold.

use std::fmt::Display;
use std::str::FromStr;

use adapters::KeySources;
use domain::value::{Deployment, Digest, Limits, Micros, Tier};

/// A variable that is missing or wrong. The function does not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("environment variable {name} {problem}")]
pub struct BadVariable {
    /// The variable.
    pub name: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

/// Where variables are looked up: the process's environment, or a test's table.
pub struct Env<'a>(&'a dyn Fn(&str) -> Option<String>);

/// The process's environment.
#[expect(clippy::disallowed_methods, reason = "the one place that reads it")]
pub fn process(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl<'a> Env<'a> {
    /// Variables from a lookup; a function passes [`process`].
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self(lookup)
    }

    /// A text that must be there.
    pub fn text(&self, name: &'static str) -> Result<String, BadVariable> {
        match (self.0)(name) {
            Some(text) if !text.is_empty() => Ok(text),
            Some(_) | None => Err(BadVariable {
                name,
                problem: "is not set".to_owned(),
            }),
        }
    }

    /// A text that may be empty or absent.
    pub fn optional(&self, name: &'static str) -> Option<String> {
        (self.0)(name).filter(|text| !text.is_empty())
    }

    /// A value that must be there.
    pub fn value<T: FromStr<Err: Display>>(&self, name: &'static str) -> Result<T, BadVariable> {
        let text = self.text(name)?;
        text.parse().map_err(|err| BadVariable {
            name,
            problem: format!("is \"{text}\": {err}"),
        })
    }

    /// A whole number within bounds.
    pub fn number(&self, name: &'static str, least: u64, most: u64) -> Result<u64, BadVariable> {
        let number: u64 = self.value(name)?;
        if (least..=most).contains(&number) {
            Ok(number)
        } else {
            Err(BadVariable {
                name,
                problem: format!("is {number}, not within {least}–{most}"),
            })
        }
    }

    /// Comma-separated texts; none where it is empty or absent.
    pub fn list(&self, name: &'static str) -> Vec<String> {
        let text = self.optional(name).unwrap_or_default();
        text.split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Where the public keys are found that decisions are checked with: the same variables for every function.
    pub fn keys(&self) -> Result<KeySources, BadVariable> {
        let arns = |name| {
            self.text(name)?;
            Ok(self.list(name))
        };
        let archives = self.list("KEY_ARCHIVES").into_iter().map(|digest| {
            digest.parse::<Digest>().map_err(|err| BadVariable {
                name: "KEY_ARCHIVES",
                problem: format!("holds \"{digest}\": {err}"),
            })
        });
        Ok(KeySources {
            stack: self.text("STACK_NAME")?,
            decisions: arns("DECISION_KEYS")?,
            operators: arns("OPERATOR_KEYS")?,
            archives: archives.collect::<Result<_, _>>()?,
            bucket: self.text("KEY_BUCKET")?,
        })
    }

    /// What the deployment is configured with: every function that decides reads the same variables.
    pub fn deployment(&self) -> Result<Deployment, BadVariable> {
        let threshold = self.number("SRE_RISK_THRESHOLD", 0, 100)?;
        Ok(Deployment {
            risk_threshold: u8::try_from(threshold).unwrap_or(0),
            auto_approve: self.value("SRE_AUTO_APPROVE")?,
            tier: self.value::<Tier>("LICENSE_TIER")?,
            approval_deadline_s: self.number("APPROVAL_DEADLINE_S", 60, 7 * 86_400)?,
            approval_valid_s: self.number("APPROVAL_VALID_S", 60, 86_400)?,
            approval_veto_s: self.number("APPROVAL_VETO_S", 0, 900)?,
            correlation_window_s: self.number("CORRELATION_WINDOW_S", 0, 86_400)?,
            limits: Limits {
                max_budget_cap: self.value::<Micros>("MAX_BUDGET_CAP")?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use testkit::environment;

    use super::*;

    const COMPLETE: environment::Table<'static> = &[
        ("SRE_RISK_THRESHOLD", "40"),
        ("SRE_AUTO_APPROVE", "false"),
        ("LICENSE_TIER", "enterprise"),
        ("APPROVAL_DEADLINE_S", "1800"),
        ("APPROVAL_VALID_S", "900"),
        ("APPROVAL_VETO_S", "0"),
        ("CORRELATION_WINDOW_S", "900"),
        ("MAX_BUDGET_CAP", "10000.00"),
    ];

    fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Deployment, BadVariable> {
        Env::new(lookup).deployment()
    }

    #[test]
    fn the_documented_values_are_the_default_deployment() {
        assert_eq!(read(&environment::complete(COMPLETE)), Ok(Deployment::default()));
    }

    #[test]
    fn a_wrong_variable_is_named() {
        environment::names_what_is_missing(COMPLETE, &[], read);
        let wrong = [
            ("SRE_RISK_THRESHOLD", "101"),
            ("SRE_RISK_THRESHOLD", "high"),
            ("SRE_AUTO_APPROVE", "yes"),
            ("LICENSE_TIER", "gold"),
            ("MAX_BUDGET_CAP", "-1"),
            ("APPROVAL_VALID_S", "0"),
        ];
        environment::names_what_is_wrong(COMPLETE, &wrong, read);
    }

    #[test]
    fn a_list_may_have_spaces_and_may_be_absent() {
        let lookup = |name: &str| (name == "A").then(|| " x, y ,,".to_owned());
        assert_eq!(Env::new(&lookup).list("A"), ["x", "y"]);
        assert!(Env::new(&lookup).list("B").is_empty());
    }
}
