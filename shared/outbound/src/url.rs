//! Where a service is.

use reqwest::Url;

use crate::BadSettings;

/// Where a service is: an `http` or `https` URL with or without a path, and nothing else.
#[derive(Debug, Clone)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// Reads a base URL; `setting` is the name of what it came from.
    pub fn new(setting: &'static str, text: &str) -> Result<Self, BadSettings> {
        let url =
            Url::parse(text).map_err(|err| BadSettings::new(setting, format_args!("is no URL: {err}")))?;
        let problem = if !matches!(url.scheme(), "http" | "https") {
            "is not an http or https URL"
        } else if !url.username().is_empty() || url.password().is_some() {
            "holds credentials: they belong into a secret"
        } else if url.query().is_some() || url.fragment().is_some() {
            "has a query or a fragment"
        } else {
            return Ok(Self(url.as_str().trim_end_matches('/').to_owned()));
        };
        Err(BadSettings::new(setting, problem))
    }

    /// The URL of a path below it. The path begins with a slash and is percent-encoded.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

/// Whether two URLs lead to the same scheme, host and port.
pub fn same_origin(one: &str, other: &str) -> bool {
    match (Url::parse(one), Url::parse(other)) {
        (Ok(one), Ok(other)) => one.origin() == other.origin(),
        (Ok(_) | Err(_), _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_one_and_holds_no_credentials() {
        for (text, path, url) in [
            ("http://127.0.0.1:8080", "/x", "http://127.0.0.1:8080/x"),
            (
                "https://gateway.example/llm/",
                "/x",
                "https://gateway.example/llm/x",
            ),
        ] {
            assert_eq!(BaseUrl::new("GATEWAY_URL", text).unwrap().join(path), url);
        }
        for (text, problem) in [
            ("gateway", "GATEWAY_URL is no URL: relative URL without a base"),
            ("ftp://gateway", "GATEWAY_URL is not an http or https URL"),
            (
                "https://user:pass@gateway",
                "GATEWAY_URL holds credentials: they belong into a secret",
            ),
            ("https://gateway?x=1", "GATEWAY_URL has a query or a fragment"),
        ] {
            assert_eq!(
                BaseUrl::new("GATEWAY_URL", text).unwrap_err().to_string(),
                problem
            );
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        assert!(same_origin(
            "https://gateway.example/v1",
            "https://gateway.example:443"
        ));
        assert!(!same_origin("https://models.example", "https://gateway.example"));
        assert!(!same_origin("http://gateway.example", "https://gateway.example"));
        assert!(!same_origin("", ""));
    }
}
