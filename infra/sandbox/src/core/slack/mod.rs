//! One Slack workspace with one app in it: what the Web API says and keeps, and what a person there does.
//! Pure: time is an argument, and what must be unguessable comes from a function that is given.
//!
//! Facts: <https://docs.slack.dev/apis/web-api>; those of one method or thing are cited where it is.

mod app;
mod arguments;
mod blocks;
mod calls;
mod channels;
pub(crate) mod clicks;
pub(crate) mod faults;
mod fields;
mod messages;
mod metadata;
mod posting;
mod reading;
pub(crate) mod response_urls;
pub(crate) mod submissions;
mod triggers;
mod views;

use serde_json::{Map, Value, json};

pub(crate) use app::AppChange;
pub(crate) use arguments::Arguments;
pub(crate) use calls::Method;
pub(crate) use channels::ChannelChange;
pub(crate) use posting::warn;

use super::time::Millis;
use app::App;
use channels::Channel;
use faults::Faults;
use messages::Ts;
use response_urls::{ResponseUrl, Told};
use triggers::Trigger;
use views::View;

/// The workspace.
pub(crate) const TEAM: &str = "T0123456789";
/// Its subdomain of slack.com.
const DOMAIN: &str = "sandbox";
/// The app.
pub(crate) const APP: &str = "A0123456789";
/// The app's bot as the author of a message.
const BOT: &str = "B0123456789";
/// The app's bot as a member of the workspace.
pub(crate) const BOT_USER: &str = "U0SREAGENT";

/// Things of one sort remembered; the oldest go first.
const MOST_KEPT: usize = 10_000;

/// The people: id, user name, full name. The first two are operators in `events/operators.json`; the third is not.
const PEOPLE: [(&str, &str, &str); 3] = [
    ("U0123456789", "ada", "Ada Lovelace"),
    ("U0123456790", "grace", "Grace Hopper"),
    ("U0123456791", "charles", "Charles Babbage"),
];

/// Why a method says no: Slack's word for it, and what stands beside it in the reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The `error` of the reply.
    pub(crate) error: String,
    /// The other fields of the reply.
    pub(crate) beside: Map<String, Value>,
}

impl From<&str> for Refused {
    fn from(error: &str) -> Refused {
        Refused {
            error: error.to_owned(),
            beside: Map::new(),
        }
    }
}

impl Refused {
    /// `invalid_arguments`, with what is wrong with them.
    fn arguments(complaints: &[String]) -> Refused {
        let mut refused = Refused::from("invalid_arguments");
        refused.beside.insert(
            "response_metadata".to_owned(),
            json!({"messages": marked(complaints)}),
        );
        refused
    }

    /// `invalid_blocks`, which says everything twice
    /// (seen in <https://github.com/incidentbot/incidentbot/issues/328>).
    fn blocks(complaints: &[String]) -> Refused {
        let mut refused = Refused::from("invalid_blocks");
        refused.beside.insert("errors".to_owned(), json!(complaints));
        refused.beside.insert(
            "response_metadata".to_owned(),
            json!({"messages": marked(complaints)}),
        );
        refused
    }
}

fn marked(complaints: &[String]) -> Vec<String> {
    complaints.iter().map(|one| format!("[ERROR] {one}")).collect()
}

/// What a method answers where it says yes: the reply without its `ok`.
type Done = Result<Value, Refused>;

/// The workspace.
#[derive(Debug)]
pub(crate) struct Workspace {
    app: App,
    /// Where the sandbox is reached: what a `response_url` begins with.
    base_url: String,
    channels: Vec<Channel>,
    faults: Faults,
    triggers: Vec<Trigger>,
    response_urls: Vec<ResponseUrl>,
    views: Vec<View>,
    told: Vec<Told>,
    last: Ts,
    fresh: fn() -> String,
}

impl Workspace {
    /// A workspace in its first state. `fresh` makes 32 hexadecimal digits that nobody guesses.
    pub(crate) fn new(
        bot_token: String,
        signing_secret: String,
        base_url: String,
        fresh: fn() -> String,
    ) -> Workspace {
        Workspace {
            app: App::new(bot_token, signing_secret),
            base_url,
            channels: channels::first(),
            faults: Faults::default(),
            triggers: Vec::new(),
            response_urls: Vec::new(),
            views: Vec::new(),
            told: Vec::new(),
            last: Ts::default(),
            fresh,
        }
    }

    /// An instant that none before it was: messages and actions are told apart by theirs.
    fn tick(&mut self, now: Millis) -> Ts {
        self.last = self.last.next(now);
        self.last
    }

    /// So many hexadecimal digits, at most 32.
    fn digits(&self, many: usize) -> String {
        (self.fresh)().chars().take(many).collect()
    }
}

/// The user object of an interaction; `None` for one who is not a person of this workspace.
fn person(id: &str) -> Option<Value> {
    PEOPLE
        .iter()
        .find(|(one, _, _)| *one == id)
        .map(|(id, name, _)| json!({"id": id, "username": name, "name": name, "team_id": TEAM}))
}

/// Keeps one more, and forgets the oldest where there are too many.
fn keep<T>(list: &mut Vec<T>, one: T) {
    if list.len() >= MOST_KEPT {
        list.remove(0);
    }
    list.push(one);
}

#[cfg(test)]
mod tests;
