//! Whom a function believes that it is AWS.
//!
//! AWS's own endpoints have certificates of Amazon Trust Services: its five roots (<https://www.amazontrust.com/repository/>) are
//! built in, so that no start reads the system's hundred and fifty, and no other authority can stand between a function and its
//! trail. The system's are for whatever else may be called AWS: another endpoint, the regions of China, and where whoever deploys
//! it says so with `SSL_CERT_FILE` or `SSL_CERT_DIR`.

use aws_smithy_http_client::HttpClientError;
use aws_smithy_http_client::tls::{TlsContext, TrustStore};

/// Amazon Root CA 1 to 4 and Starfield Services Root Certificate Authority - G2.
const AMAZON: &str = include_str!("amazon.pem");

/// Whose certificates are believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Roots {
    /// Amazon's alone.
    Amazon,
    /// Those of the system, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
    System,
}

impl Roots {
    /// Those for a region, where a variable of the environment says nothing else.
    pub(super) fn of(region: Option<&str>, is_set: impl Fn(&str) -> bool) -> Self {
        let elsewhere = ["AWS_ENDPOINT_URL", "SSL_CERT_FILE", "SSL_CERT_DIR"];
        let in_china = region.is_some_and(|region| region.starts_with("cn-"));
        if in_china || elsewhere.into_iter().any(is_set) {
            Roots::System
        } else {
            Roots::Amazon
        }
    }

    /// As the connector takes them.
    pub(super) fn context(self) -> Result<TlsContext, HttpClientError> {
        let trust = match self {
            Roots::Amazon => TrustStore::empty().with_pem_certificate(AMAZON),
            Roots::System => TrustStore::default(),
        };
        TlsContext::builder().with_trust_store(trust).build()
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;
    use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

    use super::*;

    #[test]
    fn amazons_roots_are_the_ones_that_browsers_believe() {
        let mut count = 0;
        for block in AMAZON.split("-----BEGIN CERTIFICATE-----").skip(1) {
            let (text, _) = block.split_once("-----END CERTIFICATE-----").unwrap();
            let certificate = BASE64.decode(text.replace('\n', "").as_bytes()).unwrap();
            assert!(
                TLS_SERVER_ROOT_CERTS
                    .iter()
                    .any(|root| root.as_ref() == certificate)
            );
            count += 1;
        }
        assert_eq!(count, 5);
        for roots in [Roots::Amazon, Roots::System] {
            assert!(roots.context().is_ok());
        }
    }

    #[test]
    fn the_system_is_asked_where_somebody_else_may_be_aws() {
        let of = |region, variable: Option<&str>| Roots::of(region, |name| Some(name) == variable);
        assert_eq!(of(Some("eu-central-1"), None), Roots::Amazon);
        assert_eq!(of(Some("us-gov-west-1"), Some("AWS_REGION")), Roots::Amazon);
        assert_eq!(of(None, None), Roots::Amazon);
        assert_eq!(of(Some("cn-north-1"), None), Roots::System);
        for variable in ["AWS_ENDPOINT_URL", "SSL_CERT_FILE", "SSL_CERT_DIR"] {
            assert_eq!(of(Some("eu-central-1"), Some(variable)), Roots::System);
        }
    }
}
