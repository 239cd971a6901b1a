//! Whose certificates are believed.

use std::sync::{Arc, LazyLock};

use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};

/// One configuration for all clients of a process: what it costs is paid once, and a host that two of them call resumes its
/// session.
static CONFIG: LazyLock<Result<ClientConfig, rustls::Error>> = LazyLock::new(|| {
    let roots = if has_own_roots(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty())) {
        built_in()
    } else {
        of_the_system()
    };
    let provider = Arc::new(aws_lc_rs::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
});

/// The configuration of every client.
pub(crate) fn config() -> Result<ClientConfig, rustls::Error> {
    CONFIG.clone()
}

/// In Lambda the system's certificates are those that Mozilla lists, which are built in; reading them again takes milliseconds of
/// each start. Elsewhere, and where `SSL_CERT_FILE` or `SSL_CERT_DIR` is set, the system knows better: a company's own are there.
fn has_own_roots(is_set: impl Fn(&str) -> bool) -> bool {
    is_set("AWS_LAMBDA_RUNTIME_API") && !is_set("SSL_CERT_FILE") && !is_set("SSL_CERT_DIR")
}

fn built_in() -> RootCertStore {
    RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned())
}

fn of_the_system() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    if !found.errors.is_empty() {
        tracing::warn!(errors = ?found.errors, "not all certificates of the system can be read");
    }
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        tracing::warn!("the system has no certificates: nobody is believed over https");
    }
    roots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_roots_are_for_lambda_where_nobody_names_others() {
        let of = |set: &[&str]| has_own_roots(|name| set.contains(&name));
        assert!(of(&["AWS_LAMBDA_RUNTIME_API"]));
        assert!(!of(&["AWS_LAMBDA_RUNTIME_API", "SSL_CERT_FILE"]));
        assert!(!of(&["AWS_LAMBDA_RUNTIME_API", "SSL_CERT_DIR"]));
        assert!(!of(&[]));
        assert!(built_in().len() > 100);
        assert!(config().is_ok());
    }
}
