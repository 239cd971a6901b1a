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
use outbound::{Bounds, Rotating, Token};
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
    let bot = secret(&aws, &config.bot_secret);
    let link = secret(&aws, &config.link_secret);
    // What the first event needs is there before it, and fetched side by side.
    let hosts = ["dynamodb", "sqs"].map(Host::Service);
    let trail = runtime::trail(&aws, config.trail_table, config.keys);
    let (trail, directory, token, link, ()) = tokio::join!(
        trail,
        operators.preload(),
        bot.value(),
        link.value(),
        connections.open(&hosts)
    );
    directory?;
    let trail = trail.written_by(Author::Notification);
    let token = Token::new("slack-bot", token?.expose())?;
    let token = Rotating::fixed(token).renewed_by(Arc::new(bot));
    let slack = WebApi::new("SLACK_API_URL", &config.api_url, token, SLACK)?;
    let links = LinkKey::new(link?.expose().to_owned()).ok_or("the secret of LINK_SECRET is empty")?;
    let policies = Published::new(
        Arc::new(PayloadBucket::new(&aws, config.policy_bucket)),
        Arc::new(SystemClock),
    );
    tokio::join!(policy_loaded(&trail, &policies), slack.connect());
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
        reached.push(operators_known(deps.operators).await);
        reached.push(policy_in_force(deps.trail, deps.policies).await);
        reached
    };
    serve(reach, handle).await
}

fn secret(aws: &SdkConfig, arn: &str) -> Secret {
    Secret::new(aws, arn, Arc::new(SystemClock))
}
