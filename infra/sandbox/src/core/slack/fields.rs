//! What a person makes of the fields of a form: `state.values` in Slack's shape.
//!
//! Facts: <https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload>,
//! <https://docs.slack.dev/reference/block-kit/block-elements>.

use serde_json::{Value, json};

use super::blocks::list;

/// An element as a person leaves it, who gave this or nothing.
pub(super) fn filled(element: &Value, given: Option<&Value>) -> Result<Value, String> {
    let kind = element["type"].as_str().unwrap_or_default();
    let (name, value) = match kind {
        "plain_text_input" | "email_text_input" | "url_text_input" => {
            let text = text_of(element, given, "initial_value")?;
            lengths(element, text.as_deref())?;
            ("value", json!(text))
        }
        "number_input" => {
            let text = text_of(element, given, "initial_value")?;
            number(element, text.as_deref())?;
            ("value", json!(text))
        }
        "static_select" | "radio_buttons" => ("selected_option", chosen(element, given)?),
        "checkboxes" | "multi_static_select" => ("selected_options", all_chosen(element, given)?),
        "datepicker" => ("selected_date", json!(text_of(element, given, "initial_date")?)),
        "timepicker" => ("selected_time", json!(text_of(element, given, "initial_time")?)),
        "users_select" => ("selected_user", json!(text_of(element, given, "initial_user")?)),
        "channels_select" => (
            "selected_channel",
            json!(text_of(element, given, "initial_channel")?),
        ),
        "conversations_select" => (
            "selected_conversation",
            json!(text_of(element, given, "initial_conversation")?),
        ),
        other => return Err(format!("a {other:?} cannot be filled in here")),
    };
    Ok(json!({"type": kind, name: value}))
}

/// Whether nothing was given.
pub(super) fn is_empty(filled: &Value) -> bool {
    let mut fields = filled.as_object().into_iter().flatten();
    fields
        .all(|(name, value)| name == "type" || value.is_null() || value.as_array().is_some_and(Vec::is_empty))
}

fn text_of(element: &Value, given: Option<&Value>, initial: &str) -> Result<Option<String>, String> {
    let text = match given {
        None => element[initial].as_str().map(str::to_owned),
        Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => return Err(format!("a text goes into it, not {other}")),
    };
    Ok(text.filter(|text| !text.is_empty()))
}

/// Slack's client takes no text that is too short or too long.
fn lengths(element: &Value, text: Option<&str>) -> Result<(), String> {
    let Some(text) = text else { return Ok(()) };
    let length = text.chars().count() as u64;
    let bound = |name: &str, usual| element[name].as_u64().unwrap_or(usual);
    let (least, most) = (bound("min_length", 0), bound("max_length", 3000));
    if (least..=most).contains(&length) {
        Ok(())
    } else {
        Err(format!("{least} to {most} characters go into it, not {length}"))
    }
}

/// Slack's client takes no number that is out of its bounds.
fn number(element: &Value, text: Option<&str>) -> Result<(), String> {
    let Some(text) = text else { return Ok(()) };
    let number: f64 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    if element["is_decimal_allowed"] != json!(true) && number.fract() != 0.0 {
        return Err(format!("{text} is no whole number"));
    }
    let bound = |name: &str| element[name].as_str().and_then(|text| text.parse::<f64>().ok());
    if bound("min_value").is_some_and(|least| number < least)
        || bound("max_value").is_some_and(|most| number > most)
    {
        return Err(format!("{text} is out of its bounds"));
    }
    Ok(())
}

/// The option of a value among those of an element.
pub(super) fn option(element: &Value, value: &str) -> Option<Value> {
    let grouped = list(&element["option_groups"])
        .iter()
        .flat_map(|group| list(&group["options"]));
    let mut options = list(&element["options"]).iter().chain(grouped);
    options.find(|one| one["value"] == value).cloned()
}

fn chosen(element: &Value, given: Option<&Value>) -> Result<Value, String> {
    match given {
        None => Ok(element["initial_option"].clone()),
        Some(Value::Null) => Ok(Value::Null),
        Some(value) => value
            .as_str()
            .and_then(|value| option(element, value))
            .ok_or_else(|| format!("it has no option {value}")),
    }
}

fn all_chosen(element: &Value, given: Option<&Value>) -> Result<Value, String> {
    let Some(given) = given else {
        return Ok(json!(list(&element["initial_options"])));
    };
    let values = given
        .as_array()
        .ok_or_else(|| format!("a list of values goes into it, not {given}"))?;
    let options: Result<Vec<Value>, String> =
        values.iter().map(|value| chosen(element, Some(value))).collect();
    Ok(json!(options?))
}
