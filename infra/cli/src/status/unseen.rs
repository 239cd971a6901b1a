//! What could not be looked at: not to know is another thing than to know that something is wrong.

use crate::end::Ended;
use crate::status::deciders::DecidersPart;
use crate::status::picture::{GatewayPart, Part, Picture};

impl Picture {
    /// The end of a look that saw nothing wrong and did not see everything; none of any other.
    pub(super) fn unseen(&self, reasons: &[String]) -> Option<Ended> {
        let parts = [
            ("control", is_unseen(&self.agent)),
            ("the queues", is_unseen(&self.queues)),
            ("the event sources", is_unseen(&self.event_sources)),
            ("the open proposals", is_unseen(&self.open)),
            (
                "more open proposals",
                matches!(&self.open, Part::Seen(open) if open.unread > 0),
            ),
            (
                "the directory",
                matches!(self.deciders, DecidersPart::NotAsked(_)),
            ),
            ("the gateway", matches!(self.gateway, GatewayPart::NotAsked(_))),
        ];
        let unseen = parts.into_iter().filter(|(_, unseen)| *unseen);
        let unseen: Vec<&str> = unseen.map(|(name, _)| name).collect();
        // Each of them is a reason of its own.
        (!unseen.is_empty() && unseen.len() == reasons.len()).then(|| {
            Ended::NoAnswer(format!(
                "not everything could be looked at ({}), and nothing else is wrong",
                unseen.join(", ")
            ))
        })
    }
}

fn is_unseen<T>(part: &Part<T>) -> bool {
    matches!(part, Part::Unseen(_))
}
