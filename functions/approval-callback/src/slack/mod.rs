//! Slack's door: what comes from it is checked, understood and answered.

mod interaction;
mod signature;

use ::slack::button::{Does, Shown};
use ::slack::form::{self, Modal};
use domain::permission::{Refusal, Request};
use domain::telling::Line;
use domain::value::{Reason, Timestamp};
use runtime::http::{HttpRequest, HttpResponse};
use serde_json::json;

pub use self::interaction::{Click, Interaction, Malformed, Sender, Submitted};
pub use self::signature::{Distrust, Trust};
use crate::Deps;
use crate::ask::{Asked, Became, Channel, ask, consider};
use crate::reply::Reply;

/// The longest body that is read. Slack's interactions are a few kilobytes.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// What this door needs besides what every one does.
pub struct Slack<'a> {
    /// What Slack signs with, and what it must name.
    pub trust: &'a Trust<'a>,
    /// How the person who clicked is told, and asked.
    pub reply: &'a dyn Reply,
}

/// Answers one request from Slack.
pub(crate) async fn take(deps: &Deps<'_>, slack: &Slack<'_>, request: &HttpRequest) -> HttpResponse {
    if request.body.len() > MAX_BODY_BYTES {
        return HttpResponse::problem(413, "the body is too large");
    }
    // The signature first, on the bytes as they came: nothing else of the request is looked at before.
    if let Err(distrust) = slack.trust.verify(request, deps.clock.now()).await {
        tracing::warn!(reason = %distrust, "refused a Slack request");
        return HttpResponse::problem(distrust.status(), &distrust.to_string());
    }
    let interaction = match request.media_type().as_str() {
        "application/x-www-form-urlencoded" => Interaction::parse(&request.body),
        "application/json" => Interaction::parse_event(&request.body),
        _ => return HttpResponse::problem(415, "the body is neither a form nor JSON"),
    };
    let interaction = match interaction {
        Ok(interaction) => interaction,
        Err(malformed) => {
            tracing::warn!(reason = %malformed, "refused a Slack request");
            return HttpResponse::problem(400, &malformed.to_string());
        }
    };
    let signed_at = slack.trust.signed_at(request);
    match interaction {
        Interaction::Nothing => HttpResponse::empty(200),
        Interaction::Challenge(challenge) => HttpResponse::json(200, &json!({ "challenge": challenge })),
        Interaction::Clicked(click) => clicked(deps, slack, click, signed_at).await,
        Interaction::Submitted(submitted) => submit(deps, slack, submitted, signed_at).await,
    }
}

async fn clicked(
    deps: &Deps<'_>,
    slack: &Slack<'_>,
    click: Click,
    signed_at: Option<Timestamp>,
) -> HttpResponse {
    let Click {
        sender,
        does,
        shown,
        trigger_id,
        response_url,
    } = click;
    if let Err(distrust) = slack.trust.knows(&sender) {
        tracing::warn!(reason = %distrust, "refused a Slack request");
        // The signature holds: somebody is there, and would only see that it did not work.
        slack.reply.tell(&response_url, &distrust.told()).await;
        return HttpResponse::problem(distrust.status(), &distrust.to_string());
    }
    let asks = |request| Asked {
        identity: sender.identity(),
        channel: Channel::Slack,
        proposal: shown.proposal.clone(),
        seen: shown.seen,
        signed_at,
        request,
    };
    let became = match does {
        Does::Approve => ask(deps, &asks(Request::Approve)).await,
        Does::Revoke => ask(deps, &asks(Request::Revoke)).await,
        Does::Reject | Does::Narrow | Does::Undo | Does::Acknowledge => {
            match open(
                deps,
                slack,
                does,
                &shown,
                &trigger_id,
                &asks(before_the_form(does)),
            )
            .await
            {
                Ok(()) => return HttpResponse::empty(200),
                Err(became) => became,
            }
        }
    };
    slack.reply.tell(&response_url, &became.told()).await;
    match became {
        // Slack shows the person that it did not work, besides what they are told.
        Became::Unclear => HttpResponse::problem(503, "it cannot be told whether this was recorded"),
        Became::Recorded(_)
        | Became::Refused(..)
        | Became::Unmapped(_)
        | Became::Unasked(_)
        | Became::Unsigned
        | Became::Forged(_)
        | Became::Unknown => HttpResponse::empty(200),
    }
}

/// What a button with a form behind it asks for, before anything was filled in.
fn before_the_form(does: Does) -> Request {
    match (does, Reason::new("…")) {
        (Does::Undo, Ok(reason)) => Request::Undo { reason },
        (Does::Acknowledge, Ok(reason)) => Request::Acknowledge { reason },
        (Does::Narrow, _) => Request::Narrow {
            to: domain::action::Narrowing::default(),
        },
        (Does::Reject | Does::Approve | Does::Revoke | Does::Undo | Does::Acknowledge, _) => {
            Request::Reject { reason: None }
        }
    }
}

/// Opens the form of a button; or says at once what its answer would be.
async fn open(
    deps: &Deps<'_>,
    slack: &Slack<'_>,
    does: Does,
    shown: &Shown,
    trigger_id: &str,
    asked: &Asked,
) -> Result<(), Became> {
    let proposal = consider(deps, asked).await?;
    let action = proposal.proposed().map(|proposed| &proposed.action);
    let title = match action {
        Some(action) => Line::new().theirs(action),
        None => Line::new().theirs(&proposal.received().event),
    };
    let modal = match does {
        Does::Narrow => {
            let lowers = action.map(|action| action.operation().lowers());
            Modal::narrow(shown, &title, &lowers.unwrap_or_default())
        }
        Does::Approve | Does::Reject | Does::Revoke | Does::Undo | Does::Acknowledge => {
            Modal::reason(does, shown, &title)
        }
    };
    slack.reply.open(trigger_id, &modal).await.map_err(|problem| {
        tracing::warn!(metric = "slack_form", problem, "a form could not be opened");
        Became::Unasked(
            Line::of("Nothing was recorded: Slack did not open the form (")
                .theirs(problem)
                .ours("). Click again, or use the command line."),
        )
    })
}

async fn submit(
    deps: &Deps<'_>,
    slack: &Slack<'_>,
    submitted: Submitted,
    signed_at: Option<Timestamp>,
) -> HttpResponse {
    let Submitted {
        sender,
        does,
        shown,
        values,
    } = submitted;
    if let Err(distrust) = slack.trust.knows(&sender) {
        tracing::warn!(reason = %distrust, "refused a Slack request");
        return says(&distrust.told());
    }
    let reason = || Reason::new(values.0.get(form::REASON).map_or("", String::as_str));
    let request = match does {
        Does::Reject => reason().map(|reason| Request::Reject { reason: Some(reason) }),
        Does::Undo => reason().map(|reason| Request::Undo { reason }),
        Does::Acknowledge => reason().map(|reason| Request::Acknowledge { reason }),
        Does::Narrow => Ok(Request::Narrow { to: values.clone() }),
        Does::Approve | Does::Revoke => return HttpResponse::problem(400, "there is no such form"),
    };
    let request = match request {
        Ok(request) => request,
        Err(bad) => return errors(form::REASON, &bad.to_string()),
    };
    let asked = Asked {
        identity: sender.identity(),
        channel: Channel::Slack,
        proposal: shown.proposal,
        seen: shown.seen,
        signed_at,
        request,
    };
    let became = ask(deps, &asked).await;
    if let (Became::Refused(Refusal::NotNarrower(complaint), _), Some(field)) =
        (&became, values.0.keys().next())
    {
        let field = values
            .0
            .keys()
            .find(|name| **name == complaint.field)
            .unwrap_or(field);
        return errors(field, &complaint.to_string());
    }
    says(&became.told())
}

/// The form stays open and says what is wrong with a field:
/// <https://docs.slack.dev/surfaces/modals#displaying_errors>.
fn errors(field: &str, problem: &str) -> HttpResponse {
    HttpResponse::json(
        200,
        &json!({ "response_action": "errors", "errors": { field: problem } }),
    )
}

/// The form turns into what became of it: <https://docs.slack.dev/surfaces/modals#updating_response>.
fn says(told: &Line) -> HttpResponse {
    HttpResponse::json(
        200,
        &json!({ "response_action": "update", "view": Modal::says(told) }),
    )
}
