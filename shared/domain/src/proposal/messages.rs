//! What the trail knows of the messages about a proposal: which were posted where, and what they show.

use super::fact::Notified;
use crate::trail::Seq;
use crate::value::Timestamp;

/// The messages about a proposal, one for each channel and whom it addresses there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Messages(Vec<Message>);

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `slack`, `pagerduty`, …
    pub channel: String,
    /// Whom in it.
    pub to: Option<String>,
    /// The channel's reference, once it was posted.
    pub reference: Option<String>,
    /// Somebody is about to post it, until then.
    pub until: Option<Timestamp>,
    /// The last record that it is known to take account of.
    pub shows: Option<Seq>,
    /// Why nobody was reached there, if that is the last that is known.
    pub problem: Option<String>,
}

impl Messages {
    /// Whether nobody was told, or tried to be.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The messages of a channel, the newest first.
    pub fn of<'a>(&'a self, channel: &'a str) -> impl Iterator<Item = &'a Message> {
        self.0
            .iter()
            .rev()
            .filter(move |message| message.channel == channel)
    }

    /// Takes account of one more record.
    pub(super) fn note(&mut self, notified: Notified) {
        let Notified {
            channel,
            reference,
            to,
            until,
            shows,
            problem,
        } = notified;
        let before = self
            .0
            .iter()
            .position(|one| one.channel == channel && one.to == to);
        let before = before.map(|at| self.0.remove(at));
        // A claim and a problem leave what was posted before where it is: it may still be there. And a problem stands until
        // something worked.
        let (reference_before, shows_before, problem_before) = match before {
            Some(before) => (before.reference, before.shows, before.problem),
            None => (None, None, None),
        };
        let tries = until.is_some();
        self.0.push(Message {
            channel,
            to,
            reference: reference.or(reference_before),
            until,
            shows: shows.or(shows_before),
            problem: problem.or(problem_before.filter(|_| tries)),
        });
    }
}
