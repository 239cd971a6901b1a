//! Lambda entry point: builds the real adapters and hands messages to [`scoring::handle`].

use std::sync::Arc;

use adapters::aws::Host;
use adapters::{PayloadBucket, SystemClock};
use aws_lambda_events::event::sqs::SqsEvent;
use domain::message::Lane;
use domain::trail::Author;
use lambda_runtime::Error;
use policy::Published;
use runtime::env::{Env, process};
use runtime::queue::{DeadLetterQueue, Delivery, batch};
use runtime::serve::{policy_in_force, policy_loaded, serve};
use scoring::Deps;
use scoring::config::Config;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let (aws, connections) = runtime::start();
    let config = Config::from(&Env::new(&process))?;

    let policies = Published::new(
        Arc::new(PayloadBucket::new(&aws, config.policy_bucket)),
        Arc::new(SystemClock),
    );
    let hosts = [Host::Service("dynamodb")];
    let trail = runtime::trail(&aws, config.trail_table, config.keys);
    let (trail, ()) = tokio::join!(policy_loaded(trail, &policies), connections.open(&hosts));
    let trail = trail.written_by(Author::Scoring);
    let dead_letters = DeadLetterQueue::new(&aws, config.dead_letters, "scoring");
    let deps = &Deps {
        trail: &trail,
        policies: &policies,
        deployment: &config.deployment,
        clock: &SystemClock,
    };

    let handle = async |messages: SqsEvent, _| {
        let handle = async |delivery: Delivery<'_>, _: &_| scoring::handle(deps, delivery).await;
        Ok(batch(messages, Lane::Scoring, |_| &dead_letters, handle).await)
    };
    serve(
        async || vec![policy_in_force(deps.trail, deps.policies).await],
        handle,
    )
    .await
}
