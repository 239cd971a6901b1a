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

    /// The URL of a service that is called with secrets: `https` alone, but for an emulator of AWS (`LOCAL_STACK`, which
    /// the template's `LocalStack` sets). The complaint leaves the URL out: it may hold a password.
    pub fn service_url(&self, name: &'static str) -> Result<String, BadVariable> {
        let url = self.text(name)?;
        let begins = |scheme: &str| {
            let start = url.get(..scheme.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(scheme)) && url.len() > scheme.len()
        };
        let emulated = self.optional("LOCAL_STACK").as_deref() == Some("true");
        if begins("https://") || (emulated && begins("http://")) {
            return Ok(url);
        }
        Err(BadVariable {
            name,
            problem: "does not begin with https://: what is sent there must not be read on the way (http:// is for an \
                      emulator alone, with the parameter LocalStack)"
                .to_owned(),
        })
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
                max_rpm: self.number("MAX_RPM", 1, 1_000_000_000)?,
                max_tpm: self.number("MAX_TPM", 1, 1_000_000_000)?,
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
        ("MAX_RPM", "10000"),
        ("MAX_TPM", "10000000"),
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
    fn a_service_is_called_over_https_alone_but_for_an_emulator() {
        let url = |url: &str, emulator: Option<&str>| {
            let lookup = |name: &str| match name {
                "A" => Some(url.to_owned()),
                "LOCAL_STACK" => emulator.map(str::to_owned),
                _ => None,
            };
            Env::new(&lookup).service_url("A").map_err(|bad| bad.to_string())
        };
        for emulator in [None, Some(""), Some("false"), Some("TRUE"), Some("1")] {
            assert_eq!(
                url("https://gateway.example/x", emulator),
                Ok("https://gateway.example/x".to_owned())
            );
            assert!(url("HTTPS://gateway.example", emulator).is_ok());
            for bad in [
                "http://user:pa55@gateway",
                "HTTP://g",
                " https://g",
                "https:/g",
                "https://",
                "//g",
                "ftp://g",
                "ü",
            ] {
                let problem = url(bad, emulator).unwrap_err();
                assert!(
                    problem.starts_with("environment variable A does not begin with https://"),
                    "{problem}"
                );
                assert!(!problem.contains("pa55"), "{problem}");
            }
        }
        assert_eq!(
            url("http://127.0.0.1:4566", Some("true")),
            Ok("http://127.0.0.1:4566".to_owned())
        );
        assert!(url("ftp://127.0.0.1", Some("true")).is_err());
    }

    #[test]
    fn a_list_may_have_spaces_and_may_be_absent() {
        let lookup = |name: &str| (name == "A").then(|| " x, y ,,".to_owned());
        assert_eq!(Env::new(&lookup).list("A"), ["x", "y"]);
        assert!(Env::new(&lookup).list("B").is_empty());
    }
}
