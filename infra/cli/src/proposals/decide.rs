//! What a person asks for: they are shown what it is about, it is sent with the digest of just that, and they are told
//! what came of it.

use std::collections::BTreeMap;
use std::io::{BufRead, Read as _};
use std::str::FromStr;

use anyhow::{Context as _, anyhow, bail};
use domain::action::{Lowers, Narrowing};
use domain::permission::Request;
use domain::telling::{Ask, Detail, What};
use domain::value::{Digest, Reason};

use super::api::{Api, Problem};
use super::id::Beginning;
use super::shown;
use crate::end::Ended;
use crate::print::{Terminal, quote, told};

/// The longest answer to a question that is read, bytes.
const MAX_ANSWER: u64 = 256;

/// What `approve` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct ApproveArguments {
    /// The proposal: its id, or the beginning of it as `list` shows it
    #[arg(value_name = "ID")]
    proposal: Beginning,

    /// Only what `show` showed with this digest, of which the first 8 digits are enough: whatever it became since then
    /// is not approved
    #[arg(long, value_name = "DIGEST")]
    seen: Option<Seen>,

    /// Does not ask, where nobody is there to answer
    #[arg(long)]
    yes: bool,
}

/// What `reject` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct RejectArguments {
    /// The proposal: its id, or the beginning of it as `list` shows it
    #[arg(value_name = "ID")]
    proposal: Beginning,

    /// Why, for whoever reads the trail: at most 1000 characters
    #[arg(long, value_name = "TEXT", value_parser = Reason::new)]
    reason: Reason,
}

/// What `edit` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct EditArguments {
    /// The proposal: its id, or the beginning of it as `list` shows it
    #[arg(value_name = "ID")]
    proposal: Beginning,

    /// A parameter and its new, lower value; `show` says which there are
    #[arg(value_name = "NAME=VALUE", required = true)]
    to: Vec<Setting>,
}

/// What `revoke` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct RevokeArguments {
    /// The proposal: its id, or the beginning of it as `list` shows it
    #[arg(value_name = "ID")]
    proposal: Beginning,
}

/// What `undo` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct UndoArguments {
    /// The proposal: its id, or the beginning of it as `list` shows it
    #[arg(value_name = "ID")]
    proposal: Beginning,

    /// Why, for whoever is to agree: at most 1000 characters
    #[arg(long, value_name = "TEXT", value_parser = Reason::new)]
    reason: Reason,
}

/// What `acknowledge` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct AcknowledgeArguments {
    /// The proposal that called people: its id, or the beginning of it as `list` shows it
    #[arg(value_name = "ID")]
    proposal: Beginning,

    /// What was done, or why nothing is, for whoever reads the trail: at most 1000 characters
    #[arg(long, value_name = "TEXT", value_parser = Reason::new)]
    reason: Reason,
}

/// The beginning of a digest.
#[derive(Debug, Clone)]
struct Seen(String);

impl FromStr for Seen {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.to_ascii_lowercase();
        match (8..=64).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            true => Ok(Self(digits)),
            false => Err("is not the beginning of a digest: 8 to 64 hexadecimal digits"),
        }
    }
}

/// A parameter and its new value.
#[derive(Debug, Clone)]
struct Setting {
    name: String,
    value: String,
}

impl FromStr for Setting {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text
            .split_once('=')
            .map(|(name, value)| (name.trim(), value.trim()))
        {
            Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok(Self {
                name: name.to_owned(),
                value: value.to_owned(),
            }),
            Some(_) | None => Err("is not NAME=VALUE, such as duration_s=120"),
        }
    }
}

/// Who answers a question.
pub(crate) enum Consent<'a> {
    /// A person, line by line.
    Asked(&'a mut dyn BufRead),
    /// Nobody.
    NobodyThere,
}

impl Consent<'_> {
    pub(crate) fn to(self, question: &str, terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
        let Consent::Asked(person) = self else {
            return Ok(false);
        };
        terminal.question(question)?;
        let mut answer = String::new();
        let read = person.take(MAX_ANSWER).read_line(&mut answer);
        read.context("the answer cannot be read")?;
        Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }
}

/// Says yes to what is shown, or to the undo that is asked for.
pub(super) async fn approve(
    api: &Api,
    arguments: &ApproveArguments,
    consent: Consent<'_>,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    if !arguments.yes && matches!(consent, Consent::NobodyThere) {
        bail!(Ended::Usage(format!(
            "nobody can answer here, because standard input is no terminal: add --yes, and --seen with the digest \
             that sre-agent show {} shows",
            arguments.proposal
        )));
    }
    let detail = api.show(&arguments.proposal).await?;
    let ask = offered(&detail, "approved", |what| {
        matches!(what, What::Approve | What::ApproveUndo)
    })?;
    if let Some(Seen(digits)) = &arguments.seen
        && !ask.seen.to_string().starts_with(digits)
    {
        bail!(
            "nothing was sent: it is not what was seen with {digits} any more, its digest is {} now; \
             sre-agent show {} shows it",
            shown::digest(&ask.seen),
            detail.listed.proposal
        );
    }
    terminal.lines(&shown::card(&detail))?;
    terminal.line("")?;
    let question = match ask.what {
        What::ApproveUndo => "Agree to its undo? [y/N]",
        What::Approve
        | What::Reject
        | What::Narrow(_)
        | What::Revoke
        | What::Undo
        | What::RejectUndo
        | What::Acknowledge => "Approve this? [y/N]",
    };
    if !arguments.yes && !consent.to(question, terminal)? {
        terminal.fault("nothing was sent")?;
        return Ok(false);
    }
    send(api, &detail, &ask.seen, &Request::Approve, terminal).await
}

/// Says no to a proposal, or to the undo that is asked for.
pub(super) async fn reject(
    api: &Api,
    arguments: &RejectArguments,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let sort = |what: &What| matches!(what, What::Reject | What::RejectUndo);
    let request = Request::Reject {
        reason: Some(arguments.reason.clone()),
    };
    ask(api, &arguments.proposal, ("rejected", &sort), &request, terminal).await
}

/// Takes an approval back.
pub(super) async fn revoke(
    api: &Api,
    arguments: &RevokeArguments,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let sort = |what: &What| matches!(what, What::Revoke);
    ask(
        api,
        &arguments.proposal,
        ("revoked", &sort),
        &Request::Revoke,
        terminal,
    )
    .await
}

/// Asks for an undo.
pub(super) async fn undo(
    api: &Api,
    arguments: &UndoArguments,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let sort = |what: &What| matches!(what, What::Undo);
    let request = Request::Undo {
        reason: arguments.reason.clone(),
    };
    ask(api, &arguments.proposal, ("undone", &sort), &request, terminal).await
}

/// Says that somebody has seen to it.
pub(super) async fn acknowledge(
    api: &Api,
    arguments: &AcknowledgeArguments,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let sort = |what: &What| matches!(what, What::Acknowledge);
    let request = Request::Acknowledge {
        reason: arguments.reason.clone(),
    };
    ask(
        api,
        &arguments.proposal,
        ("acknowledged", &sort),
        &request,
        terminal,
    )
    .await
}

/// Asks for what the card offers of a sort, which would be `done` then.
async fn ask(
    api: &Api,
    proposal: &Beginning,
    (done, sort): (&str, &dyn Fn(&What) -> bool),
    request: &Request,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let detail = api.show(proposal).await?;
    let ask = offered(&detail, done, sort)?;
    terminal.lines(&shown::heading(&detail))?;
    send(api, &detail, &ask.seen, request, terminal).await
}

/// Makes less of a proposal.
pub(super) async fn edit(
    api: &Api,
    arguments: &EditArguments,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let mut values = BTreeMap::new();
    for Setting { name, value } in &arguments.to {
        if values.insert(name.clone(), value.clone()).is_some() {
            bail!(Ended::Usage(format!("{name} is given more than once")));
        }
    }
    let detail = api.show(&arguments.proposal).await?;
    let ask = offered(&detail, "edited", |what| matches!(what, What::Narrow(_)))?;
    if let What::Narrow(lowers) = &ask.what
        && let Some(name) = values
            .keys()
            .find(|name| lowers.iter().all(|one| one.parameter != name.as_str()))
    {
        bail!(Ended::Usage(format!(
            "{} cannot be lowered: only {} can",
            quote(name),
            what_can(lowers)
        )));
    }
    let request = Request::Narrow {
        to: Narrowing(values),
    };
    terminal.lines(&shown::heading(&detail))?;
    send(api, &detail, &ask.seen, &request, terminal).await
}

/// `duration_s (Seconds that the break lasts), which is 300`
fn what_can(lowers: &[Lowers]) -> String {
    let each = lowers.iter().map(|one| {
        format!(
            "{} ({}), which is {}",
            quote(&one.parameter),
            quote(&one.label),
            quote(&one.value)
        )
    });
    each.collect::<Vec<_>>().join(", and ")
}

/// What the card offers of this sort; or the reason why not, which is where the proposal stands.
fn offered<'a>(detail: &'a Detail, done: &str, sort: impl Fn(&What) -> bool) -> anyhow::Result<&'a Ask> {
    let asks = detail.card.iter().flat_map(|card| &card.asks);
    asks.into_iter().find(|ask| sort(&ask.what)).ok_or_else(|| {
        let id = &detail.listed.proposal;
        anyhow!("{id} cannot be {done} now: {}", shown::standing(detail))
    })
}

/// Sends a request, and tells what came of it.
async fn send(
    api: &Api,
    detail: &Detail,
    seen: &Digest,
    request: &Request,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    match api.ask(&detail.listed.proposal, seen, request).await {
        Ok(answered) => {
            match answered.recorded {
                true => terminal.told(&answered.told)?,
                false => terminal.fault(&told(&answered.told))?,
            }
            Ok(answered.recorded)
        }
        Err(Problem::Lost(why)) => unclear(api, detail, &why, terminal).await,
        Err(problem @ (Problem::Refused(_) | Problem::NotLet(_) | Problem::Unsent(_))) => {
            Err(problem).context("nothing was recorded")
        }
    }
}

/// Tells what stands, after a request of which nobody knows what it came to. What is still under way may come later.
async fn unclear(api: &Api, before: &Detail, why: &str, terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
    let id = &before.listed.proposal;
    match api.show(&id.into()).await {
        Ok(now) => {
            terminal.line(&format!("As it stands now: {}", shown::standing(&now)))?;
            match shown::news(&before.story, &now.story) {
                [] => terminal.line("Nothing came to its story since it was shown.")?,
                news => {
                    terminal.line("What came to its story since it was shown:")?;
                    terminal.lines(&shown::story(news))?;
                }
            }
        }
        Err(problem) => terminal.line(&format!("It cannot be read now: {problem}"))?,
    }
    bail!(Ended::Unclear(format!(
        "cannot tell whether it was recorded ({why}); run `sre-agent show {id}`, and ask for the same again where it \
         was not: that is harmless"
    )))
}
