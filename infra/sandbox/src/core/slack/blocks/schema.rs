//! What a JSON value must look like, and the words in which Slack says that it does not.
//!
//! The words were seen in <https://github.com/slackapi/java-slack-sdk/pull/302> (`missing required field`),
//! <https://github.com/nicklambourne/slackblocks/issues/36> (`invalid additional property`),
//! <https://github.com/incidentbot/incidentbot/issues/328> (`no more than … items allowed`) and
//! <https://github.com/MacPaw/together-app/issues/4> (`invalid url`).

use serde_json::{Map, Value};

/// What a value must be.
pub(super) enum Kind {
    /// A text object, of `plain_text` alone or also of `mrkdwn`; 1 to so many characters.
    Text { mrkdwn: bool, most: usize },
    /// A string of so many characters.
    Str { least: usize, most: usize },
    /// One of these strings.
    Word(&'static [&'static str]),
    /// A URL of at most so many characters.
    Url(usize),
    /// A boolean.
    Bool,
    /// An integer within these bounds.
    Int(i64, i64),
    /// An object with these fields and no other.
    Object(&'static [Field]),
    /// An object whose `type` says which fields it has.
    Typed(&'static [&'static [Shape]]),
    /// So many of one kind.
    List {
        of: &'static Kind,
        least: usize,
        most: usize,
    },
    /// An object with anything in it.
    Free,
}

/// A field of an object.
pub(super) struct Field {
    name: &'static str,
    required: bool,
    kind: Kind,
}

/// An object with a `type`.
pub(super) struct Shape {
    pub(super) name: &'static str,
    pub(super) fields: &'static [Field],
}

/// A field that must be there.
pub(super) const fn must(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        required: true,
        kind,
    }
}

/// A field that may be there.
pub(super) const fn may(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        required: false,
        kind,
    }
}

/// A `plain_text` object.
pub(super) const fn plain(most: usize) -> Kind {
    Kind::Text { mrkdwn: false, most }
}

/// A string, empty or not.
pub(super) const fn string(most: usize) -> Kind {
    Kind::Str { least: 0, most }
}

/// What is wrong, each with where: `must be less than 76 characters [json-pointer:/blocks/0/…]`.
#[derive(Debug, Default)]
pub(super) struct Complaints(pub(super) Vec<String>);

impl Complaints {
    pub(super) fn add(&mut self, at: &str, problem: impl std::fmt::Display) {
        self.0.push(format!("{problem} [json-pointer:{at}]"));
    }

    /// Checks a value against what it must be.
    pub(super) fn check(&mut self, kind: &Kind, value: &Value, at: &str) {
        match kind {
            Kind::Text { mrkdwn, most } => self.text(*mrkdwn, *most, value, at),
            Kind::Str { least, most } => self.string(*least, *most, value, at),
            Kind::Word(words) => match value.as_str() {
                Some(word) if words.contains(&word) => {}
                Some(_) => self.add(
                    at,
                    format!("must be one of the allowed values: {}", words.join(", ")),
                ),
                None => self.add(at, "must provide a string"),
            },
            Kind::Url(most) => {
                self.string(1, *most, value, at);
                if value.as_str().is_some_and(|url| !url.is_empty() && !is_url(url)) {
                    self.add(at, "invalid url");
                }
            }
            Kind::Bool if value.is_boolean() => {}
            Kind::Bool => self.add(at, "must provide a boolean"),
            Kind::Int(least, most) => match value.as_i64() {
                Some(number) if number < *least => self.add(at, format!("must be at least {least}")),
                Some(number) if number > *most => self.add(at, format!("must be at most {most}")),
                Some(_) => {}
                None => self.add(at, "must provide an integer"),
            },
            Kind::Object(fields) => {
                if let Some(object) = self.object(value, at) {
                    self.fields(fields, false, object, at);
                }
            }
            Kind::Typed(shapes) => self.typed(shapes, value, at),
            Kind::List { of, least, most } => self.list(of, (*least, *most), value, at),
            Kind::Free => drop(self.object(value, at)),
        }
    }

    fn object<'a>(&mut self, value: &'a Value, at: &str) -> Option<&'a Map<String, Value>> {
        if !value.is_object() {
            self.add(at, "must provide an object");
        }
        value.as_object()
    }

    fn string(&mut self, least: usize, most: usize, value: &Value, at: &str) {
        let Some(text) = value.as_str() else {
            return self.add(at, "must provide a string");
        };
        let length = text.chars().count();
        if length < least {
            self.add(at, format!("must be more than {} characters", least - 1));
        } else if length > most {
            self.add(at, format!("must be less than {} characters", most + 1));
        }
    }

    fn text(&mut self, mrkdwn: bool, most: usize, value: &Value, at: &str) {
        let Some(object) = self.object(value, at) else {
            return;
        };
        let Some(kind) = object.get("type") else {
            return self.add(at, "missing required field: type");
        };
        let own = match kind.as_str() {
            Some("plain_text") => "emoji",
            Some("mrkdwn") if mrkdwn => "verbatim",
            Some(other) => return self.add(&format!("{at}/type"), format!("unsupported type: {other}")),
            None => return self.add(&format!("{at}/type"), "must provide a string"),
        };
        for (name, value) in object {
            let at = format!("{at}/{name}");
            match name.as_str() {
                "type" => {}
                "text" => self.string(1, most, value, &at),
                name if name == own => self.check(&Kind::Bool, value, &at),
                _ => self.stranger(name, &at),
            }
        }
        if !object.contains_key("text") {
            self.add(at, "missing required field: text");
        }
    }

    fn typed(&mut self, shapes: &[&[Shape]], value: &Value, at: &str) {
        let Some(object) = self.object(value, at) else {
            return;
        };
        let Some(kind) = object.get("type") else {
            return self.add(at, "missing required field: type");
        };
        let mut known = shapes.iter().copied().flatten();
        match known.find(|shape| kind.as_str() == Some(shape.name)) {
            Some(shape) => self.fields(shape.fields, true, object, at),
            None => {
                let kind = kind.as_str().map_or_else(|| kind.to_string(), str::to_owned);
                self.add(&format!("{at}/type"), format!("unsupported type: {kind}"));
            }
        }
    }

    fn fields(&mut self, fields: &[Field], typed: bool, object: &Map<String, Value>, at: &str) {
        for field in fields {
            if field.required && !object.contains_key(field.name) {
                self.add(at, format!("missing required field: {}", field.name));
            }
        }
        for (name, value) in object {
            match fields.iter().find(|field| field.name == name) {
                Some(field) => self.check(&field.kind, value, &format!("{at}/{name}")),
                None if typed && name == "type" => {}
                None => self.stranger(name, &format!("{at}/{name}")),
            }
        }
    }

    /// Slack points at the object that has the property.
    fn stranger(&mut self, name: &str, at: &str) {
        let owner = at.rsplit_once('/').map_or(at, |(owner, _)| owner);
        self.add(owner, format!("invalid additional property: {name}"));
    }

    fn list(&mut self, of: &Kind, (least, most): (usize, usize), value: &Value, at: &str) {
        let Some(items) = value.as_array() else {
            return self.add(at, "must provide an array");
        };
        if items.len() < least {
            self.add(at, format!("must provide at least {least} items"));
        }
        if items.len() > most {
            return self.add(at, format!("no more than {most} items allowed"));
        }
        for (nth, item) in items.iter().enumerate() {
            self.check(of, item, &format!("{at}/{nth}"));
        }
    }
}

fn is_url(text: &str) -> bool {
    let schemes = ["https://", "http://", "slack://", "mailto:"];
    let rest = schemes.iter().find_map(|scheme| text.strip_prefix(scheme));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
}
