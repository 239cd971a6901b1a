//! What counts as unhealthy, and how a picture is shown.

mod deciders;
mod effects;
mod people;
mod senders;
mod unseen;
mod waits;

use std::collections::BTreeMap;

use domain::proposal::Proposal;
use domain::telling::waits_for;
use domain::trail::{Control, Pause, Switches};
use expect_test::{Expect, expect};

use super::deciders::DecidersPart;
use super::look;
use super::open::{EffectPart, OpenPart, ProposalPart};
use super::people::PeoplePart;
use super::picture::*;
use super::senders::SendersPart;
use crate::print::told;
use crate::trail::tests::{Told, at};
use domain::message::Lane;

/// A healthy agent with nothing to do.
fn healthy() -> Picture {
    Picture {
        stack: StackPart {
            name: "sre-agent".to_owned(),
            region: "eu-central-1".to_owned(),
            status: "CREATE_COMPLETE".to_owned(),
            outputs: BTreeMap::from([
                ("BusName".to_owned(), "sre-agent".to_owned()),
                ("TrailTableName".to_owned(), "sre_actions".to_owned()),
            ]),
        },
        agent: Part::Seen(AgentPart {
            switches: Switches::default(),
            changed_at: None,
            tampered: None,
            forged: Vec::new(),
        }),
        queues: Part::Seen(
            Lane::ALL
                .map(|name| QueuePart {
                    name,
                    messages: name.queue_output().map(|_| Messages {
                        waiting: 0,
                        in_flight: 0,
                        delayed: 0,
                    }),
                    dead_letters: 0,
                })
                .into(),
        ),
        event_sources: Part::Seen(sources(|_| "Enabled")),
        open: Part::Seen(OpenPart::default()),
        people: PeoplePart {
            channel: Some("C0SRE".to_owned()),
            routes: 0,
        },
        deciders: DecidersPart::Known {
            people: 2,
            shortages: Vec::new(),
        },
        senders: SendersPart {
            roles: vec!["arn:aws:iam::123456789012:role/gateway".to_owned()],
            accounts: Vec::new(),
        },
        gateway: GatewayPart::Readable {
            url: "https://gateway.example".to_owned(),
            providers: 4,
            blocked: Vec::new(),
            model_groups: 4,
            teams: 3,
            missing_models: Vec::new(),
        },
    }
}

fn sources(state: impl Fn(Lane) -> &'static str) -> Vec<SourcePart> {
    let lanes = Lane::ALL.into_iter().filter(|lane| lane.has_event_source());
    lanes
        .map(|name| SourcePart {
            name,
            state: Some(state(name).to_owned()),
        })
        .collect()
}

fn paused(since: u64) -> Part<AgentPart> {
    Part::Seen(AgentPart {
        switches: Switches {
            paused: Some(Pause {
                since: at(since),
                reason: "gateway upgrade\u{1b}[2J".to_owned(),
            }),
            ..Switches::default()
        },
        changed_at: Some(at(since)),
        tampered: None,
        forged: Vec::new(),
    })
}

fn shows(picture: &Picture, seconds: u64, expected: Expect) {
    let reasons = picture.reasons(at(seconds));
    let told = [picture.lines(at(seconds)), picture.verdict(&reasons)].concat();
    expected.assert_eq(&told.join("\n"));
}

fn judges(picture: &Picture, seconds: u64, expected: Expect) {
    expected.assert_eq(&picture.reasons(at(seconds)).join("\n"));
}

fn replayed(story: &Told) -> Proposal {
    Proposal::replay(&story.records).unwrap()
}

#[test]
fn an_agent_with_nothing_to_do_is_healthy() {
    shows(
        &healthy(),
        0,
        expect![[r#"
            stack sre-agent in eu-central-1: CREATE_COMPLETE
              bus                sre-agent
              trail              sre_actions

            agent: running
              policy in force: none was published, so the one that this version brings

            queues           waiting  in flight  delayed  dead letters
              ingest               0          0        0             0
              scoring              0          0        0             0
              execution            0          0        0             0
              restore              0          0        0             0
              verify               0          0        0             0
              announce             0          0        0             0
              slack                0          0        0             0
              outbox                                                 0
              housekeeping                                           0
              strays                                                 0

            event sources
              ingest        Enabled
              scoring       Enabled
              execution     Enabled
              restore       Enabled
              verify        Enabled
              announce      Enabled
              slack         Enabled
              outbox        Enabled

            open proposals: none

            in force: nothing

            people: asked in Slack, in C0SRE
            directory: 2 active operators, enough for every approval
            senders: 1 name of this account

            gateway https://gateway.example: 4 providers, 4 model groups, 3 teams

            healthy"#]],
    );
}

#[test]
fn every_trouble_is_a_reason() {
    let open = [
        Told::begin().proposed(),
        Told::begin().proposed().gated(2),
        Told::begin()
            .proposed()
            .gated(1)
            .approved(15)
            .started()
            .succeeded(),
    ];
    let open = open
        .iter()
        .filter_map(|story| look::described(&replayed(story), &Control::default(), None, at(500)));
    let mut picture = healthy();
    picture.stack.status = "UPDATE_ROLLBACK_FAILED".to_owned();
    picture.agent = Part::Seen(AgentPart {
        switches: Switches::default(),
        changed_at: Some(at(0)),
        tampered: Some("record 3 of proposal/x was changed".to_owned()),
        forged: Vec::new(),
    });
    if let Part::Seen(queues) = &mut picture.queues {
        queues[0].dead_letters = 1;
        queues[5].dead_letters = 12;
    }
    picture.event_sources = Part::Seen(sources(|lane| match lane {
        Lane::Scoring | Lane::Restore => "Disabled",
        Lane::Verify => "Enabling",
        _ => "Enabled",
    }));
    if let Part::Seen(sources) = &mut picture.event_sources {
        sources[5].state = None;
    }
    picture.open = Part::Seen(OpenPart {
        proposals: open.collect(),
        unread: 3,
        broken: vec![("x-1".to_owned(), "record 2 …".to_owned())],
        ..OpenPart::default()
    });
    picture.gateway = GatewayPart::Unreadable {
        url: "https://gateway.example".to_owned(),
        problem: "the gateway is unavailable: no connection within 500 ms".to_owned(),
    };
    shows(
        &picture,
        500,
        expect![[r#"
            stack sre-agent in eu-central-1: UPDATE_ROLLBACK_FAILED
              bus                sre-agent
              trail              sre_actions

            agent: running
              policy in force: none was published, so the one that this version brings

            queues           waiting  in flight  delayed  dead letters
              ingest               0          0        0             1
              scoring              0          0        0             0
              execution            0          0        0             0
              restore              0          0        0             0
              verify               0          0        0             0
              announce             0          0        0            12
              slack                0          0        0             0
              outbox                                                 0
              housekeeping                                           0
              strays                                                 0

            event sources
              ingest        Enabled
              scoring       Disabled
              execution     Enabled
              restore       Disabled
              verify        Enabling
              announce      missing
              slack         Enabled
              outbox        Enabled

            open proposals: 3, the oldest first
              gnr4sqzfryd4gg3mhvufxxmnmg-1, proposed, opened 8 min ago: block provider openai for 300 s
                waits for scoring
              gnr4sqzfryd4gg3mhvufxxmnmg-1, awaiting_approval, opened 8 min ago: block provider openai for 300 s, score 25
                waits for people: 2 approvals until 2026-11-22T10:30:02.000Z
              gnr4sqzfryd4gg3mhvufxxmnmg-1, succeeded, opened 8 min ago: block provider openai for 300 s, score 25
                waits for the end of its effect at 2026-11-22T10:05:20.000Z
              and 3 proposals not looked at, open or closed lately

            in force: nothing

            people: asked in Slack, in C0SRE
            directory: 2 active operators, enough for every approval
            senders: 1 name of this account

            gateway https://gateway.example: the gateway is unavailable: no connection within 500 ms

            unhealthy:
              the stack is UPDATE_ROLLBACK_FAILED
              the trail was tampered with: record 3 of proposal/x was changed
              1 dead letter of ingest: sre-agent redrive --list --queue ingest
              12 dead letters of announce: sre-agent redrive --list --queue announce
              the event source of scoring is Disabled, but the agent is not paused
              the event source of restore is Disabled, but the agent is not paused
              announce has no event source: nothing wakes its function
              the trail of x-1 does not hold: record 2 …
              gnr4sqzfryd4gg3mhvufxxmnmg-1 is proposed: it has not been scored for 8 min
              gnr4sqzfryd4gg3mhvufxxmnmg-1 is succeeded: its effect should have ended 3 min ago
              3 proposals not looked at, open or closed lately: there are too many
              the gateway is unavailable: no connection within 500 ms"#]],
    );
}

#[test]
fn what_could_not_be_seen_is_a_reason() {
    let unseen = || anyhow::anyhow!("AccessDenied").context("queue x");
    let mut picture = healthy();
    picture.agent = Part::from(Err(unseen()));
    picture.queues = Part::from(Err(unseen()));
    picture.event_sources = Part::from(Err(unseen()));
    picture.open = Part::from(Err(unseen()));
    picture.gateway = GatewayPart::NotAsked("its token could not be read: AccessDenied".to_owned());
    shows(
        &picture,
        0,
        expect![[r#"
            stack sre-agent in eu-central-1: CREATE_COMPLETE
              bus                sre-agent
              trail              sre_actions

            agent: queue x: AccessDenied

            queues: queue x: AccessDenied

            event sources: queue x: AccessDenied

            open proposals: queue x: AccessDenied

            people: asked in Slack, in C0SRE
            directory: 2 active operators, enough for every approval
            senders: 1 name of this account

            gateway: not asked, its token could not be read: AccessDenied

            unknown:
              control could not be read: queue x: AccessDenied
              the queues could not be read: queue x: AccessDenied
              the event sources could not be read: queue x: AccessDenied
              the open proposals could not be read: queue x: AccessDenied
              the gateway was not asked: its token could not be read: AccessDenied"#]],
    );
}

#[test]
fn a_pause_is_shown_and_is_healthy_while_what_must_go_on_goes_on() {
    let mut picture = healthy();
    picture.agent = paused(0);
    picture.event_sources = Part::Seen(sources(
        |lane| if lane.is_pausable() { "Disabled" } else { "Enabled" },
    ));
    shows(
        &picture,
        7300,
        expect![[r#"
            stack sre-agent in eu-central-1: CREATE_COMPLETE
              bus                sre-agent
              trail              sre_actions

            agent: paused since 2026-11-22T10:00:00.000Z (2 h): gateway upgrade\u{1b}[2J
              incidents are recorded and wait, scoring and new executions wait in their queues
              approvals are refused, rejections are taken; restores, undos and verifications go on
              policy in force: none was published, so the one that this version brings

            queues           waiting  in flight  delayed  dead letters
              ingest               0          0        0             0
              scoring              0          0        0             0
              execution            0          0        0             0
              restore              0          0        0             0
              verify               0          0        0             0
              announce             0          0        0             0
              slack                0          0        0             0
              outbox                                                 0
              housekeeping                                           0
              strays                                                 0

            event sources
              ingest        Enabled
              scoring       Disabled
              execution     Disabled
              restore       Enabled
              verify        Enabled
              announce      Enabled
              slack         Enabled
              outbox        Enabled

            open proposals: none

            in force: nothing

            people: asked in Slack, in C0SRE
            directory: 2 active operators, enough for every approval
            senders: 1 name of this account

            gateway https://gateway.example: 4 providers, 4 model groups, 3 teams

            healthy, but paused"#]],
    );
    picture.event_sources = Part::Seen(sources(|_| "Disabled"));
    judges(
        &picture,
        7300,
        expect![[r#"
            the event source of ingest is Disabled, but the agent is paused
            the event source of restore is Disabled, but the agent is paused
            the event source of verify is Disabled, but the agent is paused
            the event source of announce is Disabled, but the agent is paused
            the event source of slack is Disabled, but the agent is paused
            the event source of outbox is Disabled, but the agent is paused"#]],
    );
}

#[test]
fn event_sources_have_a_while_to_follow() {
    let mut picture = healthy();
    picture.agent = paused(0);
    judges(&picture, 180, expect![[""]]);
    judges(
        &picture,
        181,
        expect![[r#"
            the event source of scoring is Enabled, but the agent is paused
            the event source of execution is Enabled, but the agent is paused"#]],
    );
}

#[test]
fn automatic_execution_that_is_off_is_told_and_is_healthy() {
    let mut picture = healthy();
    picture.agent = Part::Seen(AgentPart {
        switches: Control::default()
            .automatic_off("a bad week")
            .unwrap()
            .switches()
            .clone(),
        changed_at: Some(at(0)),
        tampered: None,
        forged: Vec::new(),
    });
    let reasons = picture.reasons(at(5000));
    let lines = [picture.lines(at(5000)), picture.verdict(&reasons)].concat();
    assert_eq!(lines.last().unwrap(), "healthy");
    assert!(
        lines.contains(&"  nothing executes by itself: a bad week".to_owned()),
        "{lines:?}"
    );
}

#[test]
fn json_carries_the_judgement() {
    let picture = healthy();
    let json = serde_json::to_value(picture.judged(&[])).unwrap();
    assert_eq!(json["healthy"], true);
    assert_eq!(json["queues"]["seen"][0]["name"], "ingest");
    assert_eq!(json["gateway"]["readable"]["providers"], 4);
}

#[test]
fn a_model_that_the_gateway_does_not_have_is_a_reason() {
    let mut picture = healthy();
    if let GatewayPart::Readable { missing_models, .. } = &mut picture.gateway {
        missing_models.push("claude-sonnet-4-6".to_owned());
    }
    assert_eq!(
        picture.reasons(at(0)),
        [
            "the gateway has no model claude-sonnet-4-6, which the agent is to ask: the next one or the runbook stands in"
        ]
    );
}
