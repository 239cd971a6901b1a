//! The agent's function URL for commands: where it is, and what its answers mean.

use std::fmt;
use std::net::IpAddr;

use adapters::{SdkConfig, SystemClock, aws};
use anyhow::{Context, bail};
use domain::permission::Request;
use domain::ports::Clock as _;
use domain::telling::{Answered, Detail, Listing};
use domain::value::{Digest, ProposalId, TeamId};
use outbound::{BaseUrl, Bounds, Broken, Client, brief, listen};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::id::Beginning;
use super::sign::{Signer, Unsigned};
use crate::stack::Stack;
use crate::who;

/// The stack's output that says where the function URL is.
pub(crate) const OUTPUT: &str = "CommandsUrl";

/// A person waits at a terminal, and the function may have to start first.
const BOUNDS: Bounds = Bounds {
    connect_ms: 3_000,
    request_ms: 20_000,
    reply_bytes: 1024 * 1024,
};

/// What a query's value may hold as it is: all but this is unreserved in RFC 3986, so that every reader and every
/// signature sees the same text.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Which proposals a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    /// Those opened in the last seven days.
    Recent,
    /// Those that wait for a person.
    Waiting,
    /// Those whose effect is in force.
    InForce,
}

impl Show {
    fn name(self) -> &'static str {
        match self {
            Show::Recent => "recent",
            Show::Waiting => "waiting",
            Show::InForce => "in-force",
        }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Problem {
    /// It says no, or will never say anything else.
    Refused(String),
    /// Whoever asks may not ask, so that it said nothing.
    NotLet(String),
    /// The request did not reach the function. Another one may.
    Unsent(String),
    /// What the request came to is not known. Another one may be answered.
    Lost(String),
}

impl Problem {
    /// Whether another try may go better.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Problem::Refused(_) | Problem::NotLet(_) => false,
            Problem::Unsent(_) | Problem::Lost(_) => true,
        }
    }

    /// Whether the function said nothing to what it was asked.
    pub(crate) fn is_silence(&self) -> bool {
        match self {
            Problem::Refused(_) => false,
            Problem::NotLet(_) | Problem::Unsent(_) | Problem::Lost(_) => true,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Refused(why) | Problem::NotLet(why) | Problem::Unsent(why) | Problem::Lost(why) => {
                f.write_str(why)
            }
        }
    }
}

impl std::error::Error for Problem {}

/// The body of a request that a person makes.
#[derive(Serialize)]
struct Body<'a> {
    seen: &'a Digest,
    request: &'a Request,
}

/// What the function says of itself.
#[derive(Deserialize)]
struct Health {
    version: Option<String>,
}

/// A sentence that the function says instead of an answer.
#[derive(Deserialize)]
struct Sentence {
    error: String,
}

/// The function URL, asked as whoever runs the command.
#[derive(Debug)]
pub(super) struct Api {
    base: BaseUrl,
    client: Client,
    signer: Signer,
    aws: SdkConfig,
}

impl Api {
    /// That of a stack.
    pub(super) fn of(stack: &Stack) -> anyhow::Result<Self> {
        Self::at(stack.newer_output(OUTPUT)?, &stack.aws)
    }

    /// One at a URL: https, or on this machine.
    pub(super) fn at(url: &str, aws: &SdkConfig) -> anyhow::Result<Self> {
        let base = BaseUrl::new(OUTPUT, url)?;
        let parsed = Url::parse(url).with_context(|| format!("{OUTPUT} is no URL"))?;
        if parsed.scheme() != "https" && !is_loopback(&parsed) {
            bail!("{OUTPUT} is {url}, which is not https: nothing is sent there");
        }
        Ok(Self {
            base,
            client: Client::within(BOUNDS)?,
            signer: Signer::new(aws)?,
            aws: aws.clone(),
        })
    }

    /// Proposals, the newest first.
    pub(super) async fn list(
        &self,
        show: Show,
        team: Option<&TeamId>,
        limit: u8,
    ) -> Result<Listing, Problem> {
        let mut path = format!("/v1/proposals?show={}&limit={limit}", show.name());
        if let Some(team) = team {
            path += &format!("&team={}", utf8_percent_encode(team.as_str(), RESERVED));
        }
        self.get(&path).await
    }

    /// The version that the function was built as; none of before it told that.
    pub(super) async fn version(&self) -> Result<Option<String>, Problem> {
        let health: Health = self.get("/healthz").await?;
        Ok(health.version)
    }

    /// One proposal.
    pub(super) async fn show(&self, which: &Beginning) -> Result<Detail, Problem> {
        let detail: Detail = self.get(&format!("/v1/proposals/{which}")).await?;
        let id = &detail.listed.proposal;
        match which.is_of(id) {
            true => Ok(detail),
            false => Err(Problem::Refused(format!(
                "the agent answered with another proposal, {id}"
            ))),
        }
    }

    /// Asks for something, by the digest of what the person was shown. Whether that is recorded is in the answer.
    pub(super) async fn ask(
        &self,
        id: &ProposalId,
        seen: &Digest,
        request: &Request,
    ) -> Result<Answered, Problem> {
        let body = serde_json::to_vec(&Body { seen, request });
        let body = body.map_err(|err| Problem::Refused(format!("the request cannot be written: {err}")))?;
        let path = format!("/v1/proposals/{id}/requests");
        let (status, body) = self.exchange(Method::POST, &path, &body).await?;
        match (status.as_u16(), serde_json::from_slice(&body)) {
            (200 | 403 | 409, Ok(answered)) => Ok(answered),
            (200..=299, Ok(_)) => Err(Problem::Lost(format!("the agent answered {status}"))),
            (200..=299, Err(err)) => Err(Problem::Lost(unreadable(&err))),
            (_, _) => Err(self.problem(status, &body).await),
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Problem> {
        let (status, body) = self.exchange(Method::GET, path, b"").await?;
        if !status.is_success() {
            return Err(self.problem(status, &body).await);
        }
        serde_json::from_slice(&body).map_err(|err| Problem::Refused(unreadable(&err)))
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: &[u8],
    ) -> Result<(StatusCode, Vec<u8>), Problem> {
        const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
        let url = self.base.join(path);
        let headers = if body.is_empty() { &[] } else { JSON };
        let unsigned = Unsigned {
            method: method.as_str(),
            url: &url,
            headers,
            body,
        };
        let signed = self.signer.sign(&unsigned, SystemClock.now()).await;
        let signed =
            signed.map_err(|err| Problem::NotLet(format!("the request cannot be signed: {err:#}")))?;
        let mut request = self.client.request(method, &url).headers(signed);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_empty() {
            request = request.body(body.to_vec());
        }
        let heard = listen(request, self.client.bounds()).await;
        match (heard.status, heard.broken) {
            (Some(status), None) => Ok((status, heard.body)),
            (_, Some(broken @ (Broken::NoConnection(_) | Broken::Unreachable(_)))) => {
                let at = self.base.join("");
                Err(Problem::Unsent(format!(
                    "nothing answers at {at}, where the agent is asked: {broken}"
                )))
            }
            (_, Some(broken @ (Broken::Slow(_) | Broken::TooLong(_) | Broken::Off(_)))) => {
                Err(Problem::Lost(broken.to_string()))
            }
            (None, None) => Err(Problem::Lost("no reply".to_owned())),
        }
    }

    /// What an answer means that is none to what was asked.
    async fn problem(&self, status: StatusCode, body: &[u8]) -> Problem {
        let sentence = serde_json::from_slice(body).map(|Sentence { error }| error).ok();
        let words = String::from_utf8_lossy(body);
        let told = || match &sentence {
            Some(sentence) => sentence.clone(),
            None => format!("the agent answered {}: {}", status.as_u16(), brief(words.trim())),
        };
        match status.as_u16() {
            300..=399 => Problem::Refused(format!(
                "the agent answered {}, a redirect, which is not followed",
                status.as_u16()
            )),
            403 if sentence.is_none() => Problem::NotLet(self.forbidden(&words).await),
            // Lambda did not invoke the function: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors
            429 if sentence.is_none() => {
                Problem::Unsent("Lambda takes no more requests at this moment: try again".to_owned())
            }
            500.. => Problem::Lost(told()),
            _ => Problem::Refused(told()),
        }
    }

    /// What to do about a request that IAM did not let through. Both permissions are needed:
    /// <https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html>
    async fn forbidden(&self, words: &str) -> String {
        #[derive(Deserialize)]
        struct Said {
            #[serde(rename = "Message", alias = "message")]
            message: String,
        }
        let said = serde_json::from_str(words).map_or_else(|_| words.to_owned(), |said: Said| said.message);
        if let Some(told) = aws::apart(&brief(said.trim())) {
            return told;
        }
        let who = who::arn(&self.aws).await.unwrap_or_else(|_| "you".to_owned());
        format!(
            "IAM does not let {who} invoke the function: the role needs lambda:InvokeFunctionUrl and \
             lambda:InvokeFunction on it (\"{}\")",
            brief(said.trim())
        )
    }
}

fn unreadable(err: &serde_json::Error) -> String {
    format!("the agent's answer cannot be read ({err}): is this command of another version than the stack?")
}

/// Whether a URL leads to this machine and nowhere else.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests;
