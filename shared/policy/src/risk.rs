//! `risk.toml`: read so that every fault is found, with its place.
//!
//! Reading stops at the first value that is wrong. That value is then replaced by its default, or taken out where it
//! has none, and the file read again, until nothing is wrong any more.

use std::collections::{BTreeMap, BTreeSet};

use domain::policy::Policy;
use serde_json::{Map, Number, Value};
use serde_path_to_error::Segment;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::bundle::RISK;
use crate::fault::{MAX_FAULTS, PolicyFault};

/// The most mistakes in the syntax that are told.
const MOST_MISTAKES: usize = 4;

/// Reads the file, or says what is wrong with it.
pub(crate) fn read(text: &str) -> Result<Policy, Vec<PolicyFault>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(syntax(text, &errors));
    }
    let mut reading = Reading {
        text,
        value: Value::Null,
        spots: Spot::default(),
        faults: Vec::new(),
    };
    let mut unreadable = Vec::new();
    let (value, inner) = convert_table(table.get_ref(), &mut Vec::new(), &mut unreadable);
    reading.value = value;
    reading.spots.inner = inner;
    for (path, reason) in unreadable {
        reading.fault(&path, Point::Value, &reason);
        reading.mend(&path);
    }
    reading.policy()
}

/// The first mistakes, one a line: those after them mostly follow from them.
fn syntax(text: &str, errors: &[toml::de::Error]) -> Vec<PolicyFault> {
    let mut lines = BTreeSet::new();
    let faults = errors.iter().take(MAX_FAULTS).map(|err| {
        let byte = err.span().map_or(0, |span| span.start);
        PolicyFault::at(RISK, text, byte, err.message())
    });
    faults
        .filter(|fault| lines.insert(fault.at.map(|place| place.line)))
        .take(MOST_MISTAKES)
        .collect()
}

/// Keys and positions from the root.
type Path = Vec<String>;

/// Where a value stands.
#[derive(Debug, Default)]
struct Spot {
    /// Byte of its key; of an element, of itself.
    key: usize,
    /// Byte of the value.
    value: usize,
    inner: Inner,
}

#[derive(Debug, Default)]
enum Inner {
    #[default]
    Leaf,
    Table(BTreeMap<String, Spot>),
    List(Vec<Spot>),
}

/// What of a value is meant.
#[derive(Clone, Copy)]
enum Point {
    Key,
    Value,
}

/// The document as JSON, and beside it where each value stands.
fn convert(value: &Spanned<DeValue<'_>>, path: &mut Path, bad: &mut Vec<(Path, String)>) -> (Value, Inner) {
    let mut unreadable = |reason: String| {
        bad.push((path.clone(), reason));
        (Value::Null, Inner::Leaf)
    };
    match value.get_ref() {
        DeValue::String(text) => (Value::String(text.to_string()), Inner::Leaf),
        DeValue::Boolean(truth) => (Value::Bool(*truth), Inner::Leaf),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => (Value::from(number), Inner::Leaf),
            Err(_) => unreadable(format!("{} is no number of 64 bits", number.as_str())),
        },
        DeValue::Float(number) => match number.as_str().parse().ok().and_then(Number::from_f64) {
            Some(number) => (Value::Number(number), Inner::Leaf),
            None => unreadable(format!("{} is no number", number.as_str())),
        },
        DeValue::Datetime(time) => unreadable(format!(
            "a date or time is written in quotes here, such as \"{time}\""
        )),
        DeValue::Array(elements) => {
            let (mut values, mut spots) = (Vec::new(), Vec::new());
            for (at, element) in elements.iter().enumerate() {
                path.push(at.to_string());
                let (value, inner) = convert(element, path, bad);
                path.pop();
                values.push(value);
                spots.push(Spot {
                    key: element.span().start,
                    value: element.span().start,
                    inner,
                });
            }
            (Value::Array(values), Inner::List(spots))
        }
        DeValue::Table(table) => convert_table(table, path, bad),
    }
}

fn convert_table(table: &DeTable<'_>, path: &mut Path, bad: &mut Vec<(Path, String)>) -> (Value, Inner) {
    let (mut values, mut spots) = (Map::new(), BTreeMap::new());
    for (key, value) in table {
        let name = key.get_ref().to_string();
        path.push(name.clone());
        let (converted, inner) = convert(value, path, bad);
        path.pop();
        let spot = Spot {
            key: key.span().start,
            value: value.span().start,
            inner,
        };
        values.insert(name.clone(), converted);
        spots.insert(name, spot);
    }
    (Value::Object(values), Inner::Table(spots))
}

/// A document in which faults are found and mended one after the other.
struct Reading<'a> {
    text: &'a str,
    value: Value,
    spots: Spot,
    faults: Vec<PolicyFault>,
}

impl Reading<'_> {
    fn policy(mut self) -> Result<Policy, Vec<PolicyFault>> {
        while self.faults.len() < MAX_FAULTS {
            let error = match serde_path_to_error::deserialize(&self.value) {
                Ok(policy) => return self.sound(policy),
                Err(error) => error,
            };
            let mut path = segments(error.path());
            let reason = error.inner().to_string();
            let reason = reason.replace("expected i64", "expected a whole number");
            if let Some(missing) = quoted_after(&reason, "missing field `") {
                self.fault(&path, Point::Key, &format!("the key {missing} is missing"));
                path.push(missing.to_owned());
            } else if reason.starts_with("unknown field") {
                let reason = reason.replacen("unknown field", "unknown key", 1);
                self.fault(&path, Point::Key, &reason);
            } else {
                self.fault(&path, Point::Value, &reason);
            }
            if !self.mend(&path) {
                break;
            }
        }
        Err(self.faults)
    }

    /// What takes two values to see is looked for only where every one of them was read.
    fn sound(mut self, policy: Policy) -> Result<Policy, Vec<PolicyFault>> {
        if self.faults.is_empty() {
            for problem in policy.problems() {
                self.fault(&problem.at, Point::Value, &problem.reason);
            }
        }
        if self.faults.is_empty() {
            Ok(policy)
        } else {
            Err(self.faults)
        }
    }

    fn fault(&mut self, path: &[String], point: Point, reason: &str) {
        let byte = self.byte(path, point);
        let named = path.last().filter(|_| matches!(point, Point::Value));
        let fault = match named {
            Some(key) if key.parse::<usize>().is_err() => {
                PolicyFault::at(RISK, self.text, byte, format!("{key}: {reason}"))
            }
            Some(_) | None => PolicyFault::at(RISK, self.text, byte, reason),
        };
        self.faults.push(fault);
    }

    /// Where a value stands; of one that is not there, the nearest that contains it.
    fn byte(&self, path: &[String], point: Point) -> usize {
        let mut spot = &self.spots;
        for segment in path {
            let inner = match &spot.inner {
                Inner::Table(spots) => spots.get(segment),
                Inner::List(spots) => segment.parse().ok().and_then(|at: usize| spots.get(at)),
                Inner::Leaf => None,
            };
            match inner {
                Some(inner) => spot = inner,
                None => return spot.key,
            }
        }
        match (point, &spot.inner) {
            (Point::Value, Inner::Leaf | Inner::List(_)) => spot.value,
            (Point::Key, _) | (Point::Value, Inner::Table(_)) => spot.key,
        }
    }

    /// Puts the default in the place of a value that is wrong, or takes it out where it has none, and with it as
    /// much around it as needs it. False where nothing is left to do.
    fn mend(&mut self, path: &[String]) -> bool {
        let defaults = serde_json::to_value(Policy::default()).unwrap_or_default();
        for depth in (1..=path.len()).rev() {
            let (parent, last) = (&path[..depth - 1], &path[depth - 1]);
            let default = get(&defaults, &path[..depth]);
            let in_defaults = get(&defaults, parent).is_some_and(Value::is_object);
            let spot = self.spots.descend(parent);
            match (get_mut(&mut self.value, parent), default) {
                (Some(Value::Object(table)), Some(default)) => {
                    table.insert(last.clone(), default.clone());
                    return true;
                }
                (Some(Value::Object(table)), None) if in_defaults => {
                    return table.remove(last).is_some();
                }
                (Some(Value::Array(elements)), _) => {
                    if let Some(at) = last.parse().ok().filter(|at: &usize| *at < elements.len()) {
                        elements.remove(at);
                        if let Some(Spot {
                            inner: Inner::List(spots),
                            ..
                        }) = spot
                        {
                            spots.remove(at);
                        }
                        return true;
                    }
                }
                (Some(_) | None, _) => {}
            }
        }
        false
    }
}

impl Spot {
    fn descend(&mut self, path: &[String]) -> Option<&mut Spot> {
        path.iter().try_fold(self, |spot, segment| match &mut spot.inner {
            Inner::Table(spots) => spots.get_mut(segment),
            Inner::List(spots) => segment.parse().ok().and_then(|at: usize| spots.get_mut(at)),
            Inner::Leaf => None,
        })
    }
}

fn get<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, segment| match value {
        Value::Array(elements) => elements.get(segment.parse::<usize>().ok()?),
        other => other.get(segment),
    })
}

fn get_mut<'a>(value: &'a mut Value, path: &[String]) -> Option<&'a mut Value> {
    path.iter().try_fold(value, |value, segment| match value {
        Value::Array(elements) => elements.get_mut(segment.parse::<usize>().ok()?),
        other => other.get_mut(segment),
    })
}

fn segments(path: &serde_path_to_error::Path) -> Path {
    let segment = |segment: &Segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { .. } | Segment::Unknown => None,
    };
    path.iter().map_while(segment).collect()
}

/// The text after a beginning, up to the next back quote.
fn quoted_after<'a>(text: &'a str, beginning: &str) -> Option<&'a str> {
    text.strip_prefix(beginning)?.split('`').next()
}
