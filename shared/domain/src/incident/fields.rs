//! The fields of `detail`, read one by one. What something depends on is read or refused; what only informs is read,
//! taken for what it must mean, or left out. Whatever is not as it should be is complained of by its field's name.

use std::str::FromStr;

use serde_json::Value;

use super::Malformed;
use super::number::{Decimal, Whole};
use crate::value::{BadAmount, BadId, Micros, Ppm, shorten};

/// Typed access to the fields of `detail`, and what there was to complain of.
pub(super) struct Fields<'a> {
    detail: &'a Value,
    complaints: Vec<Malformed>,
}

impl<'a> Fields<'a> {
    /// The fields of a JSON object.
    pub(super) fn of(detail: &'a Value) -> Self {
        Self {
            detail,
            complaints: Vec::new(),
        }
    }

    /// What there was to complain of, in the order in which it was read.
    pub(super) fn into_complaints(self) -> Vec<Malformed> {
        self.complaints
    }

    /// A field that cannot be read, and without which there is no incident.
    pub(super) fn bad(field: &str, problem: impl Into<String>) -> Malformed {
        Malformed::new(&format!("detail.{field}"), problem)
    }

    /// Complains of a field that was read nevertheless.
    pub(super) fn complain(&mut self, field: &str, problem: impl Into<String>) {
        self.complaints.push(Self::bad(field, problem));
    }

    /// The field's value; `null` is as good as absent.
    pub(super) fn value(&self, field: &str) -> Option<&'a Value> {
        self.detail.get(field).filter(|value| !value.is_null())
    }

    /// All of it as text, as one sender writes it each time.
    pub(super) fn content(&self) -> String {
        self.detail.to_string()
    }

    fn required(&self, field: &str) -> Result<&'a Value, Malformed> {
        self.value(field).ok_or_else(|| Self::bad(field, "is missing"))
    }

    /// A text without which there is no incident.
    pub(super) fn text(&self, field: &str) -> Result<&'a str, Malformed> {
        self.required(field)?
            .as_str()
            .ok_or_else(|| Self::bad(field, "is not a string"))
    }

    /// A name without which there is no incident.
    pub(super) fn name<T: FromStr<Err = BadId>>(&mut self, field: &str) -> Result<T, Malformed> {
        let (text, was_number) = self.name_text(field)?;
        let name = text
            .parse()
            .map_err(|err: BadId| Self::bad(field, err.to_string()))?;
        if was_number {
            self.complain(field, format!("{text} is taken as \"{text}\""));
        }
        Ok(name)
    }

    /// A name's text. A database's ids are whole numbers, and mean the same as text.
    pub(super) fn name_text(&self, field: &str) -> Result<(String, bool), Malformed> {
        match self.required(field)? {
            Value::String(text) => Ok((text.clone(), false)),
            Value::Number(number) if number.is_i64() || number.is_u64() => Ok((number.to_string(), true)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                Err(Self::bad(field, "is not a string"))
            }
        }
    }

    /// A name that only informs: left out where it is none.
    pub(super) fn optional_name<T: FromStr<Err = BadId>>(&mut self, field: &str) -> Option<T> {
        self.value(field)?;
        match self.name(field) {
            Ok(name) => Some(name),
            Err(malformed) => self.left_out(field, &malformed.problem),
        }
    }

    /// A text that only informs, read by `parse`: left out where that says what is wrong with it.
    pub(super) fn optional<T>(
        &mut self,
        field: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.value(field)?;
        match value.as_str().map(parse) {
            Some(Ok(read)) => Some(read),
            Some(Err(problem)) => self.left_out(field, &format!("{} {problem}", shown(value))),
            None => self.left_out(field, "is not a string"),
        }
    }

    /// Complains that a field was left out.
    pub(super) fn left_out<T>(&mut self, field: &str, problem: &str) -> Option<T> {
        self.complain(field, format!("{problem}: left out"));
        None
    }

    /// An amount of money, USD. A credit is nothing spent, and a limit below nothing allows nothing.
    pub(super) fn money(&mut self, field: &str) -> Result<Micros, Malformed> {
        let value = self.required(field)?;
        let amount = || Self::bad(field, format!("{} {BadAmount}", shown(value)));
        let number = decimal(value).ok_or_else(amount)?;
        let read = number.scaled(6).ok_or_else(amount)?;
        let micros = Micros::below_the_most(u64::try_from(read.units).unwrap_or(0)).ok_or_else(amount)?;
        if value.as_str().is_none_or(|text| text.parse() != Ok(micros)) {
            self.complain(field, format!("{} is taken as {micros} USD", shown(value)));
        }
        Ok(micros)
    }

    /// A whole number within a range. One beside it by a fraction is rounded, and text is read.
    pub(super) fn integer(&mut self, field: &str, least: u64, most: u64) -> Result<u64, Malformed> {
        let value = self.required(field)?;
        let not_whole = || Self::bad(field, format!("{} is not a whole number from 0", shown(value)));
        let number = decimal(value).ok_or_else(not_whole)?;
        let out_of_range =
            |read: &dyn std::fmt::Display| Self::bad(field, format!("{read} is not within {least}–{most}"));
        let Some(Whole { units, exact }) = number.scaled(0) else {
            return Err(match number.is_negative() {
                true => not_whole(),
                false => out_of_range(&shown(value)),
            });
        };
        let read = u64::try_from(units).map_err(|_| not_whole())?;
        // Little more than nothing is not nothing.
        let read = match read == 0 && !exact && !number.is_negative() {
            true => least,
            false => read,
        };
        if !(least..=most).contains(&read) {
            return Err(out_of_range(&read));
        }
        if !exact || value.is_string() {
            self.complain(field, format!("{} is taken as {read}", shown(value)));
        }
        Ok(read)
    }

    /// A whole number that only informs: left out where it is none, or where something is wrong with it.
    pub(super) fn optional_integer(&mut self, field: &str, least: u64, most: u64) -> Option<u64> {
        match self.integer(field, least, most) {
            Ok(read) => Some(read),
            Err(malformed) => self.left_out(field, &malformed.problem),
        }
    }

    /// A fraction within 0–1. One that is outside by less than a millionth was computed with floats, and is meant to be
    /// inside; a percentage is not guessed.
    pub(super) fn fraction(&mut self, field: &str) -> Result<Ppm, Malformed> {
        let value = self.required(field)?;
        let number =
            decimal(value).ok_or_else(|| Self::bad(field, format!("{} is not a number", shown(value))))?;
        let read = number
            .scaled(6)
            .and_then(|read| u32::try_from(read.units).ok())
            .filter(|units| *units <= Ppm::ONE.0)
            .map(Ppm)
            .ok_or_else(|| {
                let problem = "is not a fraction within 0–1, and a percentage is not guessed";
                Self::bad(field, format!("{} {problem}", shown(value)))
            })?;
        let exceeds = read == Ppm::ONE && value.as_f64().is_some_and(|number| number > 1.0);
        if exceeds || number.is_negative() || value.is_string() {
            let taken = Micros(read.0.into()).to_string();
            self.complain(field, format!("{} is taken as {}", shown(value), short(&taken)));
        }
        Ok(read)
    }
}

/// A number, written as one or as text.
fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => Decimal::parse(&number.to_string()),
        Value::String(text) => Decimal::parse(text),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A fraction without the zeros at its end.
fn short(decimal: &str) -> &str {
    decimal.trim_end_matches('0').trim_end_matches('.')
}

/// A value from outside as messages show it: the beginning of it, printable.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{}\"", shorten(text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => shorten(&value.to_string()),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
