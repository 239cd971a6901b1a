//! Requests through a Lambda function URL, and the answers to them.
//!
//! Whatever the event holds, it is read without a panic: what cannot be is a bad request. Facts (payload format 2.0):
//! <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html>.

use data_encoding::BASE64;
use serde_json::{Value, json};

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HttpRequest {
    /// Its method, in capitals.
    pub method: String,
    /// Its path, percent-encoded as it came, without a slash at its end.
    pub path: String,
    /// Its query, as it came.
    pub query: String,
    /// Its headers, by their names in small letters. One that came twice holds both values, after a comma.
    headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
    /// The ARN of who sent it, where IAM has checked the signature.
    pub caller: Option<String>,
}

impl HttpRequest {
    /// A request as it is sent.
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.trim_end_matches('/').to_owned(),
            ..Self::default()
        }
    }

    /// With a header.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.to_owned()));
        self
    }

    /// With a body.
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Reads an event of a function URL, or says why it is none.
    pub fn read(event: &Value) -> Result<Self, &'static str> {
        let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
        let method = text("/requestContext/http/method").ok_or("the event names no method")?;
        let path = text("/rawPath").ok_or("the event names no path")?;
        let headers = event.get("headers").and_then(Value::as_object);
        let headers = headers.into_iter().flatten().filter_map(|(name, value)| {
            let value = value.as_str()?;
            Some((name.to_ascii_lowercase(), value.to_owned()))
        });
        let body = text("/body").unwrap_or_default();
        let encoded = event.get("isBase64Encoded").and_then(Value::as_bool) == Some(true);
        let body = match encoded {
            true => BASE64
                .decode(body.as_bytes())
                .map_err(|_| "the body is not base64")?,
            false => body.as_bytes().to_vec(),
        };
        Ok(Self {
            method: method.to_ascii_uppercase(),
            path: path.trim_end_matches('/').to_owned(),
            query: text("/rawQueryString").unwrap_or_default().to_owned(),
            headers: headers.collect(),
            body,
            caller: text("/requestContext/authorizer/iam/userArn").map(str::to_owned),
        })
    }

    /// The value of a header, where it came once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(one, _)| one == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Some(value),
            (Some(_), Some(_)) | (None, _) => None,
        }
    }

    /// The media type of the body, in small letters and without parameters.
    pub fn media_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        let media_type = value.split(';').next().unwrap_or_default();
        media_type.trim().to_ascii_lowercase()
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// Its status.
    pub status: u16,
    /// Its headers besides the type.
    pub headers: Vec<(&'static str, String)>,
    /// The type of its body.
    pub content_type: &'static str,
    /// Its body.
    pub body: String,
}

impl HttpResponse {
    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content_type: "application/json",
            body: String::new(),
        }
    }

    /// JSON.
    pub fn json(status: u16, value: &Value) -> Self {
        Self {
            body: value.to_string(),
            ..Self::empty(status)
        }
    }

    /// Why not.
    pub fn problem(status: u16, text: &str) -> Self {
        Self::json(status, &json!({ "error": text }))
    }

    /// With a header.
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The answer as Lambda takes it.
    pub fn event(self) -> Value {
        let mut headers = json!({ "content-type": self.content_type });
        for (name, value) in self.headers {
            headers[name] = json!(value);
        }
        json!({ "statusCode": self.status, "headers": headers, "body": self.body, "isBase64Encoded": false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Value {
        json!({
            "version": "2.0", "rawPath": "/a/b/", "rawQueryString": "x=\"<>\" y",
            "headers": {"Host": "x", "X-One": "1"}, "body": "aGk=", "isBase64Encoded": true,
            "requestContext": {"http": {"method": "post"},
                               "authorizer": {"iam": {"userArn": "arn:aws:iam::123456789012:user/ada"}}},
        })
    }

    #[test]
    fn a_request_is_read_as_it_came() {
        let request = HttpRequest::read(&event()).unwrap();
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/a/b"));
        assert_eq!(
            (request.query.as_str(), request.body.as_slice()),
            ("x=\"<>\" y", &b"hi"[..])
        );
        assert_eq!(request.header("x-one"), Some("1"));
        assert_eq!(request.header("x-two"), None);
        assert_eq!(
            request.caller.as_deref(),
            Some("arn:aws:iam::123456789012:user/ada")
        );
        let twice = HttpRequest::new("GET", "/")
            .with_header("a", "1")
            .with_header("A", "2");
        assert_eq!(twice.header("a"), None, "a header that came twice is nobody's");
    }

    #[test]
    fn what_is_no_request_is_said_and_nothing_panics() {
        let changed = |pointer: &str, value: Value| {
            let mut event = event();
            *event.pointer_mut(pointer).unwrap() = value;
            HttpRequest::read(&event)
        };
        for value in [json!(null), json!(7), json!([]), json!({})] {
            assert!(changed("/requestContext", value.clone()).is_err());
            assert!(changed("/rawPath", value.clone()).is_err());
            let odd = [
                "/rawQueryString",
                "/headers",
                "/headers/Host",
                "/isBase64Encoded",
                "/requestContext/authorizer",
            ];
            for pointer in odd {
                assert!(changed(pointer, value.clone()).is_ok(), "{pointer} {value}");
            }
            assert_eq!(changed("/body", value.clone()).unwrap().body, b"");
            assert!(HttpRequest::read(&value).is_err());
        }
        assert!(changed("/body", json!("not base64!")).is_err());
    }

    #[test]
    fn an_answer_is_what_lambda_takes() {
        let answer = HttpResponse::problem(400, "no").with_header("allow", "GET");
        assert_eq!(
            answer.event(),
            json!({"statusCode": 400, "headers": {"content-type": "application/json", "allow": "GET"},
                   "body": "{\"error\":\"no\"}", "isBase64Encoded": false})
        );
    }
}
