//! What this function reaches: asked after a deployment, and before the first incident.

use domain::ports::{Clock, Gateway};
use domain::telling::checkup::{Needed, Reached};
use runtime::serve::gateway_reached;

use crate::investigate::turns::tools;
use crate::model::transcript::Transcript;
use crate::model::{Conversation, Model, Turn};
use crate::prompt;

/// What a model is asked. It has the tools and the instructions of a real incident, so that a model that would refuse those
/// refuses them now.
const QUESTION: &str =
    "This is no incident: a deployment is being checked. Call no tool, and answer with the word ready.";

/// The most tokens that a model may say.
const ANSWER: u64 = 1_024;

/// How long one model may take, seconds: with all of them asked one after the other, within the function's time.
const PATIENCE_S: u64 = 20;

/// Whether the gateway can be read, and whether each model answers. Each answer costs what a short one costs, and is not
/// counted.
pub async fn all(
    gateway: Result<&dyn Gateway, &String>,
    models: &[Box<dyn Model>],
    clock: &dyn Clock,
) -> Vec<Reached> {
    let mut reached = vec![gateway_reached("read", gateway, clock).await];
    for model in models {
        let conversation = Conversation {
            system: prompt::SYSTEM.to_owned(),
            tools: tools(),
            turns: vec![Turn::User(QUESTION.to_owned())],
            max_output_tokens: ANSWER,
            attempts: 1,
        };
        let deadline = clock.now().plus_seconds(PATIENCE_S);
        let answer = model
            .answer(&conversation, deadline, &mut Transcript::default())
            .await;
        reached.push(Reached::of(Needed::Model, model.name(), answer.map(|_| ())));
    }
    reached
}
