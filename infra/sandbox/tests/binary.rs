//! The binary: it says where it listens, and ends when it is told to.

#![expect(clippy::unwrap_used, reason = "the tests' helpers are tests too")]

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

fn start(port_file: &PathBuf) -> Child {
    Command::new(env!("CARGO_BIN_EXE_sandbox"))
        .args(["--no-events", "--port-file"])
        .arg(port_file)
        .envs([("SANDBOX_READ_TOKEN", "r"), ("SANDBOX_WRITE_TOKEN", "w")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn address(port_file: &PathBuf) -> String {
    let written = async {
        loop {
            match std::fs::read_to_string(port_file) {
                Ok(address) => return address.trim().to_owned(),
                Err(_) => sleep(Duration::from_millis(10)).await,
            }
        }
    };
    timeout(Duration::from_secs(20), written).await.unwrap()
}

#[tokio::test]
async fn it_answers_at_the_address_it_wrote_and_ends_cleanly_on_a_signal() {
    for signal in ["-TERM", "-INT"] {
        let port_file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("sandbox{signal}.port"));
        drop(std::fs::remove_file(&port_file));
        let mut child = start(&port_file);
        let url = format!("http://{}/healthz", address(&port_file).await);
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        assert_eq!(
            http.get(url).send().await.unwrap().text().await.unwrap(),
            r#"{"status":"ok"}"#
        );

        let pid = child.id().unwrap().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .await
                .unwrap()
                .success()
        );
        let status = timeout(Duration::from_secs(10), child.wait())
            .await
            .unwrap()
            .unwrap();
        assert!(status.success(), "{signal}: {status}");
    }
}
