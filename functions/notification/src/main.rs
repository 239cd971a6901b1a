//! Lambda entry point: builds the real adapters and hands the queue's messages to [`notification::handle`], and the
//! question whether people can be reached to [`notification::reach`].

use std::sync::Arc;

use adapters::aws::Host;
use adapters::{PayloadBucket, SdkConfig, Secret, SecretOperators, SqsQueue, SystemClock};
use aws_lambda_events::event::sqs::SqsEvent;
use domain::message::Lane;
use domain::trail::Author;
use lambda_runtime::Error;
use notification::Deps;
use notification::config::Config;
use outbound::Bounds;
use policy::Published;
use runtime::env::{Env, process};
use runtime::link::LinkKey;
use runtime::queue::{DeadLetterQueue, Delivery, batch};
use runtime::serve::{operators_known, policy_in_force, policy_loaded, serve};
use slack::api::WebApi;

/// Nobody waits for an answer, and Slack's may take seconds.
const SLACK: Bounds = Bounds {
    connect_ms: 2_000,
    request_ms: 6_000,
    reply_bytes: 4 * 1024 * 1024,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let (aws, connections) = runtime::start();
    let config = Config::from(&Env::new(&process))?;

    let operators = SecretOperators::new(secret(&aws, &config.operators_secret));
    let bot = Arc::new(secret(&aws, &config.bot_secret));
    let link = secret(&aws, &config.link_secret);
    // What the first event needs is there before it, and fetched side by side.
    let hosts = ["dynamodb", "sqs"].map(Host::Service);
    let trail = runtime::trail(&aws, config.trail_table, config.keys);
    let policies = Published::new(
        Arc::new(PayloadBucket::new(&aws, config.policy_bucket)),
        Arc::new(SystemClock),
    );
    let (trail, directory, slack, link, ()) = tokio::join!(
        policy_loaded(trail, &policies),
        operators.preload(),
        WebApi::connected("SLACK_API_URL", &config.api_url, bot, SLACK),
        link.value(),
        connections.open(&hosts)
    );
    directory?;
    let (trail, slack) = (trail.written_by(Author::Notification), slack?);
    let links = LinkKey::new(link?.expose().to_owned()).ok_or("the secret of LINK_SECRET is empty")?;
    let again = SqsQueue::new(&aws, config.queue);
    let dead_letters = DeadLetterQueue::new(&aws, config.dead_letters, "notification");
    let deps = &Deps {
        trail: &trail,
        policies: &policies,
        deployment: &config.deployment,
        operators: &operators,
        slack: &slack,
        routes: config.routes.as_ref(),
        again: &again,
        links: &links,
        pages: &config.pages_url,
        clock: &SystemClock,
    };

    let handle = async |messages: SqsEvent, _| {
        let handle = async |delivery: Delivery<'_>, _: &_| notification::handle(deps, delivery).await;
        Ok(batch(messages, Lane::Slack, |_| &dead_letters, handle).await)
    };
    let reach = async || {
        let mut reached = notification::reach::channels(deps.slack, deps.routes).await;
        reached.push(operators_known(&operators).await);
        reached.push(policy_in_force(deps.trail, deps.policies).await);
        reached
    };
    serve(reach, handle).await
}

fn secret(aws: &SdkConfig, arn: &str) -> Secret {
    Secret::new(aws, arn, Arc::new(SystemClock))
}
