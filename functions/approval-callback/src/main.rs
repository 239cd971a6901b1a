//! Lambda entry point: builds the real adapters and hands requests to [`approval_callback::handle`].

use std::sync::Arc;
use std::time::Duration;

use adapters::aws::{self, Bounds, Host};
use adapters::{DynamoView, KmsSigner, PayloadBucket, SdkConfig, Secret, SecretOperators, SystemClock};
use approval_callback::config::{Config, DoorConfig};
use approval_callback::patience::CALL_MS;
use approval_callback::reply::{self, SlackReply};
use approval_callback::slack::{Slack, Trust};
use approval_callback::{Deps, Door};
use domain::ports::Unavailable;
use domain::trail::{Author, Authority};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use policy::Published;
use runtime::env::{Env, process};
use runtime::link::LinkKey;
use runtime::serve::policy_loaded;
use serde_json::Value;
use slack::api::WebApi;

/// Slack waits 3 s: see [`approval_callback::patience`].
const SLACK_WAITS: Bounds = Bounds {
    connect: Duration::from_millis(500),
    attempt: Duration::from_millis(CALL_MS),
    operation: Duration::from_millis(CALL_MS),
    attempts: 1,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = Config::from(&Env::new(&process));
    let (aws, connections) = match &config {
        Ok(Config {
            door: DoorConfig::Public(_),
            ..
        }) => runtime::start_within(&SLACK_WAITS),
        Ok(Config {
            door: DoorConfig::Commands { .. },
            ..
        })
        | Err(_) => runtime::start(),
    };
    let config = config?;

    // What is read at start alone has the usual patience: a cold start is not within Slack's three seconds of a click.
    let patient = aws::within(&aws, &Bounds::default());
    let operators = SecretOperators::new(secret(&aws, &config.operators_secret));
    let signer = config.keys.decisions.first().cloned().unwrap_or_default();
    let signer = KmsSigner::new(&patient, Authority::Decisions, signer, &config.keys.stack);
    // And it is fetched side by side.
    let hosts = [Host::Service("dynamodb")];
    let trail = runtime::trail(&aws, config.trail_table, config.keys);
    let door = open(&patient, config.door);
    let policies = Published::new(
        Arc::new(PayloadBucket::new(&aws, config.policy_bucket)),
        Arc::new(SystemClock),
    );
    let (trail, directory, door, ()) = tokio::join!(
        policy_loaded(trail, &policies),
        preload(&operators),
        door,
        connections.open(&hosts)
    );
    directory?;
    let trail = trail.written_by(Author::Callback).signed_with(Arc::new(signer));
    let deps = |door| Deps {
        trail: &trail,
        policies: &policies,
        deployment: &config.deployment,
        operators: &operators,
        clock: &SystemClock,
        door,
    };
    match door? {
        Opened::Public(public) => {
            serve(&deps(Door::Public {
                slack: Slack {
                    trust: &Trust {
                        secret: &public.signing,
                        app: public.app,
                        teams: public.teams,
                    },
                    reply: &public.reply,
                },
                links: &public.links,
            }))
            .await
        }
        Opened::Commands {
            proposals_table,
            emulated_caller,
        } => {
            let view = DynamoView::new(&aws, proposals_table);
            serve(&deps(Door::Commands {
                view: &view,
                emulated_caller: emulated_caller.as_deref(),
            }))
            .await
        }
    }
}

/// A door with what it needs.
enum Opened {
    Public(Box<Public>),
    Commands {
        proposals_table: String,
        emulated_caller: Option<String>,
    },
}

struct Public {
    signing: Secret,
    app: String,
    teams: Vec<String>,
    reply: SlackReply,
    links: LinkKey,
}

/// Reads what the door needs.
async fn open(aws: &SdkConfig, door: DoorConfig) -> Result<Opened, Error> {
    let public = match door {
        DoorConfig::Public(public) => public,
        DoorConfig::Commands {
            proposals_table,
            emulated_caller,
        } => {
            return Ok(Opened::Commands {
                proposals_table,
                emulated_caller,
            });
        }
    };
    let signing = secret(aws, &public.signing_secret);
    let link = secret(aws, &public.link_secret);
    let bot = Arc::new(secret(aws, &public.bot_secret));
    let (signed, link, slack) = tokio::join!(
        signing.preload(),
        link.value(),
        WebApi::connected("SLACK_API_URL", &public.api_url, bot, reply::BOUNDS)
    );
    signed?;
    let links = LinkKey::new(link?.expose().to_owned()).ok_or("the secret of LINK_SECRET is empty")?;
    Ok(Opened::Public(Box::new(Public {
        reply: SlackReply::new(&public.response_origin, slack?)?,
        app: public.slack_app,
        teams: public.slack_teams,
        signing,
        links,
    })))
}

/// Reads the directory, which is tried once at a time where Slack waits.
async fn preload(operators: &SecretOperators) -> Result<(), Unavailable> {
    for _ in 0..2 {
        if operators.preload().await.is_ok() {
            return Ok(());
        }
    }
    operators.preload().await
}

fn secret(aws: &SdkConfig, arn: &str) -> Secret {
    Secret::new(aws, arn, Arc::new(SystemClock))
}

async fn serve(deps: &Deps<'_>) -> Result<(), Error> {
    run(service_fn(async |event: LambdaEvent<Value>| {
        Ok::<_, Error>(approval_callback::answer_event(deps, &event.payload).await)
    }))
    .await
}
