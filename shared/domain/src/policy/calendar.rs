//! Time as people see it: the company's zone, its working hours, its nights and its freezes.

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::value::Timestamp;

/// A time zone by its IANA name, such as `Europe/Berlin`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(TimeZone);

impl Zone {
    /// An instant as people there see it.
    pub fn local(&self, at: Timestamp) -> Local {
        let instant =
            jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        Local(self.0.to_datetime(instant))
    }

    /// The instant of a local time. Of an hour that a clock change repeats, the first; of one that it skips, as the
    /// clocks would show it without the change.
    pub fn instant(&self, local: LocalTime) -> Timestamp {
        let zoned = self.0.to_ambiguous_zoned(local.0).compatible();
        let ms = zoned.map_or(i64::MAX, |zoned| zoned.timestamp().as_millisecond());
        Timestamp::from_millis(ms)
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl TryFrom<String> for Zone {
    type Error = String;
    fn try_from(name: String) -> Result<Self, String> {
        TimeZone::get(&name)
            .map(Self)
            .map_err(|_| format!("\"{name}\" is not an IANA time zone such as Europe/Berlin or UTC"))
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> String {
        zone.to_string()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

/// A date and time of day, without a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Local(DateTime);

impl Local {
    /// The hour of the day, 0–23.
    pub fn hour(&self) -> u8 {
        u8::try_from(self.0.hour()).unwrap_or(0)
    }

    /// The day of the week.
    pub fn weekday(&self) -> Weekday {
        Weekday::ALL[usize::try_from(self.0.weekday().to_monday_zero_offset()).unwrap_or(0)]
    }

    fn time(&self) -> DayTime {
        let minute = u8::try_from(self.0.minute()).unwrap_or(0);
        DayTime::at(self.hour(), minute)
    }
}

impl fmt::Display for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.weekday().name(), self.0.strftime("%H:%M"))
    }
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "days name themselves")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    /// Every day, from Monday.
    pub const ALL: [Weekday; 7] = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Weekday::Monday => "Monday",
            Weekday::Tuesday => "Tuesday",
            Weekday::Wednesday => "Wednesday",
            Weekday::Thursday => "Thursday",
            Weekday::Friday => "Friday",
            Weekday::Saturday => "Saturday",
            Weekday::Sunday => "Sunday",
        }
    }
}

/// A time of day, to the minute: `08:30`. `24:00` is the end of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DayTime(u16);

impl DayTime {
    /// A time of day, held to 24:00.
    pub fn at(hour: u8, minute: u8) -> Self {
        Self((u16::from(hour) * 60 + u16::from(minute)).min(24 * 60))
    }
}

impl TryFrom<String> for DayTime {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let part = |part: &str| {
            let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| part.parse::<u8>().ok()).flatten()
        };
        let time = text
            .split_once(':')
            .and_then(|(hour, minute)| Some((part(hour)?, part(minute)?)));
        match time {
            Some((24, 0)) => Ok(Self::at(24, 0)),
            Some((hour @ 0..24, minute @ 0..60)) => Ok(Self::at(hour, minute)),
            Some(_) | None => Err(format!(
                "\"{text}\" is not a time of day such as 08:30, 00:00–24:00"
            )),
        }
    }
}

impl From<DayTime> for String {
    fn from(time: DayTime) -> String {
        time.to_string()
    }
}

impl fmt::Display for DayTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// A time of every day; over midnight where it ends before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Daily {
    /// Its beginning.
    pub from: DayTime,
    /// Its end, not included.
    pub to: DayTime,
}

impl Daily {
    /// Whether a local time lies in it.
    pub fn covers(&self, local: &Local) -> bool {
        let time = local.time();
        if self.from <= self.to {
            self.from <= time && time < self.to
        } else {
            self.from <= time || time < self.to
        }
    }
}

/// The same hours on some days of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Week {
    /// The days.
    pub days: BTreeSet<Weekday>,
    /// Where they begin.
    pub from: DayTime,
    /// Where they end, not included.
    pub to: DayTime,
}

impl Week {
    /// Monday to Friday, 8 to 18 o'clock.
    pub fn working() -> Self {
        Self {
            days: Weekday::ALL[..5].iter().copied().collect(),
            from: DayTime::at(8, 0),
            to: DayTime::at(18, 0),
        }
    }

    /// Whether a local time lies in it.
    pub fn covers(&self, local: &Local) -> bool {
        let time = local.time();
        self.days.contains(&local.weekday()) && self.from <= time && time < self.to
    }
}

/// A local date and time, to the minute: `2026-12-19T18:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LocalTime(DateTime);

impl TryFrom<String> for LocalTime {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let bad = || format!("\"{text}\" is not a local date and time such as 2026-12-19T18:00");
        let time = DateTime::strptime("%Y-%m-%dT%H:%M", &text).map_err(|_| bad())?;
        if (2000..2200).contains(&time.year()) {
            Ok(Self(time))
        } else {
            Err(bad())
        }
    }
}

impl From<LocalTime> for String {
    fn from(time: LocalTime) -> String {
        time.to_string()
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%Y-%m-%dT%H:%M"))
    }
}

/// A time in which nothing should change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// What for.
    pub name: String,
    /// Its beginning, in the company's time zone.
    pub from: LocalTime,
    /// Its end, not included.
    pub to: LocalTime,
}

impl Freeze {
    /// Whether a local time lies in it.
    pub fn covers(&self, local: &Local) -> bool {
        self.from.0 <= local.0 && local.0 < self.to.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Zone {
        name.to_owned().try_into().unwrap()
    }

    fn local(text: &str) -> Local {
        Local(LocalTime::try_from(text.to_owned()).unwrap().0)
    }

    #[test]
    fn an_instant_is_another_time_of_day_elsewhere() {
        let at: Timestamp = "2026-11-22T23:30:00Z".parse().unwrap();
        assert_eq!(zone("UTC").local(at).to_string(), "Sunday 23:30");
        assert_eq!(zone("Europe/Berlin").local(at).to_string(), "Monday 00:30");
        assert_eq!(zone("America/New_York").local(at).to_string(), "Sunday 18:30");
        assert!(Zone::try_from("Mars/Olympus".to_owned()).is_err());
    }

    #[test]
    fn a_clock_change_neither_panics_nor_loses_a_freeze() {
        let berlin = zone("Europe/Berlin");
        // 02:30 does not exist on this night, and exists twice on the other.
        let skipped = berlin.instant(LocalTime::try_from("2026-03-29T02:30".to_owned()).unwrap());
        assert_eq!(skipped.to_string(), "2026-03-29T01:30:00.000Z");
        let twice = berlin.instant(LocalTime::try_from("2026-10-25T02:30".to_owned()).unwrap());
        assert_eq!(twice.to_string(), "2026-10-25T00:30:00.000Z");
    }

    #[test]
    fn a_night_goes_over_midnight() {
        let night = Daily {
            from: DayTime::at(22, 0),
            to: DayTime::at(6, 0),
        };
        for (time, covered) in [
            ("2026-11-23T21:59", false),
            ("2026-11-23T22:00", true),
            ("2026-11-24T00:00", true),
            ("2026-11-24T05:59", true),
            ("2026-11-24T06:00", false),
        ] {
            assert_eq!(night.covers(&local(time)), covered, "{time}");
        }
    }

    #[test]
    fn working_hours_are_on_working_days() {
        let working = Week::working();
        for (time, covered) in [
            ("2026-11-23T08:00", true),
            ("2026-11-23T07:59", false),
            ("2026-11-27T17:59", true),
            ("2026-11-27T18:00", false),
            ("2026-11-28T12:00", false),
        ] {
            assert_eq!(working.covers(&local(time)), covered, "{time}");
        }
    }

    #[test]
    fn times_read_back_as_they_are_written_and_nonsense_is_refused() {
        for text in ["00:00", "08:30", "24:00"] {
            assert_eq!(DayTime::try_from(text.to_owned()).unwrap().to_string(), text);
        }
        for text in ["", "8:30", "24:01", "08:60", "+8:30", "08:30:00"] {
            assert!(DayTime::try_from(text.to_owned()).is_err(), "{text}");
        }
        let text = "2026-12-19T18:00";
        assert_eq!(LocalTime::try_from(text.to_owned()).unwrap().to_string(), text);
        for text in [
            "",
            "2026-12-19",
            "2026-13-01T00:00",
            "1999-01-01T00:00",
            "2026-12-19T18:00Z",
        ] {
            assert!(LocalTime::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
