//! Lambda entry point: builds the real adapters and hands the trail's stream to [`outbox::handle`].

use adapters::DynamoTrail;
use adapters::DynamoView;
use adapters::EventBus;
use adapters::SnsTopic;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use outbox::Deps;
use outbox::config::Config;
use outbox::stream::Batch;
use runtime::env::{Env, process};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let aws = runtime::start().await;
    let config = Config::from(&Env::new(&process))?;

    let trail = DynamoTrail::new(&aws, config.trail_table);
    let bus = EventBus::new(&aws, config.bus);
    let topic = SnsTopic::new(&aws, config.topic);
    let view = DynamoView::new(&aws, config.proposals_table);
    let deps = &Deps {
        trail: &trail,
        bus: &bus,
        topic: &topic,
        view: &view,
    };

    run(service_fn(async |event: LambdaEvent<Batch>| {
        Ok::<_, Error>(outbox::handle(deps, event.payload).await)
    }))
    .await
}
