//! Replies that came whole and are no answer, and those that refuse.

use super::*;

#[tokio::test]
async fn nonsense_that_came_whole_is_not_asked_for_again() {
    for (body, told) in [
        (
            "",
            expect![[r#"
            unavailable: its reply is no JSON: EOF while parsing a value at line 1 column 0
              1 200
        "#]],
        ),
        (
            "{\"content\": [",
            expect![[r#"
            unavailable: its reply is no JSON: EOF while parsing a list at line 1 column 13
              1 200
        "#]],
        ),
        (
            "[]",
            expect![[r#"
            unavailable: its reply is no message: no content
              1 200
        "#]],
        ),
        (
            "null",
            expect![[r#"
            unavailable: its reply is no message: no content
              1 200
        "#]],
        ),
        (
            "{}",
            expect![[r#"
            unavailable: its reply is no message: no content
              1 200
        "#]],
        ),
        (
            "{\"content\": []}",
            expect![[r#"
            unavailable: its reply is no message: no stop_reason
              1 200
        "#]],
        ),
        (
            "{\"content\": [7], \"stop_reason\": \"end_turn\"}",
            expect![[r#"
            unavailable: its reply is no message: a block without a type
              1 200
        "#]],
        ),
        (
            "{\"content\": [{\"type\": \"text\"}], \"stop_reason\": \"end_turn\"}",
            expect![[r#"
                unavailable: its reply is no message: a text without its text
                  1 200
            "#]],
        ),
        (
            "{\"content\": [{\"type\": \"tool_use\", \"id\": \"1\"}], \"stop_reason\": \"tool_use\"}",
            expect![[r#"
                unavailable: its reply is no message: a tool_use without id or name
                  1 200
            "#]],
        ),
        (
            "{\"type\": \"error\", \"error\": {\"message\": \"Overloaded\"}}",
            expect![[r#"
                unavailable: answered with an error: Overloaded
                  1 200
            "#]],
        ),
    ] {
        check(vec![ResponseTemplate::new(200).set_body_string(body)], told).await;
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_are_kept_as_they_are() {
    let server = serving(vec![ResponseTemplate::new(200).set_body_bytes(*b"\xff\xfe")]).await;
    let asked = ask_anthropic(&server.uri()).await;
    let attempt = &asked.transcript.attempts()[0];
    assert_eq!(
        (attempt.reply.as_deref(), attempt.reply_base64.as_deref()),
        (None, Some("//4="))
    );
}

#[tokio::test]
async fn a_huge_reply_is_not_read_to_its_end() {
    let huge = ResponseTemplate::new(200).set_body_bytes(vec![b' '; BOUNDS.reply_bytes + 1]);
    check(
        vec![huge],
        expect![[r#"
        unavailable: the reply is longer than 2097152 bytes
          1 200 the reply is longer than 2097152 bytes
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = ResponseTemplate::new(307).insert_header("location", "http://elsewhere.example/");
    check(
        vec![elsewhere],
        expect![[r#"
        rejected: answered 307, a redirect, which is not followed
          1 307
    "#]],
    )
    .await;
}

#[tokio::test]
async fn what_is_refused_is_not_asked_again() {
    for (status, kind, message, told) in [
        (
            400,
            "invalid_request_error",
            "messages: at least one message is required",
            expect![[r#"
                rejected: answered 400: messages: at least one message is required
                  1 400
            "#]],
        ),
        (
            402,
            "billing_error",
            "no credit",
            expect![[r#"
            rejected: answered 402: no credit
              1 402
        "#]],
        ),
        (
            403,
            "permission_error",
            "not allowed",
            expect![[r#"
            rejected: answered 403: not allowed (the secret model)
              1 403
        "#]],
        ),
        (
            422,
            "invalid_request_error",
            "no such field",
            expect![[r#"
            rejected: answered 422: no such field
              1 422
        "#]],
        ),
        (
            404,
            "not_found_error",
            "model: claude-x",
            expect![[r#"
            missing: answered 404: model: claude-x
              1 404
        "#]],
        ),
        (
            404,
            "not_found_error",
            "Not Found",
            expect![[r#"
            rejected: answered 404: Not Found
              1 404
        "#]],
        ),
        (
            400,
            "invalid_request_error",
            "prompt is too long: 210543 tokens > 200000 maximum",
            expect![[r#"
                context exceeded: answered 400: prompt is too long: 210543 tokens > 200000 maximum
                  1 400
            "#]],
        ),
        (
            400,
            "invalid_request_error",
            "input length and `max_tokens` exceed context limit: 174167 + 64000 > 200000",
            expect![[r#"
                context exceeded: answered 400: input length and `max_tokens` exceed context limit: 174167 + 64000 > 200000
                  1 400
            "#]],
        ),
        (
            413,
            "request_too_large",
            "Request exceeds the maximum size",
            expect![[r#"
                context exceeded: answered 413: Request exceeds the maximum size
                  1 413
            "#]],
        ),
    ] {
        check(vec![error(status, kind, message)], told).await;
    }
}
