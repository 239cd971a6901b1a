//! Lambda entry point: builds the real adapters and hands messages to [`ingest_and_propose::handle`].

use std::sync::Arc;

use adapters::aws::Host;
use adapters::{PayloadBucket, Secret, SystemClock};
use aws_lambda_events::event::sqs::SqsEvent;
use domain::message::Lane;
use domain::ports::Clock;
use domain::trail::Author;
use domain::value::Timestamp;
use gateway::AdminApi;
use ingest_and_propose::config::Config;
use ingest_and_propose::investigate::Investigator;
use ingest_and_propose::investigate::breaker::Breakers;
use ingest_and_propose::{Deps, LEASE_MARGIN_S, wiring};
use lambda_runtime::{Context, Error};
use runtime::env::{Env, process};
use runtime::queue::{DeadLetterQueue, batch};
use runtime::serve::{gateway_reached, serve};
use trail::KnownIncidents;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let (aws, connections) = runtime::start();
    let config = Config::from(&Env::new(&process))?;

    let payloads = PayloadBucket::new(&aws, config.payload_bucket.clone());
    let secret = Arc::new(Secret::new(
        &aws,
        config.gateway_secret.clone(),
        Arc::new(SystemClock),
    ));
    // What the first event needs is there before it, and fetched side by side.
    let hosts = [
        Host::Service("dynamodb"),
        Host::Bucket(&config.models.transcript_bucket),
    ];
    let trail = runtime::trail(&aws, config.trail_table.clone(), config.keys.clone());
    let gateway = async {
        let token = secret.value().await?;
        let gateway = AdminApi::new(&config.gateway_url, token.expose())?.renewed_by(secret.clone());
        gateway.connect().await;
        Ok::<_, anyhow::Error>(gateway)
    };
    let (trail, gateway, models, ()) = tokio::join!(
        trail,
        gateway,
        wiring::models(&config.models, &aws),
        connections.open(&hosts)
    );
    let (trail, gateway, models) = (trail.written_by(Author::Ingest), gateway?, models?);
    let investigator = Investigator {
        models: &models,
        settings: &wiring::settings(&config),
        breakers: &Breakers::default(),
        runbook: &wiring::runbook(&config),
        trail: &trail,
        transcripts: &PayloadBucket::new(&aws, config.models.transcript_bucket.clone()),
        clock: &SystemClock,
    };
    let dead_letters = DeadLetterQueue::new(&aws, config.dead_letters.clone(), "ingest-and-propose");
    let deps = Deps {
        trail: &trail,
        incidents: &KnownIncidents::default(),
        payloads: &payloads,
        gateway: &gateway,
        reasoner: &investigator,
        clock: &SystemClock,
        deployment: &config.deployment,
        sources: &config.sources,
        deadline: SystemClock.now(),
        lease_s: config.timeout_s + LEASE_MARGIN_S,
    };

    let handle = async |messages: SqsEvent, context: Context| {
        let deps = &Deps {
            deadline: Timestamp::from_millis(i64::try_from(context.deadline).unwrap_or(i64::MAX)),
            ..deps
        };
        let handle = async |delivery: runtime::queue::Delivery<'_>, _: &_| {
            ingest_and_propose::handle(deps, delivery).await
        };
        Ok(batch(messages, Lane::Ingest, |_| &dead_letters, handle).await)
    };
    let reach = async || {
        let open = |token: &str| Ok(AdminApi::new(&config.gateway_url, token)?);
        let (gateway, models) = tokio::join!(
            gateway_reached("read", &secret, open),
            ingest_and_propose::reach::models(&models, &SystemClock)
        );
        [vec![gateway], models].concat()
    };
    serve(reach, handle).await
}
