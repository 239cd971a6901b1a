//! Lambda entry point: builds the real adapters and runs [`housekeeping::handle`] every minute.

use adapters::DynamoView;
use adapters::SqsQueue;
use adapters::SystemClock;
use adapters::aws::Host;
use domain::ports::Queue;
use domain::trail::Author;
use housekeeping::Deps;
use housekeeping::config::Config;
use housekeeping::event_sources::LambdaEventSources;
use housekeeping::rest::Rested;
use lambda_runtime::Error;
use runtime::env::{Env, process};
use runtime::serve::serve;
use serde_json::{Value, json};

/// What is left of the timeout for the proposal under way when the budget is used up, seconds.
const RESERVE_S: u64 = 15;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let (aws, connections) = runtime::start();
    let config = Config::from(&Env::new(&process))?;

    let hosts = ["dynamodb", "lambda", "sqs"].map(Host::Service);
    let trail = runtime::trail(&aws, config.trail_table, config.keys);
    let (trail, ()) = tokio::join!(trail, connections.open(&hosts));
    let trail = trail.written_by(Author::Housekeeping);
    let view = DynamoView::new(&aws, config.proposals_table);
    let queue = |url: &str| SqsQueue::new(&aws, url);
    let ingest = queue(&config.ingest_queue);
    let scoring = queue(&config.scoring_queue);
    let execution = queue(&config.execution_queue);
    let restores = queue(&config.restore_queue);
    let verifications = queue(&config.verify_queue);
    let announcements = queue(&config.announce_queue);
    let slack = config.slack_queue.as_deref().map(queue);
    let sources = LambdaEventSources::new(&aws, config.pausable);
    let rested = Rested::default();
    let deps = &Deps {
        trail: &trail,
        view: &view,
        rested: &rested,
        ingest: &ingest,
        scoring: &scoring,
        execution: &execution,
        restores: &restores,
        verifications: &verifications,
        announcements: &announcements,
        slack: slack.as_ref().map(|queue| queue as &dyn Queue),
        sources: &sources,
        clock: &SystemClock,
        agent_enabled: config.agent_enabled,
        verify_after_s: config.verify_after_s,
        budget_s: config.timeout_s.saturating_sub(RESERVE_S),
    };

    let handle = async |_: Value, _| {
        let report = housekeeping::handle(deps).await?;
        Ok(
            json!({ "looked_at": report.looked_at, "woken": report.woken, "expired": report.expired, "left": report.left }),
        )
    };
    serve(async || Vec::new(), handle).await
}
