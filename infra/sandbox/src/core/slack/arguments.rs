//! A call's arguments, from a form, a query or a JSON body.
//!
//! Facts: <https://docs.slack.dev/apis/web-api> (what may be sent, and that a form carries structures as JSON text).

use serde_json::{Map, Value};

use super::Refused;

/// The arguments of one call.
#[derive(Debug, Default)]
pub(crate) struct Arguments(Map<String, Value>);

impl Arguments {
    /// From pairs of a form or of a query. A name that comes twice has its last value.
    pub(crate) fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Arguments {
        Arguments(
            pairs
                .into_iter()
                .map(|(name, value)| (name, Value::from(value)))
                .collect(),
        )
    }

    /// From a JSON body.
    pub(crate) fn from_json(body: &[u8]) -> Result<Arguments, Refused> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Arguments(fields)),
            Ok(_) => Err("json_not_object".into()),
            Err(_) => Err("invalid_json".into()),
        }
    }

    /// The fields as they came.
    pub(super) fn fields(&self) -> &Map<String, Value> {
        &self.0
    }

    /// A text, or a number as one.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, Refused> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => Err(Refused::arguments(&[format!(
                "must provide a string [json-pointer:/{name}]"
            )])),
        }
    }

    /// A text that must be there.
    pub(super) fn required(&self, name: &str) -> Result<String, Refused> {
        self.text(name)?
            .filter(|text| !text.is_empty())
            .ok_or_else(|| Refused::arguments(&[format!("missing required field: {name}")]))
    }

    /// Whether something is wanted: `true` or `1`.
    pub(super) fn flag(&self, name: &str) -> bool {
        match self.0.get(name) {
            Some(Value::Bool(wanted)) => *wanted,
            Some(Value::String(text)) => text == "true" || text == "1",
            Some(Value::Number(number)) => number.as_i64() == Some(1),
            None | Some(Value::Null | Value::Array(_) | Value::Object(_)) => false,
        }
    }

    /// How many are wanted, at most so many; `None` for nonsense.
    pub(super) fn limit(&self, usual: usize, most: usize) -> Option<usize> {
        let wanted = match self.0.get("limit") {
            None | Some(Value::Null) => return Some(usual),
            Some(Value::String(text)) if text.is_empty() => return Some(usual),
            Some(Value::String(text)) => text.parse().ok(),
            Some(Value::Number(number)) => number.as_u64(),
            Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => None,
        };
        let wanted = usize::try_from(wanted?).ok()?;
        (wanted > 0).then(|| wanted.min(most))
    }

    /// A structure: itself in a JSON body, JSON text otherwise. `Err` where that text is no JSON.
    pub(super) fn structure(&self, name: &str) -> Result<Option<Value>, serde_json::Error> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => serde_json::from_str(text).map(Some),
            Some(value) => Ok(Some(value.clone())),
        }
    }
}
