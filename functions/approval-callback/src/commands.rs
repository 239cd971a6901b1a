//! The command line's door: lists, shows, and takes what a person asks for.

use domain::permission::{Request, Under, may_approve};
use domain::ports::{TrailError, View};
use domain::proposal::Proposal;
use domain::telling::{Answered, Card, Detail, Listed, Listing, Row, What};
use domain::trail::{Control, Record, StreamId};
use domain::value::{Digest, ProposalId, Timestamp};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use runtime::http::{HttpRequest, HttpResponse};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use trail::walk;
use trail::{load_control, read_proposal};

use crate::Deps;
use crate::ask::{Asked, Became, Channel, Identity, ask};
use crate::once::{Fields, once};

/// How far back recent proposals were opened, seconds.
const RECENT_S: u64 = 7 * 86_400;

/// Proposals of a list, where nobody says how many; and the most.
const USUAL: usize = 20;
const MOST: usize = 100;

/// Proposals that are looked at for one list.
const MOST_LOOKS: usize = 500;

/// Proposals that are loaded at once.
const AT_ONCE: usize = 16;

/// The shortest beginning of an id.
const SHORTEST: usize = 4;

/// The longest body that is read.
const MAX_BODY_BYTES: usize = 16 * 1024;

/// Which proposals are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    /// What was opened in the last seven days.
    Recent,
    /// What waits for a person's yes or no.
    Waiting,
    /// What has an effect in force.
    InForce,
}

struct Wanted {
    which: Which,
    team: Option<String>,
    limit: usize,
}

impl Wanted {
    fn read(query: &str) -> Result<Self, String> {
        let mut wanted = Self {
            which: Which::Recent,
            team: None,
            limit: USUAL,
        };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "show" => {
                    wanted.which = match value.as_ref() {
                        "recent" => Which::Recent,
                        "waiting" => Which::Waiting,
                        "in-force" => Which::InForce,
                        _ => return Err("`show` is recent, waiting or in-force".to_owned()),
                    }
                }
                "team" => wanted.team = Some(value.into_owned()),
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=MOST).contains(limit));
                    wanted.limit = limit.ok_or_else(|| format!("`limit` is a number from 1 to {MOST}"))?;
                }
                _ => return Err("the query has show, team and limit".to_owned()),
            }
        }
        Ok(wanted)
    }

    fn holds(&self, proposal: &Proposal, control: &Control, now: Timestamp) -> bool {
        let event = &proposal.received().event;
        let of_team = self
            .team
            .as_ref()
            .is_none_or(|team| event.team.as_ref().is_some_and(|one| one.to_string() == *team));
        of_team
            && match self.which {
                Which::Recent => true,
                Which::Waiting => waits_for_a_person(proposal, control, now),
                Which::InForce => Row::of(proposal).in_force,
            }
    }
}

fn waits_for_a_person(proposal: &Proposal, control: &Control, now: Timestamp) -> bool {
    let card = Card::of(proposal, &[], control, now);
    let asks = card.map(|card| card.asks).unwrap_or_default();
    asks.iter()
        .any(|ask| matches!(ask.what, What::Approve | What::ApproveUndo))
}

/// Lists proposals, the newest first.
pub(crate) async fn list(deps: &Deps<'_>, view: &dyn View, query: &str) -> HttpResponse {
    match Wanted::read(query) {
        Ok(wanted) => answer(listing(deps, view, &wanted).await),
        Err(problem) => HttpResponse::problem(400, &problem),
    }
}

async fn listing(deps: &Deps<'_>, view: &dyn View, wanted: &Wanted) -> anyhow::Result<Listing> {
    let now = deps.clock.now();
    let control = load_control(deps.trail).await?;
    let candidates = match wanted.which {
        Which::Recent => recent(deps, now).await?,
        Which::Waiting => view.open().await?,
        Which::InForce => view.in_force().await?,
    };
    let begun = candidates.len();
    let mut loaded = stream::iter(candidates.into_iter().take(MOST_LOOKS))
        .map(|id| async move { load(deps, &id).await })
        .buffered(AT_ONCE);
    let mut proposals = Vec::new();
    // What is recent comes in order: no more is loaded than is shown. The others are few, and sorted here.
    while let Some(records) = loaded.try_next().await? {
        let Some(proposal) = read(deps, &records).await? else {
            continue;
        };
        if wanted.holds(&proposal, &control, now) {
            proposals.push(Listed::of(&proposal, &control, now));
        }
        if wanted.which == Which::Recent && proposals.len() > wanted.limit {
            break;
        }
    }
    proposals.sort_by_key(|listed| std::cmp::Reverse(listed.opened_at));
    let more = proposals.len() > wanted.limit || begun > MOST_LOOKS;
    proposals.truncate(wanted.limit);
    Ok(Listing { proposals, more })
}

/// The proposals that were opened lately, the newest first.
async fn recent(deps: &Deps<'_>, now: Timestamp) -> anyhow::Result<Vec<ProposalId>> {
    let opened = walk::opened(deps.trail, now.minus_seconds(RECENT_S), now, usize::MAX).await?;
    Ok(opened.into_iter().map(|(id, _)| id).collect())
}

/// Shows one proposal, by its id or the beginning of it.
pub(crate) async fn show(deps: &Deps<'_>, view: &dyn View, id: &str) -> HttpResponse {
    match find(deps, view, id).await {
        Ok(Found::One(id)) => match detail(deps, &id).await {
            Ok(Some(detail)) => answer(Ok(detail)),
            Ok(None) => HttpResponse::problem(404, "there is no such proposal"),
            Err(err) => answer::<()>(Err(err)),
        },
        Ok(Found::None) => HttpResponse::problem(
            404,
            "no proposal of the last seven days, and none that is open or in force, begins like this",
        ),
        Ok(Found::Many(ids)) => {
            let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
            HttpResponse::problem(
                409,
                &format!("several proposals begin like this: {}", ids.join(", ")),
            )
        }
        Ok(Found::NoId(problem)) => HttpResponse::problem(400, &problem),
        Err(err) => answer::<()>(Err(err)),
    }
}

enum Found {
    One(ProposalId),
    Many(Vec<ProposalId>),
    None,
    NoId(String),
}

async fn find(deps: &Deps<'_>, view: &dyn View, id: &str) -> anyhow::Result<Found> {
    if let Ok(id) = id.parse() {
        return Ok(Found::One(id));
    }
    let sound = id
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if id.len() < SHORTEST || !sound {
        return Ok(Found::NoId(format!(
            "this is neither a proposal's id nor the beginning of one, which has {SHORTEST} characters or more of a-z and 2-7"
        )));
    }
    let now = deps.clock.now();
    let (open, in_force, recent) = tokio::try_join!(
        async { anyhow::Ok(view.open().await?) },
        async { anyhow::Ok(view.in_force().await?) },
        recent(deps, now),
    )?;
    // The end of an id, its generation, may be said though the middle is not: `gnr4sqzf-2`.
    let (beginning, generation) = match id.split_once('-') {
        Some((beginning, generation)) => (beginning, Some(generation)),
        None => (id, None),
    };
    let mut found: Vec<ProposalId> = [open, in_force, recent]
        .into_iter()
        .flatten()
        .filter(|one| one.fingerprint().to_string().starts_with(beginning))
        .filter(|one| generation.is_none_or(|generation| one.generation().to_string() == generation))
        .collect();
    // Of one trouble, the newest proposal is meant.
    found.sort_by_key(|one| (one.fingerprint().to_string(), std::cmp::Reverse(one.generation())));
    found.dedup_by(|one, other| one.fingerprint() == other.fingerprint());
    Ok(match found.len() {
        0 => Found::None,
        1 => found.pop().map_or(Found::None, Found::One),
        _ => Found::Many(found),
    })
}

async fn detail(deps: &Deps<'_>, id: &ProposalId) -> anyhow::Result<Option<Detail>> {
    let records = load(deps, id).await?;
    if records.is_empty() {
        return Ok(None);
    }
    let proposal = read_proposal(deps.trail, &records).await?;
    let (control, directory) =
        tokio::try_join!(async { anyhow::Ok(load_control(deps.trail).await?) }, async {
            anyhow::Ok(deps.operators.directory().await?)
        },)?;
    let under = Under {
        in_force: &deps.policies.in_force(&control).await,
        deployment: deps.deployment,
        control: &control,
    };
    let now = deps.clock.now();
    let deciders = may_approve(&proposal, &directory, &under, now);
    Ok(Some(Detail::of(&proposal, &records, &deciders, &control, now)))
}

async fn load(deps: &Deps<'_>, id: &ProposalId) -> anyhow::Result<Vec<Record>> {
    Ok(deps.trail.load(&StreamId::Proposal(id.clone())).await?)
}

/// A proposal as its records have it. One that does not hold must not hide the others: `sre-agent trail` tells of it.
async fn read(deps: &Deps<'_>, records: &[Record]) -> Result<Option<Proposal>, TrailError> {
    if records.is_empty() {
        return Ok(None);
    }
    match read_proposal(deps.trail, records).await {
        Ok(proposal) => Ok(Some(proposal)),
        Err(TrailError::Forged(_)) => Ok(None),
        Err(err) => Err(err),
    }
}

/// What a person asks for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    seen: Digest,
    #[serde(deserialize_with = "wholly")]
    request: Request,
}

/// Reads a request of which nothing is left out. Who sends `to` with an approval means less than they would get.
fn wholly<'de, D: Deserializer<'de>>(from: D) -> Result<Request, D::Error> {
    let fields: Map<String, Value> = once(from)?;
    let said = Value::Object(fields.clone());
    let request = Request::deserialize(&said).map_err(D::Error::custom)?;
    let understood = serde_json::to_value(&request).map_err(D::Error::custom)?;
    let unknown = |(name, value): &(&String, &Value)| !value.is_null() && understood.get(name).is_none();
    match fields.iter().find(unknown) {
        Some((name, _)) => Err(D::Error::custom(format_args!("unknown field `{name}`"))),
        None => Ok(request),
    }
}

/// Takes a request.
pub(crate) async fn take(
    deps: &Deps<'_>,
    emulated_caller: Option<&str>,
    id: &str,
    request: &HttpRequest,
) -> HttpResponse {
    let Some(arn) = request.caller.as_deref().or(emulated_caller) else {
        return HttpResponse::problem(403, "IAM does not say who sent this");
    };
    if request.body.len() > MAX_BODY_BYTES {
        return HttpResponse::problem(413, "the body is too large");
    }
    if request.media_type() != "application/json" {
        return HttpResponse::problem(415, "the body is not JSON");
    }
    let Ok(proposal) = id.parse::<ProposalId>() else {
        return HttpResponse::problem(400, "the path has no proposal's id");
    };
    let body: Body = match serde_json::from_slice(&request.body) {
        Ok(Fields(body)) => body,
        Err(err) => return HttpResponse::problem(400, &format!("the body cannot be read: {err}")),
    };
    let asked = Asked {
        identity: Identity::Aws { arn: arn.to_owned() },
        channel: Channel::CommandLine,
        proposal,
        seen: body.seen,
        signed_at: None,
        request: body.request,
    };
    let became = ask(deps, &asked).await;
    let (status, recorded) = match &became {
        Became::Recorded(_) => (200, true),
        Became::Refused(..) | Became::Unasked(_) | Became::Forged(_) | Became::Unsigned => (409, false),
        Became::Unmapped(_) => (403, false),
        Became::Unknown => return HttpResponse::problem(404, "there is no such proposal"),
        Became::Unclear => {
            return HttpResponse::problem(503, "it cannot be told now whether this was recorded: look again");
        }
    };
    let answered = Answered {
        recorded,
        told: became.told(),
    };
    HttpResponse::json(status, &serde_json::json!(answered))
}

fn answer<T: Serialize>(outcome: anyhow::Result<T>) -> HttpResponse {
    match outcome {
        Ok(value) => HttpResponse::json(200, &serde_json::json!(value)),
        Err(err) => {
            tracing::error!(error = format!("{err:#}"), "a request could not be answered");
            HttpResponse::problem(503, "the trail cannot be read now: try again")
        }
    }
}
