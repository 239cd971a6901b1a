//! Lambda entry point: builds the real adapters and hands the trail's stream to [`outbox::handle`], and the
//! queue's messages to [`outbox::handle_hint`].

use std::sync::Arc;

use adapters::DynamoView;
use adapters::EventBus;
use adapters::SnsTopic;
use adapters::aws::Host;
use adapters::{Secret, SystemClock};
use domain::message::Lane;
use lambda_runtime::Error;
use outbox::Deps;
use outbox::config::Config;
use outbox::links::Links;
use outbox::woken::Woken;
use runtime::env::{Env, process};
use runtime::queue::{DeadLetterQueue, Delivery, batch};
use runtime::serve::serve;
use serde_json::{Value, to_value};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let (aws, connections) = runtime::start();
    let config = Config::from(&Env::new(&process))?;

    let bus = EventBus::new(&aws, config.bus);
    let topic = SnsTopic::new(&aws, config.topic);
    let view = DynamoView::new(&aws, config.proposals_table);
    let secret = |arn: &str| Secret::new(&aws, arn, Arc::new(SystemClock));
    let link_secret = config.pages.as_ref().map(|pages| secret(&pages.link_secret));
    // What the first event needs is there before it, and fetched side by side.
    let hosts = ["dynamodb", "events", "sns"].map(Host::Service);
    let link = async {
        if let Some(secret) = &link_secret {
            // Where it cannot be read now, what needs it tries again, and says why not.
            drop(secret.preload().await);
        }
    };
    let trail = runtime::trail(&aws, config.trail_table, config.keys);
    let (trail, (), ()) = tokio::join!(trail, link, connections.open(&hosts));
    let links = match (&link_secret, &config.pages) {
        (Some(secret), Some(pages)) => Links::new(secret, &pages.url),
        (None, _) | (_, None) => Links::none(),
    };
    let dead_letters = DeadLetterQueue::new(&aws, config.dead_letters, "outbox");
    let deps = &Deps {
        trail: &trail,
        bus: &bus,
        topic: &topic,
        view: &view,
        links: &links,
        clock: &SystemClock,
    };

    let handle = async |event: Value, _| {
        Ok(match Woken::read(event)? {
            Woken::Stream(records) => to_value(outbox::handle(deps, records).await)?,
            Woken::Queue(messages) => {
                let handle = async |delivery: Delivery<'_>, _: &_| outbox::handle_hint(deps, delivery).await;
                to_value(batch(messages, Lane::Announce, |_| &dead_letters, handle).await)?
            }
        })
    };
    serve(async || Vec::from_iter(links.reach().await), handle).await
}
