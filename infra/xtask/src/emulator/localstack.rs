//! LocalStack in host mode: its gateway as a process of this machine, the functions as processes of it
//! (`infra/localstack/native/`), and Amazon's DynamoDB Local. <https://docs.localstack.cloud/>

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::{Cannot, Description, DynamoDbLocal, Installed, clean};
use crate::net::LOOPBACK;
use crate::paths::Paths;
use crate::tools::{self, LOCALSTACK};

pub(super) const DESCRIPTION: Description = Description {
    name: "LocalStack",
    health: "/_localstack/health",
    starts_within: Duration::from_secs(120),
    // It hangs at times after heavy load.
    ends_within: Duration::from_secs(15),
    deploys_within: Duration::from_secs(600),
    cannot: &[
        Cannot {
            what: "the deletion of what a failed deployment made, as its deletion policies say",
            tests: &["again"],
        },
        Cannot {
            what: "roles, and the policies of queues, topics, the bus, buckets and tables",
            tests: &[],
        },
        Cannot {
            what: "a stream's bisection of a failed batch",
            tests: &[],
        },
        Cannot {
            what: "EventBridge's retries and dead letters for a queue that it cannot reach",
            tests: &[],
        },
        Cannot {
            what: "the `userIdentity` of what time to live removes",
            tests: &[],
        },
        Cannot {
            what: "the trail's resource policy, which DynamoDB Local has no operation for",
            tests: &[],
        },
    ],
};

pub(super) async fn install(paths: &Paths) -> Result<Installed> {
    let java = tools::java()?;
    Ok(Installed {
        python: LOCALSTACK.ensure(paths).await?.join("python"),
        dynamodb: Some(DynamoDbLocal {
            java,
            directory: tools::dynamodb_local(paths).await?,
        }),
    })
}

/// Every setting has its reason beside it; <https://docs.localstack.cloud/references/configuration/> has them all.
pub(super) fn command(installed: &Installed, home: &Path, port: u16) -> Command {
    let mut command = clean(&installed.python, home);
    if let Some(DynamoDbLocal { java, directory }) = &installed.dynamodb {
        command
            .env("DYNAMODB_LOCAL_DIR", directory)
            .env("DYNAMODB_LOCAL_JAVA", java);
    }
    command
        .args(["-m", "localstack.runtime.main"])
        .env("LANG", "C.UTF-8")
        // In a development container too, its directories are below FILESYSTEM_ROOT.
        .env("OVERRIDE_IN_DOCKER", "0")
        .env("FILESYSTEM_ROOT", home.join("root"))
        .env("GATEWAY_LISTEN", format!("{LOOPBACK}:{port}"))
        // Never an address: the HTTP library of the functions takes no host `<id>.lambda-url.us-east-1.127.0.0.1`.
        .env("LOCALSTACK_HOST", format!("localhost:{port}"))
        .env("SQS_ENDPOINT_STRATEGY", "path")
        .env("LAMBDA_RUNTIME_EXECUTOR", "native")
        .env("LAMBDA_KEEPALIVE_MS", "600000")
        // Seconds for a cold start, its turn among others included.
        .env("LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT", "60")
        // Seconds; 60 otherwise.
        .env("LAMBDA_RETRY_BASE_DELAY", "1")
        .env("LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC", "0.2")
        // 10 otherwise, which is how long each hop over a queue would take.
        .env("LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC", "0.5")
        // The services that DynamoDB Local backs.
        .env("PROVIDER_OVERRIDE_DYNAMODB", "v2")
        .env("PROVIDER_OVERRIDE_DYNAMODBSTREAMS", "v2")
        // Time to live is carried out.
        .env("DYNAMODB_REMOVE_EXPIRED_ITEMS", "1")
        // Nothing is sent or fetched.
        .env("DISABLE_EVENTS", "1")
        .env("SKIP_SSL_CERT_DOWNLOAD", "1")
        .env("DNS_ADDRESS", "0")
        .env("ACTIVATE_PRO", "0")
        .env("EAGER_SERVICE_LOADING", "0")
        // The functions' output is in this log too, as on ministack.
        .env("LS_NATIVE_ECHO", "1");
    command
}
