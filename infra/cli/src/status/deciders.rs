//! Whether the directory of operators has the people that the policy in force asks for.

use std::sync::Arc;

use adapters::{PayloadBucket, SystemClock};
use anyhow::bail;
use domain::permission::{Directory, InForce};
use domain::ports::Policies as _;
use domain::value::Timestamp;
use policy::Published;
use serde::Serialize;
use trail::load_control;

use crate::operators;
use crate::policy::BUCKET_OUTPUT;
use crate::print::{count, quote};
use crate::stack::Stack;

/// The people who may decide.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DecidersPart {
    /// The directory was read.
    Known {
        /// How many are active and no bots.
        people: usize,
        /// What they are too few for, a sentence each.
        shortages: Vec<String>,
    },
    /// The directory is refused: no function takes a decision with it.
    Refused(String),
    /// The directory or the policy could not be read: nothing is known.
    NotAsked(String),
}

impl DecidersPart {
    /// As the stack has them.
    pub(crate) async fn of(stack: &Stack, now: Timestamp) -> Self {
        let read = async {
            let control = load_control(&stack.trail()?).await?;
            let bucket = PayloadBucket::new(&stack.aws, stack.output(BUCKET_OUTPUT)?);
            let in_force = Published::new(Arc::new(bucket), Arc::new(SystemClock))
                .in_force(&control)
                .await;
            // The functions may well read it: what stands in for it here says nothing of them.
            if let Some(problem) = in_force.instead_because {
                bail!(problem);
            }
            anyhow::Ok((operators::deployed(stack).await?, in_force))
        };
        match read.await {
            Ok((text, in_force)) => Self::judged(&text, &in_force, now),
            Err(err) => DecidersPart::NotAsked(format!("{err:#}")),
        }
    }

    /// A directory under a policy.
    pub(super) fn judged(text: &str, in_force: &InForce, now: Timestamp) -> Self {
        let directory = match Directory::parse(text) {
            Ok(directory) => directory,
            Err(problem) => return DecidersPart::Refused(problem),
        };
        match operators::told(&directory, in_force, now) {
            Ok(shortages) => DecidersPart::Known {
                people: operators::people(&directory),
                shortages,
            },
            Err(err) => DecidersPart::NotAsked(format!("{err:#}")),
        }
    }

    /// Why the agent is not healthy.
    pub(super) fn reasons(&self) -> Vec<String> {
        match self {
            DecidersPart::Known { shortages, .. } => shortages.iter().map(|line| quote(line)).collect(),
            DecidersPart::Refused(problem) => vec![format!("nobody can decide: {}", quote(problem))],
            DecidersPart::NotAsked(why) => {
                vec![format!(
                    "whether enough people may decide is not known: {}",
                    quote(why)
                )]
            }
        }
    }

    /// The part for people.
    pub(super) fn line(&self) -> String {
        match self {
            DecidersPart::Known { people, shortages } => {
                let people = count(*people, "active operator");
                match shortages.is_empty() {
                    true => format!("directory: {people}, enough for every approval"),
                    false => format!("directory: {people}, too few for some approvals"),
                }
            }
            DecidersPart::Refused(_) => "directory: refused".to_owned(),
            DecidersPart::NotAsked(why) => {
                format!(
                    "directory: whether enough people may decide is not known, {}",
                    quote(why)
                )
            }
        }
    }
}
