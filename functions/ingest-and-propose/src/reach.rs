//! Which models this function reaches: asked after a deployment, and before the first incident.

use domain::ports::Clock;
use domain::telling::checkup::{Needed, Reached};
use futures::future::join_all;

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

/// How long the models may take, seconds: all of them at once, within the function's time.
const PATIENCE_S: u64 = 60;

/// Whether each model answers. An answer costs what a short one costs, and is not counted.
pub async fn models(models: &[Box<dyn Model>], clock: &dyn Clock) -> Vec<Reached> {
    let deadline = clock.now().plus_seconds(PATIENCE_S);
    let asked = models.iter().map(|model| async move {
        let conversation = Conversation {
            system: prompt::SYSTEM.to_owned(),
            tools: tools(),
            turns: vec![Turn::User(QUESTION.to_owned())],
            max_output_tokens: ANSWER,
            attempts: 1,
        };
        let mut transcript = Transcript::default();
        let answer = model.answer(&conversation, deadline, &mut transcript).await;
        Reached::of(Needed::Model, model.name(), answer.map(|_| ()))
    });
    join_all(asked).await
}
