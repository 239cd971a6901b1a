//! The labelled set, `infra/eval/incidents/`.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use clap::ValueEnum;
use domain::incident::Event;
use domain::inventory::Inventory;
use domain::message;
use domain::message::Message;
use domain::value::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::expected::Expected;

/// Which half of the set an incident belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Split {
    /// Prompts may be made with a look at these.
    Dev,
    /// No prompt work has seen these.
    HeldOut,
}

impl Split {
    /// Both.
    pub const ALL: [Split; 2] = [Split::Dev, Split::HeldOut];

    /// The name, as in the files.
    pub fn name(self) -> &'static str {
        match self {
            Split::Dev => "dev",
            Split::HeldOut => "held_out",
        }
    }
}

/// One labelled incident.
#[derive(Debug, Clone)]
pub struct Incident {
    /// Its name, and its file's.
    pub id: String,
    /// Its half.
    pub split: Split,
    /// Why the label is as it is, in a sentence.
    pub why: String,
    /// The event.
    pub event: Event,
    /// The event as the bus delivers it.
    pub text: String,
    /// When it is received.
    pub received_at: Timestamp,
    /// The gateway then; `None` where it cannot be read.
    pub inventory: Option<Inventory>,
    /// The answers that are right, the best first.
    pub expect: Vec<Expected>,
}

/// An incident's file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    id: String,
    split: Split,
    why: String,
    event: Value,
    /// What differs from the base gateway; `null` where it cannot be read.
    #[serde(deserialize_with = "Option::deserialize")]
    gateway: Option<Map<String, Value>>,
    expect: Vec<Value>,
}

/// The whole set, in the order of the ids.
pub fn load() -> Result<Vec<Incident>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &Path| {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        std::fs::read_to_string(path).with_context(|| name)
    };
    let base: Value = serde_json::from_str(&read(&folder.join("base.json"))?).context("base.json")?;
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder.join("incidents")).context("incidents")? {
        files.push(entry?.path());
    }
    files.sort();
    let incident = |path: &std::path::PathBuf| {
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let incident = Incident::parse(&read(path)?, &base).with_context(|| name.clone())?;
        ensure!(incident.id == name, "{name}: its id is {}", incident.id);
        Ok(incident)
    };
    files.iter().map(incident).collect()
}

impl Incident {
    /// Reads an incident's file over the base gateway.
    pub fn parse(text: &str, base: &Value) -> Result<Self> {
        let file: File = serde_json::from_str(text)?;
        let text = file.event.to_string();
        let event = match Message::parse(&text)? {
            Message::Incident(delivery) => delivery.event,
            Message::Hint(_) => bail!("the event is a hint"),
        };
        let received_at = message::envelope_time(&text).context("the event has no time")?;
        let inventory = match &file.gateway {
            None => None,
            Some(differs) => {
                let reply = merged(base, differs)?.to_string();
                let read = gateway::admin_api::wire::inventory(reply.as_bytes()).context("the gateway")?;
                Some(Inventory {
                    read_at: received_at,
                    ..read
                })
            }
        };
        let expect: Result<Vec<Expected>> = file.expect.iter().map(Expected::parse).collect();
        Ok(Self {
            id: file.id,
            split: file.split,
            why: file.why,
            event,
            text,
            received_at,
            inventory,
            expect: expect?,
        })
    }
}

/// The base with what differs: an element of a list takes the fields named, and a new one is added.
fn merged(base: &Value, differs: &Map<String, Value>) -> Result<Value> {
    let mut merged = base.clone();
    for (list, elements) in differs {
        let into = merged.get_mut(list).and_then(Value::as_array_mut);
        let into = into.with_context(|| format!("the gateway has no {list}"))?;
        for element in elements.as_array().context("not a list")? {
            let fields = element.as_object().context("not an object")?;
            let same = |one: &Value| one["id"] == element["id"] && one.get("scope") == element.get("scope");
            match into
                .iter_mut()
                .find(|one| same(one))
                .and_then(Value::as_object_mut)
            {
                Some(one) => one.extend(fields.clone()),
                None => into.push(element.clone()),
            }
        }
    }
    Ok(merged)
}
