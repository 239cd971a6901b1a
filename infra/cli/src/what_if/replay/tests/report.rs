//! What the command prints.

use super::*;

#[test]
fn what_would_have_gone_elsewhere_is_told_beside_what_people_did() {
    let (_, text) = world(&Checked::builtin(), &some_lives());
    let replay = replayed(&text, &trial(&other_policy(), Some(62), None)).unwrap();
    expect![[r#"
        proposal                      scored at                 action                  score     gate               what people did, and how it ended                                 why now
        gnr4sqzfryd4gg3mhvufxxmnmg-1  2026-11-22T10:00:07.000Z  circuit_break_provider  62 → 77   asks 1 → asks 3    approved by alice (alice), succeeded and ended by itself, helped  the score of 77 is above the threshold of 62; weekend +5 → +20
        gnr4sqzfryd4gg3mhvufxxmnmg-2  2026-11-22T10:01:07.000Z  reroute_model_group     62 → 77   asks 1 → asks 3    rejected: bob (bob)                                               the score of 77 is above the threshold of 62; weekend +5 → +20
        psgtiejl24zzqdum46t4efgzup-3  2026-11-22T10:02:07.000Z  raise_rate_limit        41 → 56   asks 1 → executes  approved by alice (alice), undone                                 the score of 56 is not above the threshold of 62, and automatic approval is on; weekend +5 → +20
        gnr4sqzfryd4gg3mhvufxxmnmg-4  2026-11-22T10:03:07.000Z  page_oncall             43 → 58   asks 1 → executes  expired                                                           the score of 58 is not above the threshold of 62, and automatic approval is on; weekend +5 → +20
        psgtiejl24zzqdum46t4efgzup-5  2026-11-22T10:04:07.000Z  bump_budget_cap         91 → 100  asks 2 → asks 3    approved by bob (bob) and alice (alice), succeeded, did not help  the score of 100 is above the threshold of 62; ceiling +0 → -6; weekend +5 → +20
        gnr4sqzfryd4gg3mhvufxxmnmg-6  2026-11-22T10:05:07.000Z  circuit_break_provider  62 → 77   asks 1 → asks 3    narrowed: carol (carol)                                           the score of 77 is above the threshold of 62; weekend +5 → +20
        gnr4sqzfryd4gg3mhvufxxmnmg-6  2026-11-22T10:05:21.000Z  circuit_break_provider  56 → 71   asks 1             approved by alice (alice), succeeded                              the score of 71 is above the threshold of 62; weekend +5 → +20
        666ac7zzf7rtggczepk5ktnafy-7  2026-11-22T10:06:07.000Z  disable_sla_contract    100       asks 2 → shadow    approved by alice (alice), short of the quorum                    the policy only watches this action; ceiling -22 → -37; weekend +5 → +20

        policy in force: BUILTIN
        policy tried:    OTHER, threshold 62, automatic approval as it was
              8 cases
              0 unchanged
              0 newly asked
              2 newly executed: 1 approved and undone, 1 expired
              1 newly shadow
              4 quorum changes
              7 score changes
    "#]].assert_eq(&printed(replay, false));
}

#[test]
fn for_a_program_every_difference_is_a_line_and_the_summary_the_last() {
    let (_, text) = world(&Checked::builtin(), &some_lives());
    let told = printed(
        replayed(&text, &trial(&other_policy(), Some(62), None)).unwrap(),
        true,
    );
    let mut told: Vec<serde_json::Value> = told
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let summary = told.pop().unwrap();
    assert!(told.iter().all(|line| line["kind"] == "difference"));
    assert_eq!(
        told.len() as u64 + summary["unchanged"].as_u64().unwrap(),
        summary["cases"].as_u64().unwrap()
    );
    expect![[r#"
        {
          "kind": "difference",
          "proposal": "gnr4sqzfryd4gg3mhvufxxmnmg-2",
          "at": "2026-11-22T10:01:07.000Z",
          "seq": 3,
          "action": "reroute_model_group",
          "old": {
            "score": 62,
            "decision": "gate",
            "approvals_needed": 1,
            "because": "the score of 62 is above the threshold of 20",
            "rules": [],
            "limit": null,
            "sampled": false,
            "threshold": 20,
            "auto_approve": true,
            "policy": "BUILTIN"
          },
          "new": {
            "score": 77,
            "decision": "gate",
            "approvals_needed": 3,
            "because": "the score of 77 is above the threshold of 62",
            "rules": [],
            "limit": null,
            "sampled": false,
            "threshold": 62,
            "auto_approve": true,
            "policy": "OTHER"
          },
          "factors": [
            {
              "name": "weekend",
              "old": 5,
              "new": 20
            }
          ],
          "answer": "rejected",
          "by": [
            {
              "id": "bob",
              "name": "bob"
            }
          ],
          "end": "none",
          "helped": null
        }
        {
          "kind": "summary",
          "policy": "OTHER",
          "policies_before": [
            "BUILTIN"
          ],
          "threshold": 62,
          "auto_approve": null,
          "cases": 8,
          "unchanged": 0,
          "newly_asked": 0,
          "newly_executed": 2,
          "newly_shadow": 1,
          "quorum_changes": 4,
          "score_changes": 7,
          "held_by_limit": 0,
          "not_reproduced": 0,
          "newly_executed_were": {
            "approved and undone": 1,
            "expired": 1
          }
        }"#]]
    .assert_eq(&format!("{:#}\n{summary:#}", told[1]));
}

#[test]
fn nothing_to_tell_is_told() {
    let (_, text) = world(&Checked::builtin(), &some_lives()[..1]);
    expect![[r#"
        policy in force: BUILTIN
        policy tried:    BUILTIN, threshold as it was, automatic approval as it was
              1 cases
              1 unchanged
              0 newly asked
              0 newly executed
              0 newly shadow
              0 quorum changes
              0 score changes
    "#]]
    .assert_eq(&printed(
        replayed(&text, &trial(&Checked::builtin(), None, None)).unwrap(),
        false,
    ));
}
