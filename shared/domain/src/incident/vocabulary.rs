//! The words of other vocabularies whose meaning is well known.

use super::{Period, Severity};

/// How bad, in the words of syslog, of alerting tools and of on-call plans. Where two of them mean different things by a
/// word or number (a `3` is an error to syslog and moderate to others) it is none of these.
///
/// Syslog's: <https://datatracker.ietf.org/doc/html/rfc5424#section-6.2.1>.
pub(super) fn severity(word: &str) -> Option<Severity> {
    Some(match word.trim().to_ascii_lowercase().as_str() {
        "critical" | "crit" | "high" | "error" | "err" | "fatal" | "emergency" | "emerg" | "alert"
        | "page" | "severe" | "major" | "urgent" | "disaster" | "0" | "1" | "2" | "p0" | "p1" | "s1"
        | "sev0" | "sev1" => Severity::Critical,
        "warning" | "warn" | "medium" | "moderate" | "minor" | "average" | "p2" | "p3" | "s2" | "s3"
        | "sev2" | "sev3" => Severity::Warning,
        "info" | "information" | "informational" | "low" | "notice" | "ok" | "none" | "debug" | "normal"
        | "5" | "6" | "7" | "p4" | "p5" | "s4" | "s5" | "sev4" | "sev5" => Severity::Info,
        _ => return None,
    })
}

/// How often a budget starts again, in words or as a length: `1d`, `24h`, `7d`, `1w`, `30d`, `1mo`.
pub(super) fn period(word: &str) -> Option<Period> {
    Some(match word.trim().to_ascii_lowercase().as_str() {
        "daily" | "day" | "1d" | "24h" => Period::Daily,
        "weekly" | "week" | "1w" | "7d" | "168h" => Period::Weekly,
        "monthly" | "month" | "1mo" | "28d" | "30d" | "31d" | "720h" => Period::Monthly,
        _ => return None,
    })
}
