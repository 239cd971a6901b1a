//! Lambda entry point: builds the real adapters and hands messages to [`scoring::handle`].

use adapters::DynamoTrail;
use adapters::SystemClock;
use aws_lambda_events::event::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use runtime::env::{Env, process};
use runtime::queue::{DeadLetterQueue, batch};
use scoring::Deps;
use scoring::config::Config;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let aws = runtime::start().await;
    let config = Config::from(&Env::new(&process))?;

    let trail = DynamoTrail::new(&aws, config.trail_table);
    let dead_letters = DeadLetterQueue::new(&aws, config.dead_letters, "scoring");
    let deps = &Deps {
        trail: &trail,
        policy: &config.policy,
        clock: &SystemClock,
    };

    run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        Ok::<_, Error>(
            batch(
                event.payload,
                |_| &dead_letters,
                async |delivery, _| scoring::handle(deps, delivery).await,
            )
            .await,
        )
    }))
    .await
}
