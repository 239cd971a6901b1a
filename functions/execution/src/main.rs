//! Lambda entry point: builds the real adapters and hands messages to [`execution::handle`].

use std::sync::Arc;

use actuator::{AdminActuator, PagerDuty};
use adapters::aws::Host;
use adapters::{PayloadBucket, Secret, SecretOperators, SqsQueue, SystemClock};
use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use domain::message::Lane;
use domain::telling::checkup::{Needed, Reached};
use domain::trail::Author;
use execution::config::Config;
use execution::{Deps, LEASE_MARGIN_S, NOT_OURS};
use gateway::AdminApi;
use lambda_runtime::Error;
use policy::Published;
use runtime::env::{Env, process};
use runtime::queue::{DeadLetterQueue, DeadLetters, Delivery, Fault, batch};
use runtime::serve::{gateway_reached, operators_known, policy_in_force, policy_loaded, serve};
use trail::KnownIncidents;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let (aws, connections) = runtime::start();
    let config = Config::from(&Env::new(&process))?;

    let secret = |arn: String| Arc::new(Secret::new(&aws, arn, Arc::new(SystemClock)));
    let operators = SecretOperators::new(Secret::new(&aws, config.operators_secret, Arc::new(SystemClock)));
    let (token, routing_key) = (secret(config.gateway_secret), secret(config.pagerduty_secret));
    let policies = Published::new(
        Arc::new(PayloadBucket::new(&aws, config.policy_bucket)),
        Arc::new(SystemClock),
    );
    // What the first event needs is there before it, and fetched side by side.
    let hosts = ["dynamodb", "sqs"].map(Host::Service);
    let trail = runtime::trail(&aws, config.trail_table, config.keys);
    let actuator = async {
        let (key, write) = tokio::join!(routing_key.value(), token.value());
        let key = key.as_ref().map(|key| key.expose());
        let pager =
            PagerDuty::without_waiting_for(&config.pagerduty_url, key)?.renewed_by(routing_key.clone());
        let actuator =
            AdminActuator::new(&config.gateway_url, write?.expose(), pager)?.renewed_by(token.clone());
        actuator.reader().connect().await;
        Ok::<_, Error>(actuator)
    };
    let (trail, directory, actuator, ()) = tokio::join!(
        policy_loaded(trail, &policies),
        operators.preload(),
        actuator,
        connections.open(&hosts)
    );
    // What is in force ends without a directory, and whatever is wrong with the pager. What starts reads both again.
    drop(directory);
    let (trail, actuator) = (trail.written_by(Author::Execution), actuator?);
    let queue = |url: &str| SqsQueue::new(&aws, url);
    let again = queue(&config.execution_queue);
    let restores = queue(&config.restore_queue);
    let verifications = queue(&config.verify_queue);
    let deps = &Deps {
        trail: &trail,
        incidents: &KnownIncidents::default(),
        gateway: actuator.reader(),
        actuator: &actuator,
        again: &again,
        restores: &restores,
        verifications: &verifications,
        policies: &policies,
        deployment: &config.deployment,
        operators: &operators,
        clock: &SystemClock,
        lease_s: config.timeout_s + LEASE_MARGIN_S,
        verify_after_s: config.verify_after_s,
    };
    let dead = |url: String| DeadLetterQueue::new(&aws, url, "execution");
    let given_up = dead(config.execution_dlq);
    let given_up_restores = dead(config.restore_dlq);
    let given_up_verifications = dead(config.verify_dlq);
    let dead_letters = |message: &SqsMessage| -> &dyn DeadLetters {
        match lane(message) {
            Some(Lane::Restore) => &given_up_restores,
            Some(Lane::Verify) => &given_up_verifications,
            Some(_) | None => &given_up,
        }
    };

    let handle = async |messages: SqsEvent, _| {
        let handle = async |delivery: Delivery<'_>, message: &SqsMessage| match lane(message) {
            Some(lane) => execution::handle(deps, lane, delivery).await,
            None => Err(Fault::Poison(NOT_OURS.to_owned())),
        };
        Ok(batch(messages, Lane::Execution, dead_letters, handle).await)
    };
    let reach = async || {
        let key = routing_key.read().await.map_err(|err| err.to_string());
        let pager = key.and_then(|key| actuator::routing_key(key.expose()).map_err(|err| err.to_string()));
        vec![
            gateway_reached("write", &token, |token| {
                Ok(AdminApi::with("gateway-write", &config.gateway_url, token)?)
            })
            .await,
            Reached::of(Needed::Pager, "routing key", pager),
            operators_known(&operators).await,
            policy_in_force(deps.trail, deps.policies).await,
        ]
    };
    serve(reach, handle).await
}

fn lane(message: &SqsMessage) -> Option<Lane> {
    Lane::of_queue(message.event_source_arn.as_deref()?)
}
