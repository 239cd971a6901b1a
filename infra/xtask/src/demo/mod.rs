//! `cargo xtask demo`: one incident from the failing provider to the verified trail. Every line it prints was
//! observed, and it fails where something was not.

mod observe;
mod picture;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use domain::action::ActionKind;
use domain::proposal::{Decision, Kind, ProposalFact};
use domain::trail::{Fact as _, StreamId};
use domain::value::ProposalId;
use serde_json::json;

use self::observe::{Demo, Event, tell};
use crate::net::http;
use crate::paths::Paths;
use crate::processes::Run;
use crate::progress::{Step, seconds};
use crate::slack::{self, ADA, Posted};
use crate::stack::{self, Stack, place::Choice};
use crate::traffic::{self, Traffic};
use crate::{environment, sandbox};

/// The provider that fails.
const PROVIDER: &str = "openai";

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    choice: Choice,
    /// Leaves the stack running
    #[arg(long)]
    keep: bool,
}

/// `cargo xtask demo`.
pub(crate) async fn run(paths: &Paths, arguments: &Arguments) -> Result<()> {
    let lock = stack::lock(paths).await?;
    let stack = stack::up(paths, &lock, &stack::Arguments::chosen(&arguments.choice)).await?;
    let played = play(paths, &stack).await;
    if arguments.keep || stack.found {
        stack::keep();
    }
    played?;
    if arguments.keep || stack.found {
        println!("The stack is still up: eval \"$(cargo xtask env)\"; stop it with cargo xtask down.");
    }
    Ok(())
}

/// The demo on a stack that is up.
pub(crate) async fn play(paths: &Paths, stack: &Stack) -> Result<()> {
    let began = Instant::now();
    let demo = Demo {
        paths,
        stack,
        sandbox: stack.state.sandbox_url(),
    };
    let outcome = demo.play().await;
    if outcome.is_err() {
        // A stack that is kept, or was there before, is not left with a failing provider.
        let _ = sandbox::inject(&demo.sandbox, &json!({ "fault": "clear" })).await;
    }
    outcome?;
    println!("\nThe whole path was observed in {}.", seconds(began.elapsed()));
    Ok(())
}

impl Demo<'_> {
    async fn play(&self) -> Result<()> {
        let before = self.normal_traffic().await?;
        let event = self.incident().await?;
        let proposal = self.proposal(&event).await?;
        let during = self.decision(&proposal, &before).await?;
        self.restore(&proposal, &before, &during).await?;
        self.trail(&proposal).await?;
        self.told(&proposal).await
    }

    /// The traffic as it should be.
    async fn normal_traffic(&self) -> Result<Traffic> {
        heading("The gateway at work");
        sandbox::inject(&self.sandbox, &json!({ "fault": "clear", "forget_window": true })).await?;
        let traffic = traffic::wait(&self.sandbox, "traffic through every provider", 30, |traffic| {
            traffic.share(PROVIDER) > 0
                && traffic.blocked(PROVIDER) == Some(false)
                && traffic.requests() >= 80
        })
        .await?;
        traffic.print(PROVIDER);
        Ok(traffic)
    }

    /// The provider fails, and the gateway says so on the bus.
    async fn incident(&self) -> Result<Event> {
        heading(&format!("{PROVIDER} fails nine requests in ten"));
        let known: Vec<String> = self
            .events()
            .await?
            .into_iter()
            .map(|event| event.event_id)
            .collect();
        let fault =
            json!({ "fault": "fail_provider", "provider": PROVIDER, "error_rate": 0.9, "burst": 200 });
        sandbox::inject(&self.sandbox, &fault).await?;
        let mut step = Step::begin("waiting for the gateway's event on the bus");
        let began = Instant::now();
        let event = loop {
            let events = self.events().await?;
            let sent = events.into_iter().find(|event| {
                event.detail_type == "provider.unhealthy"
                    && event.detail["provider"] == PROVIDER
                    && event.sent_at.is_some()
                    && !known.contains(&event.event_id)
            });
            if let Some(event) = sent {
                break event;
            }
            if began.elapsed() > Duration::from_secs(60) {
                step.failed();
                bail!("the sandbox put no provider.unhealthy of {PROVIDER} on the bus within 60 s");
            }
            step.heartbeat(|| None);
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        step.done_with(&event.detail_type);
        println!("{}", serde_json::to_string_pretty(&event.detail)?);
        Ok(event)
    }

    /// The agent's proposal, with its preview and its score.
    async fn proposal(&self, event: &Event) -> Result<ProposalId> {
        heading("The agent proposes");
        let received = self
            .wait("proposal/", &[Kind::Received], &event.event_id, 60)
            .await?;
        let StreamId::Proposal(proposal) = received.record.stream.clone() else {
            bail!("{} is no proposal", received.record.stream);
        };
        let stream = received.record.stream.to_string();
        let found = self
            .wait(&stream, &[Kind::Scored, Kind::Declined], "", 60)
            .await?;
        let scored = match found.fact()? {
            ProposalFact::Scored(scored) => scored,
            other => {
                tell(&found.record);
                bail!("the agent {} the incident", other.what());
            }
        };
        let proposed = found
            .first(Kind::Proposed)
            .context("there is no proposed record")?;
        println!("proposal {proposal}\n");
        tell(proposed);
        println!();
        tell(&found.record);
        let ProposalFact::Proposed(proposed) = ProposalFact::read(proposed)? else {
            bail!("record {} proposes nothing", proposed.seq);
        };
        ensure!(
            proposed.action.kind() == ActionKind::CircuitBreakProvider,
            "the agent proposed something else than a break"
        );
        ensure!(
            scored.decision == Decision::Gate,
            "the proposal was not put before a person"
        );
        Ok(proposal)
    }

    /// A person approves in Slack, and the break moves the traffic.
    async fn decision(&self, proposal: &ProposalId, before: &Traffic) -> Result<Traffic> {
        heading("Nothing happens until a person approves");
        let waiting = traffic::read(&self.sandbox).await?;
        ensure!(
            waiting.blocked(PROVIDER) == Some(false),
            "{PROVIDER} was blocked before anybody approved it"
        );
        let card = self
            .card(proposal, "waiting for the message in #sre", 60, |card| {
                card.says("It waits for 1 approval")
            })
            .await?;
        print(&card);
        let forged = card
            .click(&self.sandbox, ADA, "approve", Some("not-the-signing-secret"))
            .await?;
        ensure!(
            forged.status == Some(401),
            "a forged click was answered with {:?} {}",
            forged.status,
            forged.body
        );
        println!("forged    a click that somebody else signed: HTTP 401");
        let known = slack::whispered(&self.sandbox).await?.len();
        let signed = card.click(&self.sandbox, ADA, "approve", None).await?;
        ensure!(
            signed.status == Some(200),
            "the callback answered {:?} {}",
            signed.status,
            signed.body
        );
        println!(
            "click     Ada clicks Approve on this message: HTTP 200 in {} ms",
            signed.took_ms
        );

        let stream = format!("proposal/{proposal}");
        let ended = [
            Kind::Succeeded,
            Kind::Failed,
            Kind::Refused,
            Kind::Unknown,
            Kind::Rejected,
        ];
        let found = self.wait(&stream, &ended, "", 60).await?;
        for kind in [Kind::Approved, Kind::Started] {
            found.first(kind).map(tell);
        }
        tell(&found.record);
        ensure!(
            found.fact()?.what() == Kind::Succeeded,
            "the break has not succeeded: {}",
            found.record.kind
        );
        let told = slack::whispered(&self.sandbox).await?;
        let told = told
            .get(known)
            .context("nobody told Ada what came of her click")?;
        println!("answer    \"{}\"", slack::readable(told));
        let during = traffic::wait(&self.sandbox, "the traffic to move", 20, |traffic| {
            traffic.share(PROVIDER) == 0
                && traffic.blocked(PROVIDER) == Some(true)
                && traffic.requests() >= 40
        })
        .await?;
        println!("\n{PROVIDER}'s share of the traffic, before and during the break:");
        traffic::print_shares(PROVIDER, &[("before", before), ("during", &during)]);
        Ok(during)
    }

    /// The break ends by itself, and the recovered provider gets its traffic back.
    async fn restore(&self, proposal: &ProposalId, before: &Traffic, during: &Traffic) -> Result<()> {
        heading("The break ends by itself");
        sandbox::inject(&self.sandbox, &json!({ "fault": "clear" })).await?;
        println!("{PROVIDER} has recovered meanwhile; the break still runs.");
        let stream = format!("proposal/{proposal}");
        let found = self
            .wait(&stream, &[Kind::Restored, Kind::RestoreFailed], "", 60)
            .await?;
        tell(&found.record);
        ensure!(found.fact()?.what() == Kind::Restored, "the restore failed");
        let started = found.first(Kind::Started).context("no started record")?;
        let ProposalFact::Started(fact) = ProposalFact::read(started)? else {
            bail!("record {} starts nothing", started.seq);
        };
        let due = fact.restore_at.context("the break has no end")?;
        let restored = found.record.at;
        let lasted = restored.millis_since(started.at);
        println!(
            "\nIt lasted {}.{} s, and was due at {due}.",
            lasted / 1000,
            lasted % 1000 / 100
        );
        ensure!(
            restored <= due.plus_seconds(5),
            "the restore came more than 5 s late"
        );
        ensure!(restored >= due, "the restore came early");
        let after = traffic::wait(&self.sandbox, "the traffic to come back", 20, |traffic| {
            4 * traffic.share(PROVIDER) >= 3 * before.share(PROVIDER)
                && traffic.blocked(PROVIDER) == Some(false)
                && traffic.healthy(PROVIDER)
        })
        .await?;
        println!("\n{PROVIDER}'s share of the traffic:");
        traffic::print_shares(
            PROVIDER,
            &[("before", before), ("during", during), ("after", &after)],
        );
        Ok(())
    }

    /// The trail, recomputed record by record by the operators' command.
    async fn trail(&self, proposal: &ProposalId) -> Result<()> {
        heading("The trail proves it");
        self.wait(&format!("proposal/{proposal}"), &[Kind::Verified], "", 40)
            .await?;
        let mut command = std::process::Command::new(&self.stack.cli);
        command.args(["trail", &proposal.to_string()]);
        environment::apply(&self.stack.state, &mut command)?;
        let story = self.paths.stack().join("trail.txt");
        let run = Run {
            name: "trail",
            label: &format!("sre-agent trail {proposal}"),
            remedy: "the trail could not be read or does not hold",
            limit: Duration::from_secs(60),
            stdout: Some(story.clone()),
        };
        run.run(self.paths, &mut command).await?;
        let story = std::fs::read_to_string(story)?;
        println!("{story}");
        for kind in [
            Kind::Received,
            Kind::Proposed,
            Kind::Scored,
            Kind::Approved,
            Kind::Started,
            Kind::Succeeded,
            Kind::Restored,
            Kind::Verified,
        ] {
            ensure!(
                story.contains(kind.name()),
                "the story of the proposal has no {kind}"
            );
        }
        Ok(())
    }

    /// The message ends as the proposal did, and its link leads to the page.
    async fn told(&self, proposal: &ProposalId) -> Result<()> {
        heading("The message shows how it ended");
        let card = self
            .card(proposal, "waiting for the message to show it", 60, |card| {
                card.says("It was approved by Ada") && card.says("Its effect was taken back")
            })
            .await?;
        print(&card);
        let live: Vec<_> = card
            .buttons()
            .into_iter()
            .filter(|(_, _, link)| link.is_none())
            .collect();
        ensure!(live.is_empty(), "the message still offers {live:?}");
        let replies = card.replies(&self.sandbox).await?;
        for kind in [Kind::Succeeded, Kind::Restored] {
            ensure!(
                replies.iter().any(|reply| reply.starts_with(kind.name())),
                "the thread does not tell that it {kind}: {replies:?}"
            );
        }
        println!(
            "thread    {} replies, from \"{}\" on",
            replies.len(),
            first_line(&replies)
        );
        let page = self.page(&card)?;
        let shown = http()?.get(&page).send().await.context("opening the page")?;
        let status = shown.status();
        let html = shown.text().await.unwrap_or_default();
        ensure!(
            status.is_success() && html.contains("Its effect was taken back"),
            "the page of the proposal answered {status}"
        );
        println!("page      {page}");
        picture::take(self.paths, &page).await
    }
}

/// Prints a message as it stands in Slack.
fn print(card: &Posted) {
    for text in card.texts() {
        for line in slack::readable(&text).lines() {
            println!("  │ {line}");
        }
    }
    let buttons: Vec<String> = card
        .buttons()
        .into_iter()
        .map(|(label, _, _)| format!("[{label}]"))
        .collect();
    println!("  │ {}\n", buttons.join(" "));
}

fn first_line(replies: &[String]) -> String {
    let first = replies.first().and_then(|reply| reply.lines().next());
    slack::readable(first.unwrap_or_default())
}

fn heading(text: &str) {
    println!(
        "\n── {text} {}",
        "─".repeat(90_usize.saturating_sub(text.chars().count()))
    );
}
