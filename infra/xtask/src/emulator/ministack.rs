//! ministack: an emulator of AWS in one Python process. <https://pypi.org/project/ministack/>

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::{Cannot, Description, Installed, clean};
use crate::net::{LOOPBACK, url};
use crate::paths::Paths;
use crate::state::REGION;
use crate::tools::MINISTACK;

pub(super) const DESCRIPTION: Description = Description {
    name: "ministack",
    health: "/_ministack/health",
    starts_within: Duration::from_secs(30),
    ends_within: Duration::from_secs(3),
    deploys_within: Duration::from_secs(180),
    cannot: &[
        Cannot {
            what: "a stream's partial batches, retries and failure destination",
            tests: &["streams"],
        },
        Cannot {
            what: "a rule's retry of a function that fails, and that function's failure destination",
            tests: &["retries"],
        },
        Cannot {
            what: "records of a stream for what time to live removes",
            tests: &["expiry"],
        },
        Cannot {
            what: "bus and table policies, `dynamodb:LeadingKeys` and `dynamodb:Attributes`",
            tests: &[],
        },
        Cannot {
            what: "alarms",
            tests: &[],
        },
    ],
};

pub(super) async fn install(paths: &Paths) -> Result<Installed> {
    Ok(Installed {
        python: MINISTACK.ensure(paths).await?.join("python"),
        dynamodb: None,
    })
}

pub(super) fn command(paths: &Paths, installed: &Installed, home: &Path, port: u16) -> Command {
    let mut command = clean(&installed.python, home);
    command
        .arg(paths.localstack().join("emulator.py"))
        .env("LANG", "C.UTF-8")
        // What leads the functions back to it.
        .env("AWS_ENDPOINT_URL", url(port))
        .env("AWS_DEFAULT_REGION", REGION)
        .env("GATEWAY_PORT", port.to_string())
        .env("BIND_HOST", LOOPBACK)
        .env("MINISTACK_HOST", LOOPBACK)
        // Roles and policies are enforced: what a function may not do on AWS, it may not do here.
        .env("AUTH", "true")
        .env("IOT_MTLS_ENABLED", "0")
        .env("SFTP_ENABLED", "0")
        .env("LAMBDA_ASYNC_RETRY_BASE_SECONDS", "1");
    command
}
