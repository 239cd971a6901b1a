//! What a person, or a program, is told: the story of a record, what a proposal waits for, the announcement on the bus.
//!
//! A text is lines of spans, and each span says whose words it holds. Whoever shows one makes what is [`Theirs`]
//! inert in its own way: a terminal writes out control characters, Slack and HTML escape their markup. That is the
//! one seam where a hostile text is made harmless.
//!
//! [`Theirs`]: Span::Theirs

mod announcement;
pub mod answer;
mod card;
pub mod checkup;
mod line;
mod listed;
mod notice;
pub mod story;
mod waiting;

pub use self::announcement::{Announcement, Concern, Row, Summary, Urgency};
pub use self::card::{Ask, Card, Section, What, is_told_in_the_thread};
pub use self::line::{Line, Ours, Span, count, duration};
pub use self::listed::{Answered, Detail, Listed, Listing};
pub use self::notice::Notice;
pub use self::waiting::{Waiting, waits_for};
