//! Less of an action: what an approver may make of it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Action, Complaint};
use crate::value::Limits;

/// A parameter that an approver may lower.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lowers {
    /// Its name in the action.
    pub parameter: Cow<'static, str>,
    /// What it is, with its unit, for a form.
    pub label: Cow<'static, str>,
    /// Its value now: a number, an amount, a word.
    pub value: String,
}

impl Lowers {
    pub(super) fn new(parameter: &'static str, label: &'static str, value: impl ToString) -> Self {
        Self {
            parameter: parameter.into(),
            label: label.into(),
            value: value.to_string(),
        }
    }
}

/// New values of an action's parameters, by name, each as a person writes it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Narrowing(pub BTreeMap<String, String>);

impl Action {
    /// This action with the new values, if that is less of it and within bounds.
    pub fn narrowed(&self, to: &Narrowing, limits: &Limits) -> Result<Action, Complaint> {
        let lowers = self.operation().lowers();
        let Ok(Value::Object(mut form)) = serde_json::to_value(self) else {
            return Err(Complaint::new("action", "cannot be written as JSON"));
        };
        for (name, text) in &to.0 {
            if !lowers.iter().any(|one| one.parameter == name.as_str()) {
                let may = match lowers.len() {
                    0 => "cannot be lowered: there is no less of this action".to_owned(),
                    _ => {
                        let names: Vec<_> = lowers.iter().map(|one| &*one.parameter).collect();
                        format!("cannot be lowered: only {} can", names.join(" and "))
                    }
                };
                return Err(Complaint::new(name, may));
            }
            let text = text.trim();
            let value = match form.get(name) {
                Some(Value::Number(_)) => match text.parse::<u64>() {
                    Ok(number) => Value::from(number),
                    Err(_) => return Err(Complaint::new(name, "must be a whole number")),
                },
                Some(_) | None => Value::from(text),
            };
            form.insert(name.clone(), value);
        }
        let narrower: Action = serde_json::from_value(Value::Object(form))
            .map_err(|err| Complaint::new("parameters", format!("cannot be read: {err}")))?;
        if let Some(complaint) = narrower.operation().out_of_bounds(limits).into_iter().next() {
            return Err(complaint);
        }
        if !narrower.narrows(self) {
            let problem = match narrower == *self {
                true => "are what was proposed: lower one of them",
                false => "widen the action: only less of it is allowed",
            };
            return Err(Complaint::new("parameters", problem));
        }
        Ok(narrower)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::samples::*;
    use crate::value::Deployment;

    fn to(changes: &[(&str, String)]) -> Narrowing {
        let changes = changes.iter();
        Narrowing(
            changes
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
        )
    }

    /// The preview of the narrower action, derived from the wider one's, is the one that the inventory gives.
    fn agrees(wider: &Action, to: &Narrowing) -> Result<(), TestCaseError> {
        let inventory = inventory();
        let preview = wider.preview(&inventory).unwrap();
        let Ok(narrower) = wider.narrowed(to, &Deployment::default().limits) else {
            return Ok(());
        };
        prop_assert!(narrower.narrows(wider));
        prop_assert_eq!(narrower.preview_within(&preview), narrower.preview(&inventory));
        Ok(())
    }

    proptest! {
        #[test]
        fn less_of_an_action_does_what_its_own_preview_says(a in 1_u64..=50, b in 1_u64..=50, c in 0_u64..60, d in 0_u64..60) {
            let raise = action(json!({"action": "raise_rate_limit", "team": "payments", "rpm_percent": a, "tpm_percent": b}));
            agrees(&raise, &to(&[("rpm_percent", c.to_string()), ("tpm_percent", d.to_string())]))?;
            let one = action(json!({"action": "raise_rate_limit", "team": "payments", "tpm_percent": b}));
            agrees(&one, &to(&[("tpm_percent", d.to_string())]))?;
            agrees(&breaks(30 + a * 5), &to(&[("duration_s", (c * 6).to_string())]))?;
            let bump = action(json!({"action": "bump_budget_cap", "scope": "team", "scope_id": "payments",
                "hard_cap": format!("{}.00", 100 + a)}));
            agrees(&bump, &to(&[("hard_cap", format!("{}.50", 90 + c))]))?;
            agrees(&pages(), &to(&[("severity", "info".to_owned())]))?;
        }

        #[test]
        fn whatever_a_person_writes_narrows_or_is_refused(name in "[a-z_]{0,12}|duration_s", value in ".{0,40}") {
            let wider = breaks(300);
            if let Ok(narrower) = wider.narrowed(&to(&[(&name, value)]), &Deployment::default().limits) {
                prop_assert!(narrower.narrows(&wider));
            }
        }
    }
}
