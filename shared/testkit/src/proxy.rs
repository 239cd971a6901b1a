//! A network between an SDK and its service, which loses requests and replies on demand.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use adapters::aws::Bounds;
use adapters::{DynamoTrail, DynamoView, SdkConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::dynamo::{Dynamo, TRAIL_TABLE, VIEW_TABLE, config_for};

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The connection breaks before the request reaches the service.
    CutRequest,
    /// The service does it, and the connection breaks before its reply comes back.
    CutReply,
    /// The request gets lost and nobody ever answers.
    Hang,
    /// The service does it, and its reply never comes.
    HangReply,
    /// The service answers 503 and does nothing.
    Refuse,
}

/// A proxy before a service that speaks HTTP. It ends when dropped.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    listening: JoinHandle<()>,
    config: SdkConfig,
}

#[derive(Debug)]
struct Shared {
    upstream: String,
    rules: Mutex<Vec<Rule>>,
    seen: Mutex<Vec<String>>,
}

#[derive(Debug)]
struct Rule {
    operation: Option<String>,
    skip: usize,
    times: usize,
    trouble: Trouble,
}

impl Proxy {
    /// A proxy before a DynamoDB.
    pub async fn before(dynamo: &Dynamo) -> Self {
        Self::to(dynamo.address()).await
    }

    /// A proxy before the service at this host and port.
    pub async fn to(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            upstream: upstream.to_owned(),
            rules: Mutex::default(),
            seen: Mutex::default(),
        });
        let listening = tokio::spawn(listen(listener, Arc::clone(&shared)));
        Self {
            shared,
            listening,
            config: config_for(&format!("http://{address}"), &Bounds::default()).await,
        }
    }

    /// The configuration that sends clients through it.
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// The real trail adapter through it.
    pub fn trail(&self) -> DynamoTrail {
        crate::dynamo::with_test_keys(DynamoTrail::new(&self.config, TRAIL_TABLE))
    }

    /// The real view adapter through it.
    pub fn view(&self) -> DynamoView {
        DynamoView::new(&self.config, VIEW_TABLE)
    }

    /// The next `times` requests meet trouble.
    pub fn next(&self, times: usize, trouble: Trouble) {
        self.rule(None, 0, times, trouble);
    }

    /// The request after the next `skip` meets trouble, whatever it is.
    pub fn nth(&self, skip: usize, trouble: Trouble) {
        self.rule(None, skip, 1, trouble);
    }

    /// The next `times` requests of an operation (the end of `X-Amz-Target`, such as `ExecuteStatement`)
    /// meet trouble.
    pub fn on(&self, operation: &str, times: usize, trouble: Trouble) {
        self.rule(Some(operation.to_owned()), 0, times, trouble);
    }

    fn rule(&self, operation: Option<String>, skip: usize, times: usize, trouble: Trouble) {
        self.shared.rules.lock().unwrap().push(Rule {
            operation,
            skip,
            times,
            trouble,
        });
    }

    /// From now on every request and reply gets through.
    pub fn end(&self) {
        self.shared.rules.lock().unwrap().clear();
    }

    /// The operations of the requests that came so far, in order.
    pub fn seen(&self) -> Vec<String> {
        self.shared.seen.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Shared {
    /// What becomes of a request of this operation. Rules are asked in the order of their making.
    fn trouble(&self, operation: &str) -> Option<Trouble> {
        self.seen.lock().unwrap().push(operation.to_owned());
        let mut rules = self.rules.lock().unwrap();
        for rule in rules.iter_mut() {
            let meant = rule.operation.as_ref().is_none_or(|meant| meant == operation);
            if !meant || rule.times == 0 {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            rule.times -= 1;
            return Some(rule.trouble);
        }
        None
    }
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    // The connections' tasks end with the set, and the set with the listener's task.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            // A connection that ends in the middle is what this proxy is for.
            let _ = serve(client, &shared).await;
        });
    }
}

async fn serve(mut client: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut upstream = TcpStream::connect(&shared.upstream).await?;
    let mut from_client = Vec::new();
    let mut from_upstream = Vec::new();
    while let Some(request) = message(&mut client, &mut from_client).await? {
        let operation = operation(&request);
        let trouble = shared.trouble(&operation);
        match trouble {
            Some(Trouble::CutRequest) => return Ok(()),
            Some(Trouble::Hang) => return hang().await,
            Some(Trouble::Refuse) => {
                client
                    .write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")
                    .await?;
                continue;
            }
            Some(Trouble::CutReply | Trouble::HangReply) | None => {}
        }
        upstream.write_all(&request).await?;
        let Some(reply) = message(&mut upstream, &mut from_upstream).await? else {
            return Ok(());
        };
        match trouble {
            Some(Trouble::CutReply) => return Ok(()),
            Some(Trouble::HangReply) => return hang().await,
            _ => client.write_all(&reply).await?,
        }
    }
    Ok(())
}

/// Longer than any client waits.
async fn hang() -> std::io::Result<()> {
    tokio::time::sleep(Duration::from_secs(600)).await;
    Ok(())
}

/// One HTTP/1.1 message with its body, which has a `content-length`; `None` at the connection's end.
async fn message(stream: &mut TcpStream, read: &mut Vec<u8>) -> std::io::Result<Option<Vec<u8>>> {
    let head = loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(read).await? == 0 {
            return Ok(None);
        }
    };
    let length = header(&read[..head], "content-length").map_or(0, |length| length.parse().unwrap());
    assert!(
        header(&read[..head], "transfer-encoding").is_none(),
        "the proxy reads bodies with a length only"
    );
    while read.len() < head + length {
        if stream.read_buf(read).await? == 0 {
            return Ok(None);
        }
    }
    let rest = read.split_off(head + length);
    Ok(Some(std::mem::replace(read, rest)))
}

fn header(message: &[u8], name: &str) -> Option<String> {
    let head = message.split(|byte| *byte == b'\n');
    head.map(String::from_utf8_lossy)
        .take_while(|line| line.trim() != "")
        .filter_map(|line| {
            line.split_once(':')
                .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        })
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

/// `ExecuteStatement` of `X-Amz-Target: DynamoDB_20120810.ExecuteStatement`; else method and path.
fn operation(request: &[u8]) -> String {
    if let Some(target) = header(request, "x-amz-target") {
        return target.rsplit('.').next().unwrap_or_default().to_owned();
    }
    let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    line.trim_end_matches(" HTTP/1.1").to_owned()
}
