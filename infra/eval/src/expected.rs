//! What an acceptable answer is: an action with exact parameters or ranges of them, or to decline.

use anyhow::{Context as _, Result, ensure};
use domain::action::{Action, ActionKind};
use domain::proposal::DeclineReason;
use domain::value::Micros;
use serde_json::{Map, Value};

/// One acceptable answer.
#[derive(Debug, Clone)]
pub enum Expected {
    /// This action.
    Act {
        /// Which action it must be.
        action: ActionKind,
        /// What its parameters may be. One that is not named may be anything.
        parameters: Vec<(String, Allowed)>,
    },
    /// No action, for one of these reasons; for any where there are none.
    Decline(Vec<DeclineReason>),
}

/// What a parameter may be.
#[derive(Debug, Clone, PartialEq)]
pub enum Allowed {
    /// One of these.
    OneOf(Vec<Value>),
    /// A number, or an amount in USD, within both.
    Within {
        /// The least.
        from: Value,
        /// The most.
        to: Value,
    },
}

impl Expected {
    /// Reads `{"action": …, <parameter>: …}` or `{"decline": [<reason>, …]}`. A parameter is a value, a list of
    /// values, or `{"from": …, "to": …}`.
    pub fn parse(value: &Value) -> Result<Self> {
        let fields = value.as_object().context("an answer is an object")?;
        if let Some(reasons) = fields.get("decline") {
            ensure!(fields.len() == 1, "to decline has no parameters");
            return Ok(Expected::Decline(serde_json::from_value(reasons.clone())?));
        }
        let action = serde_json::from_value(fields.get("action").cloned().unwrap_or_default());
        let parameters = fields.iter().filter(|(name, _)| *name != "action");
        let parameters = parameters.map(|(name, value)| Ok((name.clone(), Allowed::parse(value)?)));
        Ok(Expected::Act {
            action: action.context("action")?,
            parameters: parameters.collect::<Result<_>>()?,
        })
    }

    /// Whether it is this action, whatever its parameters.
    pub fn is_action(&self, chosen: &Action) -> bool {
        match self {
            Expected::Act { action, .. } => *action == chosen.kind(),
            Expected::Decline(_) => false,
        }
    }

    /// Whether it is this action with these parameters.
    pub fn takes(&self, chosen: &Action) -> bool {
        let Expected::Act { parameters, .. } = self else {
            return false;
        };
        let chosen_parameters = serde_json::to_value(chosen).unwrap_or_default();
        let allowed = |(name, allowed): &(String, Allowed)| allowed.takes(&chosen_parameters[name]);
        self.is_action(chosen) && parameters.iter().all(allowed)
    }

    /// Whether to decline is acceptable, whatever the reason.
    pub fn is_decline(&self) -> bool {
        matches!(self, Expected::Decline(_))
    }

    /// Whether to decline for this reason is.
    pub fn takes_reason(&self, reason: DeclineReason) -> bool {
        match self {
            Expected::Decline(reasons) => reasons.is_empty() || reasons.contains(&reason),
            Expected::Act { .. } => false,
        }
    }

    /// Actions at the edges of what is acceptable: every value of a list, and both ends of a range. What a page
    /// says is filled in.
    pub fn edges(&self) -> Result<Vec<Action>> {
        let Expected::Act { action, parameters } = self else {
            return Ok(Vec::new());
        };
        let mut edges = vec![Map::from_iter([("action".to_owned(), action.name().into())])];
        if *action == ActionKind::PageOncall {
            edges[0].insert("severity".to_owned(), "warning".into());
            edges[0].insert("summary".to_owned(), "somebody should look".into());
        }
        for (name, allowed) in parameters {
            let values = match allowed {
                Allowed::OneOf(values) => values.clone(),
                Allowed::Within { from, to } => vec![from.clone(), to.clone()],
            };
            let with = |edge: &Map<String, Value>, value: Value| {
                let mut edge = edge.clone();
                edge.insert(name.clone(), value);
                edge
            };
            edges = edges
                .iter()
                .flat_map(|edge| values.iter().map(move |value| with(edge, value.clone())))
                .collect();
        }
        let action = |edge: Map<String, Value>| Ok(serde_json::from_value(edge.into())?);
        edges.into_iter().map(action).collect()
    }
}

impl Allowed {
    fn parse(value: &Value) -> Result<Self> {
        Ok(match value {
            Value::Array(values) => Allowed::OneOf(values.clone()),
            Value::Object(range) => {
                let end = |name: &str| {
                    let end = range.get(name).cloned();
                    end.filter(|end| number(end).is_some())
                        .with_context(|| format!("{name} is not a number"))
                };
                Allowed::Within {
                    from: end("from")?,
                    to: end("to")?,
                }
            }
            one => Allowed::OneOf(vec![one.clone()]),
        })
    }

    fn takes(&self, value: &Value) -> bool {
        match self {
            Allowed::OneOf(values) => values.contains(value),
            Allowed::Within { from, to } => {
                number(value).is_some_and(|value| number(from) <= Some(value) && Some(value) <= number(to))
            }
        }
    }
}

/// A whole number, or an amount in millionths.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::String(amount) => amount.parse::<Micros>().ok().map(|micros| micros.0),
        value => value.as_u64(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn takes(expected: Value, chosen: Value) -> (bool, bool) {
        let expected = Expected::parse(&expected).unwrap();
        let chosen: Action = serde_json::from_value(chosen).unwrap();
        (expected.is_action(&chosen), expected.takes(&chosen))
    }

    #[test]
    fn a_parameter_is_exact_in_a_range_one_of_several_or_free() {
        let breaks = |seconds: u64| json!({"action": "circuit_break_provider", "provider": "a", "duration_s": seconds});
        let range = json!({"action": "circuit_break_provider", "provider": ["a", "b"], "duration_s": {"from": 60, "to": 120}});
        assert_eq!(takes(range.clone(), breaks(59)), (true, false));
        assert_eq!(takes(range.clone(), breaks(60)), (true, true));
        assert_eq!(takes(range.clone(), breaks(120)), (true, true));
        assert_eq!(takes(range, breaks(121)), (true, false));
        let other = json!({"action": "circuit_break_provider", "provider": "c"});
        assert_eq!(takes(other, breaks(60)), (true, false));
        let free = json!({"action": "circuit_break_provider"});
        assert_eq!(takes(free, breaks(60)), (true, true));
        assert_eq!(takes(json!({"decline": []}), breaks(60)), (false, false));
    }

    #[test]
    fn an_amount_is_compared_as_money_and_an_absent_parameter_is_in_no_range() {
        let bump = json!({"action": "bump_budget_cap", "scope": "team", "scope_id": "a", "hard_cap": "1000"});
        let expected = json!({"action": "bump_budget_cap", "hard_cap": {"from": "999.50", "to": "1000.00"}});
        assert_eq!(takes(expected, bump), (true, true));
        let raise = json!({"action": "raise_rate_limit", "team": "a", "tpm_percent": 5});
        let expected = json!({"action": "raise_rate_limit", "rpm_percent": {"from": 1, "to": 50}});
        assert_eq!(takes(expected, raise), (true, false));
    }

    #[test]
    fn declining_has_its_reasons() {
        let expected = Expected::parse(&json!({"decline": ["nothing_to_do"]})).unwrap();
        assert!(expected.is_decline() && expected.takes_reason(DeclineReason::NothingToDo));
        assert!(!expected.takes_reason(DeclineReason::OutOfTime));
        let any = Expected::parse(&json!({"decline": []})).unwrap();
        assert!(any.takes_reason(DeclineReason::OutOfTime));
    }

    #[test]
    fn what_is_not_an_answer_is_refused() {
        for nonsense in [
            json!("page"),
            json!({}),
            json!({"action": "reboot"}),
            json!({"decline": ["tired"]}),
            json!({"decline": [], "severity": "info"}),
            json!({"action": "bump_budget_cap", "hard_cap": {"from": "1"}}),
        ] {
            assert!(Expected::parse(&nonsense).is_err(), "{nonsense}");
        }
    }
}
