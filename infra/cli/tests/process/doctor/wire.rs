//! The deployment on the wire: which question a request is, and its answer.

use std::collections::BTreeMap;

use adapters::SystemClock;
use domain::ports::Clock as _;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::aws::{Answer, Aws};

/// The functions behind URLs, and the outputs that say where.
const URLS: [(&str, &str); 2] = [("ApprovalCallbackUrl", "callback"), ("CommandsUrl", "commands")];

impl Aws {
    /// Answers from now on.
    pub(super) async fn start(mut self) -> MockServer {
        let server = MockServer::start().await;
        for (output, path) in URLS {
            if !self.lacks.contains(&output) {
                self.output(output, &format!("{}/{path}/", server.uri()));
            }
        }
        Mock::given(any()).respond_with(self).mount(&server).await;
        server
    }

    fn stack(&self) -> String {
        let members = |all: &BTreeMap<String, String>, sort: &str| -> String {
            all.iter()
                .map(|(key, value)| {
                    format!("<member><{sort}Key>{key}</{sort}Key><{sort}Value>{value}</{sort}Value></member>")
                })
                .collect()
        };
        format!(
            "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><DescribeStacksResult>\
             <Stacks><member><StackName>sre-agent</StackName><CreationTime>2026-11-22T10:00:00Z</CreationTime>\
             <StackStatus>{}</StackStatus><Outputs>{}</Outputs><Parameters>{}</Parameters></member></Stacks>\
             </DescribeStacksResult></DescribeStacksResponse>",
            self.status,
            members(&self.outputs, "Output"),
            members(&self.parameters, "Parameter"),
        )
    }
}

impl Respond for Aws {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let question = question(request);
        let ok = ResponseTemplate::new(200);
        if question == "DescribeStacks" {
            return ok.set_body_raw(self.stack(), "text/xml");
        }
        match self.answers.get(&question) {
            Some(Answer::Json(json)) => ok.set_body_json(json),
            Some(Answer::Xml(xml)) => ok.set_body_raw(xml.clone(), "text/xml"),
            Some(Answer::Bytes(bytes)) => ok.set_body_bytes(bytes.clone()),
            Some(Answer::Told(told)) => {
                let mut told = told.clone();
                told["at"] = json!(SystemClock.now().plus_seconds(self.ahead_s));
                ok.set_body_json(told)
            }
            Some(Answer::Failed(said)) => ok
                .insert_header("x-amz-function-error", "Unhandled")
                .set_body_json(said),
            Some(Answer::Status(status)) => ResponseTemplate::new(*status),
            Some(Answer::Refused(code)) => refused(&question, code),
            None => refused(&question, "NobodyAnswersThat"),
        }
    }
}

/// A service's error: in a header and as JSON, or as XML.
fn refused(question: &str, code: &str) -> ResponseTemplate {
    let message = format!("not for you: {question}");
    let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>");
    let template = ResponseTemplate::new(if code == "NoSuchKey" { 404 } else { 400 });
    if question.starts_with("ListSubscriptions") {
        let xml = format!(
            "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">{error}</ErrorResponse>"
        );
        return template.set_body_raw(xml, "text/xml");
    }
    if question.starts_with("GET /policies") {
        return template.set_body_raw(error, "text/xml");
    }
    template
        .insert_header("x-amzn-errortype", code)
        .set_body_json(json!({ "__type": code, "message": message, "Message": message }))
}

/// What a request asks.
fn question(request: &Request) -> String {
    let body = String::from_utf8_lossy(&request.body);
    if let Some(target) = request.headers.get("x-amz-target") {
        let target = target.to_str().unwrap().replace("DynamoDB_20120810", "DynamoDB");
        let json: Value = serde_json::from_str(&body).unwrap();
        let about = [
            &json["ExpressionAttributeValues"][":stream"]["S"],
            &json["SecretId"],
            &json["KeyId"],
            &json["TableName"],
            &json["ResourceArn"],
        ];
        let about = about.into_iter().find_map(Value::as_str).unwrap();
        // A table goes by its name, or by its ARN.
        return format!("{target} {}", about.rsplit(":table/").next().unwrap());
    }
    let field = |name: &str| {
        let value = body
            .split('&')
            .find_map(|field| field.strip_prefix(name)?.strip_prefix('='))?;
        Some(percent_decode_str(value).decode_utf8().unwrap().into_owned())
    };
    match field("Action") {
        Some(action) => [Some(action), field("TopicArn"), field("NextToken")]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" "),
        None => {
            let path = request.url.path().trim_end_matches('/');
            format!("{} {path}", request.method)
        }
    }
}
