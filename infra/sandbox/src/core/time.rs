//! Instants as the gateway counts them: milliseconds since the Unix epoch, UTC.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::world_file::Period;

/// Milliseconds since the Unix epoch.
pub type Millis = i64;

/// RFC 3339, UTC, exactly three fractional digits.
pub(crate) fn rfc3339(at: Millis) -> String {
    format!("{:.3}", instant(at))
}

/// The day on which the budget period that contains `at` began.
pub(crate) fn period_start(period: Period, at: Millis) -> Date {
    let day = instant(at).to_zoned(TimeZone::UTC).date();
    match period {
        Period::Daily => day,
        Period::Weekly => day.saturating_sub(jiff::Span::new().days(day.weekday().to_monday_zero_offset())),
        Period::Monthly => day.first_of_month(),
    }
}

fn instant(at: Millis) -> Timestamp {
    Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_prints_with_three_digits() {
        assert_eq!(rfc3339(1_700_000_000_120), "2023-11-14T22:13:20.120Z");
    }

    #[test]
    fn periods_begin_at_midnight_on_monday_and_on_the_first() {
        let at = 1_700_000_000_120; // a Tuesday
        let starts =
            [Period::Daily, Period::Weekly, Period::Monthly].map(|p| period_start(p, at).to_string());
        assert_eq!(starts, ["2023-11-14", "2023-11-13", "2023-11-01"]);
    }
}
