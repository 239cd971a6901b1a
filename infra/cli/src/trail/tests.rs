//! Stories of sample records, as an operator reads them.

mod hostile;
mod sample_story;

use domain::action::{Action, Preview, Undo};
use domain::inventory::{Change, Condition, Inventory, Reading, Setting};
use domain::proposal::{Evidence, *};
use domain::trail::{Actor, Entry, Extension};
use domain::value::{Digest, Tier, Timestamp, WriterId};
use expect_test::expect;
use serde_json::json;
use testkit::sample;

use super::*;

pub(crate) use self::sample_story::Told;
use self::sample_story::*;

/// [`sample::now`] and this many seconds.
pub(crate) fn at(seconds: u64) -> Timestamp {
    sample::now().plus_seconds(seconds)
}

/// A whole life: asked, voted, approved, executed, restored, verified.
fn whole() -> Told {
    let story = Told::begin().proposed().gated(2);
    let voted = Voted {
        scored: story.scored(),
        policy: Digest::of(b"policy"),
        extension: None,
        decider: None,
    };
    let rest = story
        .then(10, person("bob"), &ProposalFact::Voted(voted))
        .approved(15)
        .started()
        .succeeded();
    let restored = Restored {
        readings: readings(|change| &change.before),
    };
    rest.then(320, Actor::Agent, &ProposalFact::Restored(restored))
        .then(
            440,
            Actor::Agent,
            &ProposalFact::Verified(Verified {
                condition: Condition::Refuted("openai fails 0.4 % of 200 requests in 300 s".to_owned()),
            }),
        )
}

#[test]
fn a_story_tells_what_happened_and_that_it_holds() {
    let (holds, told) = whole().told();
    assert!(holds);
    expect![[r#"
        proposal gnr4sqzfryd4gg3mhvufxxmnmg-1

           1  2026-11-22T10:00:00.000Z  5af0dd1a8452  received, by the agent
              provider.unhealthy (critical): provider openai fails 62.0 % of 180 requests in 300 s
              event evt-1 of acme, of 2026-11-22T09:59:58.250Z; 421 bytes, kept verbatim in this record
              its writer reasons about it until 2026-11-22T10:01:07.000Z

           2  2026-11-22T10:00:01.000Z  b36b4e914fbd  proposed, by the agent
              circuit_break_provider: block provider openai for 300 s
              chosen by the built-in runbook, version 1: every group keeps a deployment
              provider openai: open → blocked
              model group chat: anthropic 40 % → 100 %, openai 60 % → 0 %
              model group embeddings: bedrock 30 % → 100 %, openai 70 % → 0 %
              ends by itself after 300 s
              the gateway confirms it: openai fails 62.0 % of 200 requests in 300 s
              affects 3 teams (checkout, payments, research), one of them critical, 100.0 % of the traffic

           3  2026-11-22T10:00:02.000Z  7d03efe9566b  scored, by the agent
              score 25 = baseline 15 +10 critical_team, at least 5; threshold 40, automatic approval off
              critical_team: team checkout is critical
              gate: automatic approval is off
              needs 2 approvals by 2026-11-22T10:30:02.000Z
              policy 823412d1eacb

           4  2026-11-22T10:00:10.000Z  8debeff44f3c  voted, by Bob (bob) in slack
              approves 7d03efe9566b, one of several needed

           5  2026-11-22T10:00:15.000Z  452b9a24a040  approved, by Alice (alice) in slack
              approves 7d03efe9566b
              may start until 2026-11-22T10:15:00.000Z

           6  2026-11-22T10:00:20.000Z  8c1e87ac4e2d  started, by the agent
              provider openai: open → blocked
              holds provider openai (fence 7), model group chat (fence 7), model group embeddings (fence 7)
              its writer acts until 2026-11-22T10:01:27.000Z
              ends by itself at 2026-11-22T10:05:20.000Z

           7  2026-11-22T10:00:21.000Z  e023a68067d5  succeeded, by the agent
              provider openai reads blocked

           8  2026-11-22T10:05:20.000Z  e79b77860971  restored, by the agent
              provider openai reads open

           9  2026-11-22T10:07:20.000Z  822f328b0b55  verified, by the agent
              the trouble is over: openai fails 0.4 % of 200 requests in 300 s

        verified: 9 records, state restored
    "#]]
    .assert_eq(&told);
}

#[test]
fn a_changed_record_is_named_and_nothing_after_it_is_told() {
    let mut story = whole();
    story.records[4].actor = person("bob");
    let (holds, told) = story.told();
    assert!(!holds);
    let (before, verdict) = told.trim_end().rsplit_once('\n').unwrap();
    expect!["NOT VERIFIED: record 5 of proposal/gnr4sqzfryd4gg3mhvufxxmnmg-1 does not match its digest: it was changed after it was written"].assert_eq(verdict);
    assert!(
        before.contains("voted") && !before.contains("approved,"),
        "{before}"
    );
}

#[test]
fn whatever_was_done_to_a_record_is_named_with_its_position() {
    let verdict = |mend: &dyn Fn(&mut Vec<Record>)| {
        let mut records = whole().records;
        mend(&mut records);
        let (holds, told) = told(&records);
        assert!(!holds, "{told}");
        told.trim_end().rsplit('\n').next().unwrap().to_owned()
    };
    let verdicts = [
        verdict(&|records| _ = records.remove(3)),
        verdict(&|records| _ = records.remove(0)),
        verdict(&|records| records.swap(5, 6)),
        verdict(&|records| records[0].body.push(' ')),
        verdict(&|records| records[7].at = at(321)),
        // With its digest made right again: the next one names another.
        verdict(&|records| {
            records[2].body = records[2].body.replace("false", "true");
            records[2].digest = records[2].computed_digest();
        }),
        verdict(&|records| {
            let last = records.last_mut().unwrap();
            last.kind = "approved_by_the_moon".to_owned();
            last.digest = last.computed_digest();
        }),
    ];
    expect![[r#"
        NOT VERIFIED: record 5 of proposal/gnr4sqzfryd4gg3mhvufxxmnmg-1 is not the next one: a record is missing or out of order
        NOT VERIFIED: record 2 of proposal/gnr4sqzfryd4gg3mhvufxxmnmg-1 is not the next one: a record is missing or out of order
        NOT VERIFIED: record 7 of proposal/gnr4sqzfryd4gg3mhvufxxmnmg-1 is not the next one: a record is missing or out of order
        NOT VERIFIED: record 1 of proposal/gnr4sqzfryd4gg3mhvufxxmnmg-1 does not match its digest: it was changed after it was written
        NOT VERIFIED: record 8 of proposal/gnr4sqzfryd4gg3mhvufxxmnmg-1 does not match its digest: it was changed after it was written
        NOT VERIFIED: record 4 of proposal/gnr4sqzfryd4gg3mhvufxxmnmg-1 does not follow the record before it: its `prev` names another
        NOT VERIFIED: record 9 of proposal/gnr4sqzfryd4gg3mhvufxxmnmg-1 is a "approved_by_the_moon", which its stream does not know"#]].assert_eq(&verdicts.join("\n"));
}

#[test]
fn a_whole_chain_of_an_illegal_story_does_not_hold() {
    let story = Told::begin().proposed().started().succeeded();
    let (holds, told) = story.told();
    assert!(!holds);
    expect!["NOT VERIFIED: record 3 of proposal/gnr4sqzfryd4gg3mhvufxxmnmg-1 is illegal in state proposed: it does not belong here"]
        .assert_eq(told.trim_end().rsplit('\n').next().unwrap());
}

#[test]
fn words_from_outside_cannot_steer_the_terminal() {
    let story = Told::begin().then(
        5,
        person("bob"),
        &ProposalFact::Commented(Commented {
            text: "fine\n   9  2026-11-22T10:00:00.000Z  approved\u{1b}[1A\u{202e}esrever".to_owned(),
        }),
    );
    let (holds, told) = story.told();
    assert!(holds);
    let safe = |c: char| c == '\n' || !(c.is_control() || c == '\u{202e}');
    assert!(told.chars().all(safe), "{told:?}");
    expect![[r#"      fine\u{a}   9  2026-11-22T10:00:00.000Z  approved\u{1b}[1A\u{202e}esrever"#]]
        .assert_eq(told.lines().rev().nth(2).unwrap());
}

#[test]
fn records_are_printed_as_they_are_even_where_they_do_not_hold() {
    let mut story = whole();
    story.records[4].actor = person("bob");
    let mut buffer = Vec::new();
    let mut terminal = Terminal::buffer(&mut buffer);
    let problem = tell_json(&story.records, by(), &mut terminal).unwrap_err();
    drop(terminal);
    assert!(
        problem
            .to_string()
            .starts_with("not verified: record 5 of proposal/"),
        "{problem}"
    );
    let printed: Vec<Record> = String::from_utf8(buffer)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(printed, story.records);
}

#[test]
fn every_other_kind_has_its_words() {
    let digest = Digest::of(b"scored");
    let policy = Digest::of(b"policy");
    let extension = Some(Extension {
        control_seq: 4,
        ms: 60_000,
    });
    let facts = [
        ProposalFact::Declined(Declined {
            reason: DeclineReason::Unconfirmed,
            explanation: "openai fails 0.4 %".to_owned(),
            proposer: None,
            borne_out: None,
        }),
        ProposalFact::Amended(Box::new(Amended {
            scored: digest,
            action: breaks(),
            preview: Preview {
                undo: Undo::OnDemand,
                ..proposed().preview
            },
            policy: None,
            extension,
            decider: None,
        })),
        ProposalFact::Rejected(Rejected {
            scored: digest,
            policy,
            extension,
            reason: None,
            decider: None,
        }),
        ProposalFact::Expired(Expired {
            closes: false,
            deadline: at(1800),
            extension,
        }),
        ProposalFact::Refused(Refused {
            precondition: Precondition::NoDrift,
            explanation: "provider openai reads blocked".to_owned(),
        }),
        ProposalFact::Failed(Failed {
            reason: "refused: answered 422".to_owned(),
            readings: readings(|change| &change.before),
        }),
        ProposalFact::Unknown(Unclear {
            cause: "no whole reply within 2000 ms".to_owned(),
        }),
        ProposalFact::UndoRequested(UndoRequested {
            reason: "traffic is back".to_owned(),
            policy: None,
            decider: None,
        }),
        ProposalFact::UndoApproved(UndoDecided {
            requested: digest,
            reason: None,
            policy: None,
            decider: None,
        }),
        ProposalFact::UndoRejected(UndoDecided {
            requested: digest,
            reason: None,
            policy: None,
            decider: None,
        }),
        ProposalFact::Repeated(Repeated {
            event_id: "evt-2".parse().unwrap(),
            occurred_at: at(3),
            content: None,
            source: None,
            complaints: Vec::new(),
            worse: None,
        }),
        ProposalFact::Notified(Notified {
            channel: "slack".to_owned(),
            reference: Some("1732270000.000100".to_owned()),
            to: None,
            until: None,
            shows: None,
            problem: None,
        }),
        ProposalFact::Escalated(Escalated {
            to: "the on-call".to_owned(),
        }),
    ];
    let mut story = Told::begin();
    for fact in &facts {
        story = story.then(1, Actor::System, fact);
    }
    let lines: Vec<String> = story.records[1..]
        .iter()
        .flat_map(story::in_full)
        .map(|line| crate::print::told(&line))
        .collect();
    // Digests change with the format of a body, which is no matter of these words.
    let without_digests: Vec<String> = lines
        .iter()
        .map(|line| {
            if line.starts_with("      ") {
                line.clone()
            } else {
                format!("{}{}", &line[..6], &line[46..])
            }
        })
        .collect();
    expect![[r#"
        records:
           2  declined, by the system
              unconfirmed: openai fails 0.4 %
           3  amended, by the system
              narrowed to circuit_break_provider: block provider openai for 300 s (a pause moved the deadline by 60000 ms: control, record 4)
              provider openai: open → blocked
           4  rejected, by the system
              rejects 59f2163089b8 (a pause moved the deadline by 60000 ms: control, record 4)
           5  expired, by the system
              the deadline 2026-11-22T10:30:00.000Z passed (a pause moved the deadline by 60000 ms: control, record 4)
           6  refused, by the system
              provider openai reads blocked
           7  failed, by the system
              refused: answered 422
              provider openai reads open
           8  unknown, by the system
              no whole reply within 2000 ms
           9  undo_requested, by the system
              asks for an undo: traffic is back
          10  undo_approved, by the system
              agrees to the undo 59f2163089b8
          11  undo_rejected, by the system
              rejects the undo 59f2163089b8
          12  repeated, by the system
              reported again by event evt-2, of 2026-11-22T10:00:03.000Z
          13  notified, by the system
              told in slack, as 1732270000.000100
          14  escalated, by the system
              asked the on-call"#]].assert_eq(&format!("records:\n{}", without_digests.join("\n")));
}
