//! Instants and windows as they are written on a command line.

use std::str::FromStr;

use anyhow::bail;
use domain::value::Timestamp;
use trail::walk::Window;

use crate::end::Ended;

/// The longest time that is looked at, days: eight years, which is more than any tier keeps a proposal.
const MOST_DAYS: u64 = 2_922;

/// An instant, or so long before now: `30d`, `12h`, `90m`, `2026-11-22T10:00:00Z`, or `2026-11-22`, as that day begins in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// That many seconds ago.
    Ago(u64),
    /// That instant.
    At(Timestamp),
}

impl Moment {
    /// The instant meant.
    pub(crate) fn from(self, now: Timestamp) -> Timestamp {
        match self {
            Moment::Ago(seconds) => now.minus_seconds(seconds),
            Moment::At(instant) => instant,
        }
    }
}

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORMS: &str = "is neither a time ago, such as 30d, 12h or 90m, nor a day, such as 2026-11-22, nor an RFC 3339 instant, such as 2026-11-22T10:00:00Z";
        if let Ok(instant) = text.parse() {
            return Ok(Moment::At(instant));
        }
        if text.len() == "2026-11-22".len()
            && let Ok(day) = format!("{text}T00:00:00Z").parse()
        {
            return Ok(Moment::At(day));
        }
        let unit = match text.as_bytes().last() {
            Some(b'd') => 86_400,
            Some(b'h') => 3_600,
            Some(b'm') => 60,
            Some(_) | None => return Err(FORMS),
        };
        let number = &text[..text.len() - 1];
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let seconds = number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(unit));
        seconds.filter(|_| digits).map(Moment::Ago).ok_or(FORMS)
    }
}

/// The window between two moments; until now where no end is given. It must not be empty.
pub(crate) fn window(since: Moment, until: Option<Moment>, now: Timestamp) -> anyhow::Result<Window> {
    let since = since.from(now);
    let window = match until {
        Some(until) => Window {
            since,
            until: until.from(now),
        },
        None => Window::until_now(since, now),
    };
    let Window { since, until } = window;
    if since >= until {
        bail!(Ended::Usage(format!("the time from {since} to {until} is empty")));
    }
    // Now is in the window, a millisecond wide.
    if until.minus_seconds(MOST_DAYS * 86_400) > since.plus_millis(1) {
        bail!(Ended::Usage(format!(
            "the time from {since} to {until} is longer than {MOST_DAYS} days (8 years), and nothing is kept for longer: begin later"
        )));
    }
    Ok(window)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_moment_is_a_time_ago_or_an_instant() {
        let now = at("2026-11-22T10:00:00Z");
        for (text, meant) in [
            ("30d", "2026-10-23T10:00:00Z"),
            ("12h", "2026-11-21T22:00:00Z"),
            ("90m", "2026-11-22T08:30:00Z"),
            ("0m", "2026-11-22T10:00:00Z"),
            ("2026-11-01", "2026-11-01T00:00:00Z"),
            ("2026-11-22T11:00:00+02:00", "2026-11-22T09:00:00Z"),
        ] {
            assert_eq!(text.parse::<Moment>().unwrap().from(now), at(meant), "{text}");
        }
        for text in [
            "",
            "d",
            "30",
            "-1d",
            "+1d",
            "1.5h",
            "30 d",
            "3é",
            "yesterday",
            "2026-11-31",
            "2026-1-1",
            "22.11.2026",
            "99999999999999999999d",
            "9999999999999999999d",
        ] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_empty_window_is_refused_and_now_is_in_the_default_one() {
        let now = at("2026-11-22T10:00:00Z");
        let new = |since: &str, until: Option<&str>| {
            window(
                since.parse().unwrap(),
                until.map(|until| until.parse().unwrap()),
                now,
            )
        };
        assert!(new("30d", None).unwrap().holds(now));
        assert!(new("30d", Some("1h")).is_ok());
        let problem = new("1h", Some("30d")).unwrap_err().to_string();
        assert_eq!(
            problem,
            "the time from 2026-11-22T09:00:00.000Z to 2026-10-23T10:00:00.000Z is empty"
        );
        assert!(new("2027-01-01T00:00:00Z", None).is_err());
        assert!(new("2922d", None).is_ok());
        for since in ["2923d", "99999999999d", "2000-01-01"] {
            let problem = new(since, None).unwrap_err().to_string();
            assert!(
                problem.contains("longer than 2922 days (8 years)"),
                "{since}: {problem}"
            );
        }
    }
}
