//! The page behind a deep link. It shows a proposal to whoever has the link, and nothing on it does anything.

use data_encoding::BASE64;
use domain::permission::{Under, may_approve};
use domain::proposal::Proposal;
use domain::telling::{Card, Line, Listed, Row, Span, story};
use domain::trail::{Control, Record, StreamId};
use domain::value::{ProposalId, Timestamp, visible};
use runtime::http::HttpResponse;
use runtime::link::LinkKey;
use sha2::{Digest as _, Sha256};
use trail::{load_control, read_proposal};

use crate::Deps;

/// All of the page's style.
const STYLE: &str = include_str!("page.css");

/// Seconds until a page of something unfinished loads itself again.
const AGAIN_S: u8 = 15;

/// Shows the page of a proposal to whoever has the token of its link. A wrong link is answered as one to nothing.
pub(crate) async fn show(deps: &Deps<'_>, links: &LinkKey, id: &str, query: &str) -> HttpResponse {
    let token = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "t");
    let known = id.parse::<ProposalId>().ok().zip(token);
    let Some((id, _)) = known.filter(|(id, (_, token))| links.opens(id, token)) else {
        return nothing();
    };
    match content(deps, &id).await {
        Ok(Some(content)) => html(200, &content),
        Ok(None) => nothing(),
        Err(err) => {
            tracing::error!(error = format!("{err:#}"), proposal.id = %id, "a page could not be shown");
            html(
                503,
                &document(
                    "Not now",
                    "",
                    "<h1>The agent cannot read its trail now</h1><p>Load this page again in a moment.</p>",
                ),
            )
        }
    }
}

fn nothing() -> HttpResponse {
    html(
        404,
        &document(
            "Nothing here",
            "",
            "<h1>There is nothing here</h1><p>The link is not complete, or what it led to is not kept any more.</p>",
        ),
    )
}

async fn content(deps: &Deps<'_>, id: &ProposalId) -> anyhow::Result<Option<String>> {
    let stream = StreamId::Proposal(id.clone());
    let (records, control, directory) = tokio::try_join!(
        async { anyhow::Ok(deps.trail.load(&stream).await?) },
        async { anyhow::Ok(load_control(deps.trail).await?) },
        async { anyhow::Ok(deps.operators.directory().await?) },
    )?;
    if records.is_empty() {
        return Ok(None);
    }
    let proposal = read_proposal(deps.trail, &records).await?;
    let in_force = deps.policies.in_force(&control).await;
    let under = Under {
        in_force: &in_force,
        deployment: deps.deployment,
        control: &control,
    };
    let now = deps.clock.now();
    let deciders = may_approve(&proposal, &directory, &under, now);
    let card = Card::of(&proposal, &deciders, &control, now);
    Ok(Some(page(&proposal, card.as_ref(), &records, &control, now)))
}

fn page(
    proposal: &Proposal,
    card: Option<&Card>,
    records: &[Record],
    control: &Control,
    now: Timestamp,
) -> String {
    let id = proposal.id();
    let mut body = String::from("<article>");
    match card {
        Some(card) => {
            body += &format!("<h1>{}</h1>", shown(&card.title));
            body += &format!("<p class=\"standing\">{}</p>", shown(&card.standing));
            for section in &card.sections {
                body += &format!("<h2>{}</h2>", escaped(&section.heading));
                body += &paragraphs(&section.lines);
            }
            if !card.asks.is_empty() {
                body += "<h2>To decide</h2><p>In Slack, with the buttons of the message; or on the command line:</p>";
                body += &format!("<p><code>sre-agent show {id}</code></p>");
            }
        }
        None => {
            let listed = Listed::of(proposal, control, now);
            body += &format!("<h1>{}</h1>", shown(&listed.about));
            body += &format!("<p class=\"standing\">{}</p>", escaped(&listed.summary.state));
            body += &paragraphs(&listed.waits_for.into_iter().collect::<Vec<_>>());
        }
    }
    let story: Vec<Line> = records.iter().flat_map(story::in_full).collect();
    body += &format!(
        "</article><article class=\"story\"><h2>Its records on the trail</h2>{}</article><p class=\"small\">{id}, as it \
         stood at {}. This page only shows.</p>",
        paragraphs(&story),
        time(now),
    );
    let again = match Row::of(proposal).open {
        true => format!("<meta http-equiv=\"refresh\" content=\"{AGAIN_S}\">"),
        false => String::new(),
    };
    let title = card.map_or_else(|| id.to_string(), |card| shown_plain(&card.title));
    document(&title, &again, &body)
}

fn paragraphs(lines: &[Line]) -> String {
    lines
        .iter()
        .map(|line| format!("<p>{}</p>", shown(line)))
        .collect()
}

fn document(title: &str, head: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><meta name=\"robots\" content=\"noindex\">{head}\
         <title>{}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>\n",
        escaped(title)
    )
}

/// A line as HTML. Whatever is theirs is text, and nothing else.
fn shown(line: &Line) -> String {
    line.spans()
        .iter()
        .map(|span| match span {
            Span::Ours(text) => escaped(text),
            // An isolate: right-to-left text of theirs turns none of ours around.
            Span::Theirs(text) => format!("<bdi>{}</bdi>", escaped(&visible(text))),
            Span::At(at) => time(*at),
        })
        .collect()
}

fn shown_plain(line: &Line) -> String {
    line.render(visible, |at| at.to_string())
}

fn time(at: Timestamp) -> String {
    let text = at.to_string();
    format!(
        "<time datetime=\"{text}\">{} {} UTC</time>",
        &text[..10],
        &text[11..19]
    )
}

fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html
}

/// A page that may do nothing but have its own style: no script, no form, no frame, no request to anywhere.
///
/// Facts: <https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Content-Security-Policy>.
fn html(status: u16, body: &str) -> HttpResponse {
    let style = BASE64.encode(&Sha256::digest(STYLE.as_bytes()));
    HttpResponse {
        content_type: "text/html; charset=utf-8",
        body: body.to_owned(),
        ..HttpResponse::empty(status)
    }
    .with_header(
        "content-security-policy",
        format!(
            "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
    )
    .with_header("cache-control", "no-store")
    // The token in the address is nobody else's business.
    .with_header("referrer-policy", "no-referrer")
    .with_header("x-content-type-options", "nosniff")
    .with_header("x-frame-options", "DENY")
    .with_header("strict-transport-security", "max-age=31536000")
    .with_header("x-robots-tag", "noindex, nofollow")
}
