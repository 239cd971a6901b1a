//! The connections of a function: one pool for all its clients, some of it filled before the first event.

use std::time::Duration;

use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Connector, HttpClientError};
use aws_smithy_runtime_api::client::http::{
    HttpConnector as _, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use futures::future::join_all;

use super::roots::Roots;

/// How long opening a connection holds up a start at most.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host<'a> {
    /// A service, by the first part of its endpoint's name.
    Service(&'a str),
    /// A bucket.
    Bucket(&'a str),
}

/// A function's connections to AWS.
#[derive(Debug, Clone)]
pub struct Connections {
    /// Where there is none, each client makes its own, of the system's roots.
    connector: Option<SharedHttpConnector>,
    region: String,
    /// One for everything, instead of AWS's own.
    endpoint: Option<String>,
    /// Whether the endpoints have the names that they usually have.
    is_usual: bool,
}

impl Connections {
    pub(super) fn new(
        roots: Roots,
        connect: Duration,
        region: Option<&str>,
        endpoint: Option<&str>,
        is_usual: bool,
    ) -> Self {
        Self {
            connector: connector(roots, connect).ok(),
            region: region.unwrap_or_default().to_owned(),
            endpoint: endpoint.map(|url| url.trim_end_matches('/').to_owned()),
            is_usual,
        }
    }

    /// What the SDK's clients call through.
    pub(super) fn client(&self) -> Option<SharedHttpClient> {
        let connector = self.connector.clone()?;
        Some(http_client_fn(move |_, _| connector.clone()))
    }

    /// Opens connections, side by side, so that the first calls find them open. Nothing is asked of anybody: a `HEAD` that is
    /// not signed, whose answer does not matter. Where it fails, the first call opens its own, and says what is wrong.
    pub async fn open(&self, hosts: &[Host<'_>]) {
        let Some(connector) = &self.connector else { return };
        let opened = hosts.iter().filter_map(|host| self.url(*host)).map(async |url| {
            let mut request = HttpRequest::empty();
            if request.set_method("HEAD").is_ok() && request.set_uri(url).is_ok() {
                let _whatever = tokio::time::timeout(PATIENCE, connector.call(request)).await;
            }
        });
        join_all(opened).await;
    }

    /// <https://docs.aws.amazon.com/general/latest/gr/rande.html>
    fn url(&self, host: Host<'_>) -> Option<String> {
        if let Some(endpoint) = &self.endpoint {
            return Some(format!("{endpoint}/"));
        }
        let suffix = if self.region.starts_with("cn-") {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        let region = &self.region;
        let usual = match host {
            Host::Service(name) => format!("https://{name}.{region}.{suffix}/"),
            Host::Bucket(name) => format!("https://{name}.s3.{region}.{suffix}/"),
        };
        (self.is_usual && !region.is_empty()).then_some(usual)
    }
}

fn connector(roots: Roots, connect: Duration) -> Result<SharedHttpConnector, HttpClientError> {
    let settings = HttpConnectorSettings::builder().connect_timeout(connect).build();
    let connector = Connector::builder()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(roots.context()?)
        .connector_settings(settings)
        .build();
    Ok(SharedHttpConnector::new(connector))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_connector_for_either_roots() {
        assert!(connector(Roots::Amazon, PATIENCE).is_ok());
        assert!(connector(Roots::System, PATIENCE).is_ok());
    }

    fn connections(region: Option<&str>, endpoint: Option<&str>, is_usual: bool) -> Connections {
        Connections::new(Roots::Amazon, PATIENCE, region, endpoint, is_usual)
    }

    #[test]
    fn a_host_is_where_the_sdk_calls_it() {
        let of = |region, host| connections(Some(region), None, true).url(host);
        assert_eq!(
            of("eu-central-1", Host::Service("events")).as_deref(),
            Some("https://events.eu-central-1.amazonaws.com/")
        );
        assert_eq!(
            of("cn-north-1", Host::Bucket("transcripts")).as_deref(),
            Some("https://transcripts.s3.cn-north-1.amazonaws.com.cn/")
        );
        let local = connections(Some("eu-central-1"), Some("http://127.0.0.1:4566/"), true);
        assert_eq!(
            local.url(Host::Service("sns")).as_deref(),
            Some("http://127.0.0.1:4566/")
        );
        assert_eq!(connections(None, None, true).url(Host::Service("sns")), None);
        assert_eq!(
            connections(Some("us-gov-west-1"), None, false).url(Host::Service("sns")),
            None
        );
    }

    #[tokio::test]
    async fn who_does_not_answer_holds_nothing_up_and_breaks_nothing() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let silent = format!("http://{}", listener.local_addr().unwrap());
        let hosts = [Host::Service("sns"), Host::Service("events")];
        connections(None, Some(&silent), true).open(&hosts).await;
        drop(listener);
        connections(None, Some(&silent), true).open(&hosts).await;
        connections(None, Some("no url"), true).open(&hosts).await;
    }
}
