//! Lambda entry point: builds the real adapters and hands messages to [`scoring::handle`].

use std::sync::Arc;

use adapters::{PayloadBucket, SystemClock};
use aws_lambda_events::event::sqs::SqsEvent;
use domain::message::Lane;
use domain::trail::Author;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use policy::Published;
use runtime::env::{Env, process};
use runtime::queue::{DeadLetterQueue, batch};
use scoring::Deps;
use scoring::config::Config;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let aws = runtime::start().await;
    let config = Config::from(&Env::new(&process))?;

    let trail = runtime::trail(&aws, config.trail_table, config.keys)
        .await
        .written_by(Author::Scoring);
    let policies = Published::new(
        Arc::new(PayloadBucket::new(&aws, config.policy_bucket)),
        Arc::new(SystemClock),
    );
    let dead_letters = DeadLetterQueue::new(&aws, config.dead_letters, "scoring");
    let deps = &Deps {
        trail: &trail,
        policies: &policies,
        deployment: &config.deployment,
        clock: &SystemClock,
    };

    run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        Ok::<_, Error>(
            batch(
                event.payload,
                Lane::Scoring,
                |_| &dead_letters,
                async |delivery, _| scoring::handle(deps, delivery).await,
            )
            .await,
        )
    }))
    .await
}
