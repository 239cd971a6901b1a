//! Parts of the deployment that are missing or not as they should be.

use domain::trail::{Pause, Switches};

use super::super::judge::EVENT_SOURCES;
use super::*;

#[test]
fn a_policy_and_senders_that_are_missing_are_told() {
    with(
        |seen| seen.switches = Some(Part::Seen(Switches::default())),
        End::Missing,
        &expect![[r#"
            missing  policy       none was published: the one that this version brings is in force, and nobody has signed for it
                                    sre-agent policy publish infra/policy, or a copy of it with your changes"#]],
    );
    with(
        |seen| seen.switches = Some(unseen()),
        End::Unseen,
        &expect![[r#"
        unknown  policy       which was published: AccessDenied
                                look again, or have somebody look who may"#]],
    );
    with(
        |seen| set(seen, "SenderRoles", ""),
        End::Missing,
        &expect![[r#"
        missing  senders      SenderRoles is empty: whoever IAM lets put events in this account can report incidents
                                deploy with SenderRoles, the ARNs of the gateway's role and of whoever else reports, and with RedriveRoles"#]],
    );
}

#[test]
fn a_table_that_was_restored_is_told_to_be_without_its_protection() {
    with(
        |seen| {
            seen.trail = Some(Protection {
                table: "sre_actions".to_owned(),
                gone: false,
                deletion_protected: Part::Seen(false),
                streamed: Part::Seen(false),
                expires: Part::Seen(false),
                recoverable: Part::Seen(false),
                insert_only: Part::Seen(false),
            });
        },
        End::Missing,
        &expect![[r#"
            missing  trail        sre_actions has no policy that denies changes: a record can be changed and removed
                                    deploy again; after a restore, follow infra/docs/restore.md
            missing  trail        sre_actions has no stream: nothing that is recorded is acted on
                                    deploy again; after a restore, follow infra/docs/restore.md
            missing  trail        sre_actions lets no record expire
                                    deploy again; after a restore, follow infra/docs/restore.md
            missing  trail        sre_actions cannot be restored to a point in time
                                    deploy again; after a restore, follow infra/docs/restore.md
            missing  trail        sre_actions can be deleted by a slip
                                    deploy with TrailDeletionProtection=true"#]],
    );
    with(
        |seen| seen.trail.as_mut().unwrap().gone = true,
        End::Missing,
        &expect![[r#"
            missing  trail        sre_actions is not there: nothing can be recorded, and the agent does nothing
                                    follow infra/docs/restore.md"#]],
    );
    with(
        |seen| seen.trail.as_mut().unwrap().expires = unseen(),
        End::Unseen,
        &expect![[r#"
        unknown  trail        whether sre_actions lets no record expire: AccessDenied
                                look again, or have somebody look who may"#]],
    );
}

#[test]
fn an_account_that_is_too_small_and_reservations_that_are_off_are_told() {
    let few = Concurrency {
        limit: 10,
        unreserved: EVENT_SOURCES,
    };
    with(
        |seen| seen.concurrency = Some(Part::Seen(few)),
        End::Missing,
        &expect![[r#"
            missing  concurrency  43 of the account's 10 concurrent executions are free of reservations, and the agent's queues alone hand out 43: clicks and commands may be refused while many incidents come
                                    ask for a higher quota of concurrent executions (Service Quotas, Lambda, L-B99A9384)"#]],
    );
    with(
        |seen| set(seen, "ExecutionReservedConcurrency", "0"),
        End::Ready,
        &expect![[r#"
            note     concurrency  nothing is reserved: the account's other functions can use all 1000 concurrent executions, and then incidents wait in their queues and clicks are refused
                                    deploy with ExecutionReservedConcurrency=17 or more, and the like, where other functions run in this account"#]],
    );
    with(
        |seen| seen.concurrency = Some(unseen()),
        End::Unseen,
        &expect![[r#"
            unknown  concurrency  how many functions may run at once: AccessDenied
                                    look again, or have somebody look who may"#]],
    );
    let most: i32 = include_str!("../../../../../template.yaml")
        .lines()
        .filter_map(|line| {
            line.split_once("MaximumConcurrency: ")?
                .1
                .trim_end_matches(" }")
                .parse::<i32>()
                .ok()
        })
        .sum();
    assert_eq!(EVENT_SOURCES, most);
}

#[test]
fn what_functions_do_not_reach_is_told() {
    with(
        |seen| {
            fails(
                seen,
                "ingest-and-propose",
                Needed::Gateway,
                "the gateway refuses the token (401)",
            )
        },
        End::Missing,
        &expect![[r#"
            missing  gateway      not so: ingest-and-propose reads https://gateway.example: the gateway refuses the token (401)
                                    mend GatewayUrl, the way there, or the secret sre-agent/gateway-read"#]],
    );
    with(
        |seen| fails(seen, "execution", Needed::Gateway, "no connection"),
        End::Missing,
        &expect![[r#"
            missing  gateway      not so: execution reads https://gateway.example: no connection
                                    mend GatewayUrl, the way there, or the secret sre-agent/gateway-write"#]],
    );
    with(
        |seen| fails(seen, "ingest-and-propose", Needed::Model, "invalid x-api-key"),
        End::Missing,
        &expect![[r#"
            missing  models       not so: claude-sonnet-4-6 answers: invalid x-api-key
                                    mend ModelApi, ModelUrl, the model's name, the way there, or the secret sre-agent/model; the runbook stands in"#]],
    );
    with(
        |seen| fails(seen, "execution", Needed::Pager, "it is no routing key"),
        End::Missing,
        &expect![[r#"
            missing  pager        not so: its routing key is one, as far as can be told without paging: it is no routing key
                                    put an Events API v2 routing key into the secret sre-agent/pagerduty"#]],
    );
    with(
        |seen| fails(seen, "execution", Needed::Operators, "missing field"),
        End::Missing,
        &expect![[r#"
            missing  operators    not so: execution reads the directory: missing field
                                    mend the secret sre-agent/operators: sre-agent operators check FILE says what is wrong with one"#]],
    );
    with(
        |seen| fails(seen, "scoring", Needed::Policy, "risk.toml: 1"),
        End::Missing,
        &expect![[r#"
            missing  policy       not so: scoring has the one in force: risk.toml: 1
                                    sre-agent policy show says which is in force; publish one that this version takes"#]],
    );
    with(
        |seen| fails(seen, "outbox", Needed::Link, "the secret is empty"),
        End::Missing,
        &expect![[r#"
            missing  links        not so: the key of the links is there: the secret is empty
                                    put a key into the secret sre-agent/link: infra/docs/operate.md says how"#]],
    );
    with(
        |seen| answers(seen, "outbox").reached[0].what = Needed::Other,
        End::Ready,
        &expect![[""]],
    );
}

#[test]
fn an_agent_that_will_not_act_is_told() {
    with(
        |seen| set(seen, "LicenseTier", "team"),
        End::Missing,
        &expect![[r#"
            missing  licence      the team tier does not run the agent: every incident is recorded and declined
                                    deploy with LicenseTier=business or enterprise"#]],
    );
    let switched = |change: fn(&mut Switches)| {
        move |seen: &mut Seen| match &mut seen.switches {
            Some(Part::Seen(switches)) => change(switches),
            other => panic!("{other:?}"),
        }
    };
    with(
        switched(|switches| {
            switches.paused = Some(Pause {
                since: at(0),
                reason: "gateway \u{1b}upgrade".to_owned(),
            });
        }),
        End::Ready,
        &expect![[r#"
            note     pause        the agent is paused since 2026-11-22T10:00:00.000Z, and incidents wait: gateway \u{1b}upgrade
                                    sre-agent resume, or deploy with AgentEnabled=true where the template pauses it"#]],
    );
    let off = switched(|switches| switches.automatic_off = Some("3 failed one after the other".to_owned()));
    with(
        off,
        End::Ready,
        &expect![[r#"
        note     automatic    nothing is executed without a person: 3 failed one after the other
                                sre-agent automatic on, once the cause is mended"#]],
    );
    // Where a person decides on everything, nothing is missing.
    with(
        |seen| {
            off(seen);
            set(seen, "SreAutoApprove", "false");
        },
        End::Ready,
        &expect![[r#""#]],
    );
}
