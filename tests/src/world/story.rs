//! The trail as a story: a changed behaviour is a changed line.

use std::fmt::Write as _;

use domain::telling::story;
use domain::trail::{Actor, Record, StreamId};
use domain::value::Timestamp;
use testkit::sample;

use super::World;

impl World {
    /// The whole trail, one line for each record in the order of writing. The first proposal is `1`, the
    /// next `2`, …; times are seconds since the world began.
    pub async fn story(&self) -> String {
        let records = self.records().await;
        let mut names: Vec<String> = Vec::new();
        for record in &records {
            if let StreamId::Proposal(id) = &record.stream
                && !names.contains(&id.to_string())
            {
                names.push(id.to_string());
            }
        }
        let mut story = String::new();
        for record in &records {
            let who = match &record.actor {
                Actor::Agent => "agent".to_owned(),
                Actor::System => "system".to_owned(),
                Actor::Operator { id, .. } => id.to_string(),
            };
            writeln!(story, "{:<6}{who:6} {}", since(record.at), line(record)).unwrap();
        }
        for (at, name) in names.iter().enumerate() {
            story = story.replace(name, &format!("#{}", at + 1));
        }
        story
    }
}

fn since(at: Timestamp) -> String {
    let began = sample::now().plus_seconds(90);
    let ms = at.millis_since(began);
    match ms % 1000 {
        0 => format!("{}s", ms / 1000),
        rest => format!("{}.{rest:03}s", ms / 1000),
    }
}

fn line(record: &Record) -> String {
    let line = story::brief(record).unwrap();
    line.render(str::to_owned, since).trim_end().to_owned()
}
