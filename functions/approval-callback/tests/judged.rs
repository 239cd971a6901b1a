//! Requests that others signed as Slack does, and our verification: the example of Slack's documentation and a few of its
//! SDKs' are in `infra/slack/signed.json`. And what people who clicked are told.
//!
//! With `SLACK_JUDGES` set to a directory, as by `cargo xtask test --only slack-judges`, the requests in its `signed/`, which
//! the judges in `infra/slack/judges` have just written, are checked besides, and what people are told is written into its
//! `told/` for the judges.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::{Path, PathBuf};

use approval_callback::reply::{BOUNDS, Reply as _, SlackReply};
use approval_callback::slack::{Distrust, Trust};
use data_encoding::BASE64;
use domain::telling::{Line, answer};
use domain::value::Timestamp;
use outbound::{Rotating, Token};
use runtime::http::HttpRequest;
use serde::Deserialize;
use serde_json::{Value, json};
use slack::api::WebApi;
use testkit::{FixedCredential, sample};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// A request, signed by somebody.
#[derive(Debug, Clone, Deserialize)]
struct Signed {
    /// By whom; else the file's name says so.
    #[serde(default)]
    by: String,
    secret: String,
    timestamp: String,
    signature: String,
    body_base64: String,
}

impl Signed {
    fn body(&self) -> Vec<u8> {
        BASE64.decode(self.body_base64.as_bytes()).unwrap()
    }

    /// What our verification says of it with this body, so many seconds after it was signed.
    async fn verified(&self, body: &[u8], later_s: i64) -> Result<(), Distrust> {
        let secret = FixedCredential::new(&self.secret);
        let trust = Trust {
            secret: &secret,
            app: String::new(),
            teams: Vec::new(),
        };
        let request = HttpRequest::new("POST", "/slack/interactions")
            .with_header("X-Slack-Request-Timestamp", &self.timestamp)
            .with_header("X-Slack-Signature", &self.signature)
            .with_body(body);
        let seconds: i64 = self.timestamp.parse().unwrap();
        let now = Timestamp::from_millis((seconds + later_s) * 1000);
        trust.verify(&request, now).await
    }
}

/// Those of the repository.
fn committed() -> Vec<Signed> {
    let text = include_str!("../../../infra/slack/signed.json");
    serde_json::from_str(text).unwrap()
}

/// Those that the judges have just written.
fn written(folder: &Path) -> Vec<Signed> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let signed: Signed = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        all.push(Signed {
            by: name.to_owned(),
            ..signed
        });
    }
    for by in ["python.", "javascript.", "sandbox."] {
        let many = all.iter().filter(|one| one.by.starts_with(by)).count();
        assert!(many >= 10, "of {by} there are {many} in {}", folder.display());
    }
    all
}

/// Where the judges write, if they do.
#[expect(clippy::disallowed_methods, reason = "a test reads where to look")]
fn judges() -> Option<PathBuf> {
    std::env::var("SLACK_JUDGES").ok().map(PathBuf::from)
}

#[tokio::test]
async fn what_others_sign_as_slack_does_is_believed_and_nothing_else() {
    let mut all = committed();
    assert!(all.len() >= 8);
    if let Some(directory) = judges() {
        all.extend(written(&directory.join("signed")));
    }
    for signed in all {
        let body = signed.body();
        let by = &signed.by;
        for later_s in [-300, 0, 300] {
            assert_eq!(signed.verified(&body, later_s).await, Ok(()), "{by}");
        }
        assert_eq!(signed.verified(&body, 301).await, Err(Distrust::Skewed), "{by}");
        let longer = [&body[..], b" "].concat();
        assert_eq!(signed.verified(&longer, 0).await, Err(Distrust::Forged), "{by}");
        let others = Signed {
            secret: format!("{}x", signed.secret),
            ..signed.clone()
        };
        assert_eq!(others.verified(&body, 0).await, Err(Distrust::Forged), "{by}");
    }
}

/// What a person may be told: our own words, and whatever stands in others'.
fn lines() -> Vec<Line> {
    let texts = [
        "<!channel> <@U1> <https://evil.example|x>".to_owned(),
        "*bold* `code` &lt; \u{202e}\u{0}".to_owned(),
        "x".repeat(10_000),
        "&".repeat(600),
        "😀".repeat(3000),
        String::new(),
        " ".to_owned(),
    ];
    let theirs = texts.iter().map(|text| Line::new().theirs(text));
    let around = texts
        .iter()
        .map(|text| Line::of("Not recorded: ").theirs(text).ours("."));
    let own = [
        answer::unmapped("T0123456789/U0123456789"),
        Line::of("It expired at ").at(sample::now()).ours("."),
        Line::new(),
    ];
    own.into_iter().chain(theirs).chain(around).collect()
}

/// The bodies with which people are told that.
async fn told() -> Vec<Value> {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_string("ok"))
        .mount(&server)
        .await;
    let token = Rotating::fixed(Token::new("slack-bot", "xoxb-test").unwrap());
    let api = WebApi::new("SLACK_API_URL", &server.uri(), token, BOUNDS).unwrap();
    let reply = SlackReply::new(&server.uri(), api).unwrap();
    let url = format!("{}/actions/T1/2/3", server.uri());
    for line in lines() {
        reply.tell(&url, &line).await;
    }
    let requests = server.received_requests().await.unwrap();
    requests.iter().map(|one| one.body_json().unwrap()).collect()
}

#[tokio::test]
async fn what_people_are_told_is_short_inert_and_for_them_alone() {
    let told = told().await;
    assert_eq!(told.len(), lines().len());
    for body in &told {
        let text = body["text"].as_str().unwrap();
        assert!(!text.trim().is_empty(), "{body}");
        assert!(text.encode_utf16().count() <= 3000, "{body}");
        assert!(!text.replace("<!date^", "").contains('<'), "{body}");
        assert_eq!(body["response_type"], json!("ephemeral"));
        assert_eq!(body["replace_original"], json!(false));
    }
    if let Some(directory) = judges() {
        let folder = directory.join("told");
        fs::create_dir_all(&folder).unwrap();
        for (nth, body) in told.iter().enumerate() {
            fs::write(folder.join(format!("{nth}.json")), body.to_string()).unwrap();
        }
    }
}
