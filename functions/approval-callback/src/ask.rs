//! What a person asks for becomes a decision on the trail, or a sentence that says why not.

use domain::permission::decision::{self, is_repeated};
use domain::permission::{Asker, Directory, Operator, Refusal, Request, Under};
use domain::ports::TrailError;
use domain::proposal::{Proposal, State};
use domain::telling::{Line, answer};
use domain::trail::{Control, Record, StreamId};
use domain::value::{Digest, ProposalId, Timestamp};
use trail::{Advanced, Next, advance, load_control, load_proposal, read_proposal};

use crate::Deps;

/// Through what a person decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// A Slack message's button, or the form behind it.
    Slack,
    /// The command line.
    CommandLine,
}

impl Channel {
    /// Its name, as decisions record it.
    pub fn name(self) -> &'static str {
        match self {
            Channel::Slack => ::slack::CHANNEL,
            Channel::CommandLine => "cli",
        }
    }
}

/// Who a channel says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A Slack user.
    Slack {
        /// The workspaces, `T…`, and the organisation, `E…`, by which the directory may know the user.
        teams: Vec<String>,
        /// The user, `U…` or `W…`.
        user: String,
    },
    /// An AWS principal, by its ARN.
    Aws {
        /// The ARN.
        arn: String,
    },
}

impl Identity {
    /// Whom the directory knows by it.
    fn operator<'a>(&self, directory: &'a Directory) -> Option<&'a Operator> {
        match self {
            Identity::Slack { teams, user } => teams.iter().find_map(|team| directory.by_slack(team, user)),
            Identity::Aws { arn } => directory.by_aws(arn),
        }
    }

    /// What was looked up.
    fn text(&self) -> String {
        match self {
            Identity::Slack { teams, user } => {
                let looked_up: Vec<_> = teams.iter().map(|team| format!("{team}/{user}")).collect();
                looked_up.join(", ")
            }
            Identity::Aws { arn } => arn.clone(),
        }
    }
}

/// What a person asks for, however it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Who the channel says it is.
    pub identity: Identity,
    /// Through what.
    pub channel: Channel,
    /// On which proposal.
    pub proposal: ProposalId,
    /// The record that the person was shown: the `scored` one, the `undo_requested` one where an undo is decided, or the
    /// `declined` one that called people.
    pub seen: Digest,
    /// The second in which the channel signed it, where it says so.
    pub signed_at: Option<Timestamp>,
    /// What.
    pub request: Request,
}

/// What became of it. [`Became::told`] is for the person who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Became {
    /// It is on the trail.
    Recorded(Line),
    /// It does not count.
    Refused(Refusal, Line),
    /// Whoever it is, is no operator.
    Unmapped(Line),
    /// They could not be asked for what a form would have asked for.
    Unasked(Line),
    /// There is no such proposal.
    Unknown,
    /// The key that signs decisions did not sign: certainly nothing was recorded.
    Unsigned,
    /// Its records do not hold: nothing is decided on it until an operator has looked at them.
    Forged(Line),
    /// The trail did not answer, and it cannot be told whether it was recorded.
    Unclear,
}

impl Became {
    /// The sentence for the person.
    pub fn told(&self) -> Line {
        match self {
            Became::Recorded(told)
            | Became::Refused(_, told)
            | Became::Unmapped(told)
            | Became::Unasked(told)
            | Became::Forged(told) => told.clone(),
            Became::Unknown => Line::of("There is no such proposal."),
            Became::Unsigned => Line::of(
                "The key that signs decisions does not answer, so nothing was recorded. Try again in a moment; a \
                 rejection needs no signature and counts now.",
            ),
            Became::Unclear => Line::of(
                "The agent cannot tell now whether this was recorded. Look again in a moment; asking for the same once \
                 more is harmless.",
            ),
        }
    }
}

/// Why nothing was appended.
enum Left {
    /// This very request is on the trail already.
    Repeated(Line),
    /// It does not count.
    Refused(Refusal, Line),
}

/// Everything that a request is decided by.
struct Grounds {
    directory: Directory,
    control: Control,
    records: Vec<Record>,
    proposal: Option<Proposal>,
}

impl Grounds {
    /// Whether an approval was signed before the last record of who asks: that record was made of this very request, and
    /// it comes again. What became of it may have been taken back since.
    fn heard(&self, asked: &Asked, operator: &Operator) -> bool {
        // What does not hold is nobody's.
        let counts = |record: &Record| {
            self.proposal.as_ref().is_some_and(|proposal| {
                record.seq <= proposal.last().seq && !proposal.standing().set_aside.contains(&record.seq)
            })
        };
        let own = |record: &&Record| counts(record) && record.actor.operator() == Some(&operator.id);
        let last = self.records.iter().rfind(own);
        let before = |at: Timestamp| last.is_some_and(|last| at.as_seconds() <= last.at.as_seconds());
        asked.request == Request::Approve && asked.signed_at.is_some_and(before)
    }
}

/// Records what the person asks for, if it counts.
pub(crate) async fn ask(deps: &Deps<'_>, asked: &Asked) -> Became {
    match attempt(deps, asked).await {
        Ok(became) => became,
        Err(err) => {
            if let Some(became) = certain(&err) {
                tracing::error!(error = format!("{err:#}"), proposal.id = %asked.proposal, "a request was not recorded");
                return became;
            }
            tracing::error!(error = format!("{err:#}"), proposal.id = %asked.proposal, "a request could not be recorded");
            read_back(deps, asked).await
        }
    }
}

/// What became of a request of which it is certain that nothing was recorded.
fn certain(err: &anyhow::Error) -> Option<Became> {
    let err = err.downcast_ref::<TrailError>()?;
    if let TrailError::Unsigned { .. } = err {
        return Some(Became::Unsigned);
    }
    let TrailError::Forged(fault) = err else {
        return None;
    };
    Some(Became::Forged(
        Line::of("Nothing was recorded: ")
            .theirs(fault)
            .ours(". An operator has to look at it: ")
            .theirs(format_args!("sre-agent set-aside {} {}", fault.stream, fault.seq)),
    ))
}

async fn attempt(deps: &Deps<'_>, asked: &Asked) -> anyhow::Result<Became> {
    let grounds = grounds(deps, &asked.proposal).await?;
    let Some(operator) = asked.identity.operator(&grounds.directory) else {
        return Ok(unmapped(asked));
    };
    let heard = grounds.heard(asked, operator);
    let Grounds {
        directory, control, ..
    } = &grounds;
    let Some(proposal) = grounds.proposal.clone() else {
        return Ok(Became::Unknown);
    };
    let in_force = deps.policies.in_force(control).await;
    let under = Under {
        in_force: &in_force,
        deployment: deps.deployment,
        control,
    };
    let asker = Asker { operator, directory };
    let decides = |proposal: &Proposal, now| {
        if is_repeated(proposal, &asked.request, operator, asked.seen) {
            return Next::Refuse(Left::Repeated(answer::recorded(&asked.request, proposal)));
        }
        let decided = decision::decide(proposal, &asked.request, asker, asked.seen, &under, now);
        let again = heard && matches!(proposal.state(), State::AwaitingApproval(_));
        match decided {
            Ok(fact) if !again => Next::Append(fact),
            Ok(_) => Next::Refuse(refused(Refusal::Stale, proposal)),
            Err(refusal) => Next::Refuse(refused(refusal, proposal)),
        }
    };
    let actor = operator.actor(asked.channel.name());
    Ok(
        match advance(deps.trail, deps.clock, proposal, &actor, decides).await? {
            Advanced::Appended(proposal) | Advanced::Nothing(proposal) => {
                tracing::info!(
                    proposal.id = %asked.proposal, operator.id = %operator.id, record.kind = %proposal.last_kind(),
                    channel = asked.channel.name(), "recorded"
                );
                Became::Recorded(answer::recorded(&asked.request, &proposal))
            }
            Advanced::Refused(Left::Repeated(told)) => Became::Recorded(told),
            Advanced::Refused(Left::Refused(refusal, told)) => Became::Refused(refusal, told),
        },
    )
}

fn refused(refusal: Refusal, proposal: &Proposal) -> Left {
    let told = answer::refused(&refusal, proposal);
    Left::Refused(refusal, told)
}

/// Whether a request would count now, without recording it: what a person is told before a form opens. The proposal comes
/// back where it would.
pub(crate) async fn consider(deps: &Deps<'_>, asked: &Asked) -> Result<Proposal, Became> {
    let unclear = |err: anyhow::Error| {
        tracing::error!(error = format!("{err:#}"), proposal.id = %asked.proposal, "a request could not be considered");
        certain(&err).unwrap_or(Became::Unclear)
    };
    let grounds = grounds(deps, &asked.proposal).await.map_err(unclear)?;
    let Some(operator) = asked.identity.operator(&grounds.directory) else {
        return Err(unmapped(asked));
    };
    let proposal = grounds.proposal.ok_or(Became::Unknown)?;
    let under = Under {
        in_force: &deps.policies.in_force(&grounds.control).await,
        deployment: deps.deployment,
        control: &grounds.control,
    };
    let asker = Asker {
        operator,
        directory: &grounds.directory,
    };
    match decision::decide(
        &proposal,
        &asked.request,
        asker,
        asked.seen,
        &under,
        deps.clock.now(),
    ) {
        // What the form asks for is not known yet.
        Ok(_) | Err(Refusal::NotNarrower(_)) => Ok(proposal),
        Err(refusal) => {
            let told = answer::refused(&refusal, &proposal);
            Err(Became::Refused(refusal, told))
        }
    }
}

/// Read side by side: a person waits.
async fn grounds(deps: &Deps<'_>, proposal: &ProposalId) -> anyhow::Result<Grounds> {
    let directory = async { anyhow::Ok(deps.operators.directory().await?) };
    let control = async { anyhow::Ok(load_control(deps.trail).await?) };
    let stream = StreamId::Proposal(proposal.clone());
    let records = async { anyhow::Ok(deps.trail.load(&stream).await?) };
    let (directory, control, records) = tokio::try_join!(directory, control, records)?;
    let proposal = match records.is_empty() {
        true => None,
        false => Some(read_proposal(deps.trail, &records).await?),
    };
    Ok(Grounds {
        directory,
        control,
        records,
        proposal,
    })
}

fn unmapped(asked: &Asked) -> Became {
    let looked_up = asked.identity.text();
    tracing::info!(
        identity = looked_up,
        channel = asked.channel.name(),
        "not in the directory"
    );
    Became::Unmapped(answer::unmapped(&looked_up))
}

/// What the trail has of a request whose recording broke off.
async fn read_back(deps: &Deps<'_>, asked: &Asked) -> Became {
    let loaded: Result<Option<Proposal>, TrailError> = load_proposal(deps.trail, &asked.proposal).await;
    let (Ok(Some(proposal)), Ok(directory)) = (loaded, deps.operators.directory().await) else {
        return Became::Unclear;
    };
    match asked.identity.operator(&directory) {
        Some(operator) if is_repeated(&proposal, &asked.request, operator, asked.seen) => {
            Became::Recorded(answer::recorded(&asked.request, &proposal))
        }
        Some(_) | None => Became::Unclear,
    }
}
