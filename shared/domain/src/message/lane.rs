//! The agent's queues: one table for whoever sends, receives, counts or redrives.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One way into a function: a queue with its dead-letter queue; or, without a queue, only a destination for what
/// failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Incidents, for `ingest-and-propose`.
    Ingest,
    /// Proposals to be scored, for `scoring`.
    Scoring,
    /// Approved proposals, for `execution`.
    Execution,
    /// Effects to be taken back or settled, for `execution`: no pause switches it off.
    Restore,
    /// Metrics to be asked again, for `execution`.
    Verify,
    /// Proposals that the stream did not bring, for `outbox`.
    Announce,
    /// Proposals whose Slack messages are to be brought up to date, for `notification`.
    Slack,
    /// Batches of the trail's stream that `outbox` failed on.
    Outbox,
    /// Runs of `housekeeping` that failed.
    Housekeeping,
    /// Events on the bus that look like incidents, and that nobody takes.
    Strays,
}

impl Lane {
    /// Every one, in the order of an incident's path.
    pub const ALL: [Lane; 10] = [
        Lane::Ingest,
        Lane::Scoring,
        Lane::Execution,
        Lane::Restore,
        Lane::Verify,
        Lane::Announce,
        Lane::Slack,
        Lane::Outbox,
        Lane::Housekeeping,
        Lane::Strays,
    ];

    /// Those with a queue.
    pub const QUEUES: [Lane; 7] = [
        Lane::Ingest,
        Lane::Scoring,
        Lane::Execution,
        Lane::Restore,
        Lane::Verify,
        Lane::Announce,
        Lane::Slack,
    ];

    /// Its name: the end of its queue's.
    pub fn name(self) -> &'static str {
        match self {
            Lane::Ingest => "ingest",
            Lane::Scoring => "scoring",
            Lane::Execution => "execution",
            Lane::Restore => "restore",
            Lane::Verify => "verify",
            Lane::Announce => "announce",
            Lane::Slack => "slack",
            Lane::Outbox => "outbox",
            Lane::Housekeeping => "housekeeping",
            Lane::Strays => "strays",
        }
    }

    /// What it is for, in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Lane::Ingest => "Incidents, for ingest-and-propose",
            Lane::Scoring => "Proposals to be scored",
            Lane::Execution => "Approved proposals, for execution",
            Lane::Restore => "Effects whose time is over, for execution",
            Lane::Verify => "Metrics to be asked again, for execution",
            Lane::Announce => "Proposals to be announced, for outbox",
            Lane::Slack => "Slack messages to be brought up to date, for notification",
            Lane::Outbox => "Batches of the trail's stream that outbox failed on",
            Lane::Housekeeping => "Runs of housekeeping that failed",
            Lane::Strays => "Events on the bus that look like incidents, and that nobody takes",
        }
    }

    /// Whether there is a queue, and not only a destination for failures.
    pub fn has_queue(self) -> bool {
        Lane::QUEUES.contains(&self)
    }

    /// Whether an event source wakes a function through it: a schedule wakes housekeeping, and strays wake nobody.
    pub fn has_event_source(self) -> bool {
        self.has_queue() || self == Lane::Outbox
    }

    /// Whether a pause switches its event source off. Incidents are recorded during a pause.
    pub fn is_pausable(self) -> bool {
        match self {
            Lane::Scoring | Lane::Execution => true,
            Lane::Ingest
            | Lane::Restore
            | Lane::Verify
            | Lane::Announce
            | Lane::Slack
            | Lane::Outbox
            | Lane::Housekeeping
            | Lane::Strays => false,
        }
    }

    /// After how many deliveries a message is given up, as its queue's redrive policy says.
    ///
    /// A hint is sent again by housekeeping for as long as it is needed. An incident is nowhere but in its message until it
    /// is on the trail: it outlives three hours and a half without one, at one delivery every 130 s.
    pub fn most_receives(self) -> u32 {
        match self {
            Lane::Ingest => 100,
            Lane::Scoring
            | Lane::Execution
            | Lane::Restore
            | Lane::Verify
            | Lane::Announce
            | Lane::Slack
            | Lane::Outbox
            | Lane::Housekeeping
            | Lane::Strays => 5,
        }
    }

    /// The lane of a queue's ARN or URL, by the end of the queue's name.
    pub fn of_queue(name: &str) -> Option<Self> {
        let end = name.rsplit('-').next()?;
        Lane::ALL
            .into_iter()
            .find(|lane| lane.has_queue() && lane.name() == end)
    }

    /// The stack's output that holds the URL of its queue; none where there is no queue.
    pub fn queue_output(self) -> Option<String> {
        self.has_queue().then(|| format!("{}QueueUrl", self.capital()))
    }

    /// The stack's output that holds the URL of its dead-letter queue.
    pub fn dead_letters_output(self) -> String {
        format!("{}DeadLetterQueueUrl", self.capital())
    }

    /// Its name as resources of the template begin.
    pub fn capital(self) -> String {
        let mut letters = self.name().chars();
        letters
            .next()
            .map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
            .unwrap_or_default()
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Lane {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Lane::ALL.into_iter().find(|lane| lane.name() == text);
        found.ok_or_else(|| {
            let known = Lane::ALL.map(Lane::name).join(", ");
            format!("is not a queue: {known}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_known_by_the_end_of_its_name() {
        let arn = "arn:aws:sqs:us-east-1:000000000000:sre-agent-restore";
        assert_eq!(Lane::of_queue(arn), Some(Lane::Restore));
        for name in ["", "sre-agent", "sre-agent-outbox", "sre-agent-restore-dead"] {
            assert_eq!(Lane::of_queue(name), None, "{name}");
        }
        assert_eq!(Lane::Verify.queue_output().as_deref(), Some("VerifyQueueUrl"));
        assert_eq!(Lane::Outbox.queue_output(), None);
        assert_eq!("announce".parse(), Ok(Lane::Announce));
        assert_eq!(Lane::Slack.dead_letters_output(), "SlackDeadLetterQueueUrl");
        assert!("pager".parse::<Lane>().is_err());
    }
}
