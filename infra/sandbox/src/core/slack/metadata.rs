//! The metadata of a message.
//!
//! Facts: <https://docs.slack.dev/messaging/message-metadata>: an `event_type` has letters, digits, `_` and `-`; one
//! with anything else is ignored, with the warning `invalid_metadata_schema`.

use serde_json::Value;

use super::Refused;
use super::arguments::Arguments;

/// What a call says about a message's metadata.
#[derive(Debug, PartialEq)]
pub(super) enum Metadata {
    /// Nothing.
    Unsaid,
    /// An empty object: there is none from now on.
    Removed,
    /// This.
    Given(Value),
    /// Something that is ignored with a warning.
    Ignored,
}

/// The warning where metadata is ignored.
pub(super) const WARNING: &str = "invalid_metadata_schema";

pub(super) fn of(arguments: &Arguments) -> Result<Metadata, Refused> {
    let given = arguments
        .structure("metadata")
        .map_err(|_| Refused::from("invalid_metadata_format"))?;
    let Some(given) = given else {
        return Ok(Metadata::Unsaid);
    };
    let fields = given
        .as_object()
        .ok_or(Refused::from("invalid_metadata_format"))?;
    if fields.is_empty() {
        return Ok(Metadata::Removed);
    }
    let known = fields
        .keys()
        .all(|name| name == "event_type" || name == "event_payload");
    let kind = fields.get("event_type").and_then(Value::as_str);
    let payload = fields.get("event_payload").is_some_and(Value::is_object);
    let Some(kind) = kind.filter(|_| known && payload) else {
        return Err("invalid_metadata_schema".into());
    };
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if kind.is_empty() || !kind.chars().all(letters) {
        return Ok(Metadata::Ignored);
    }
    Ok(Metadata::Given(given))
}
