//! People decide: with a yes, a no, too late, or not at all.

use expect_test::expect;
use serde_json::json;
use testkit::{Cutter, sample, slack};
use tests::World;
use tests::world::Script;

use super::tells;

/// A break of openai that waits for a person.
async fn waiting() -> (World, domain::ids::ProposalId) {
    let world = World::new(sample::inventory_with_unhealthy("openai"));
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    (world, id)
}

/// The same with an action that two people must approve.
async fn waiting_for_two() -> (World, domain::ids::ProposalId) {
    let mut world = World::new(sample::inventory_with_violation("gold"));
    world.reasoner = Script::proposes(json!({"action": "disable_sla_contract", "sla_id": "gold"}));
    let id = world.send(&sample::sla_violation_text("gold"));
    world.run_until_quiet().await;
    (world, id)
}

#[tokio::test]
async fn a_rejected_proposal_does_nothing() {
    let (world, id) = waiting().await;
    expect!["Your rejection is recorded. Nothing will be executed."]
        .assert_eq(world.reject("bob", &id).await.text());
    world.settle().await;
    tells(&world, expect![[r#"
           0s agent  opened, generation 1
           0s agent  #1 received provider openai fails 62.0 % of 180 requests in 300 s
           0s agent  #1 proposed block provider openai for 30 s [model group chat: anthropic 40 % → 100 %, openai 60 % → 0 %; model group embeddings: bedrock 30 % → 100 %, openai 70 % → 0 %]
           0s agent  #1 scored 15: gate, automatic approval is off
           0s bob    #1 rejected
    "#]]).await;
    assert_eq!(world.gateway.writes(), []);
    world.assert_at_rest().await;
}

#[tokio::test]
async fn what_nobody_decides_expires() {
    let (world, id) = waiting().await;
    world.settle().await;
    tells(&world, expect![[r#"
           0s agent  opened, generation 1
           0s agent  #1 received provider openai fails 62.0 % of 180 requests in 300 s
           0s agent  #1 proposed block provider openai for 30 s [model group chat: anthropic 40 % → 100 %, openai 60 % → 0 %; model group embeddings: bedrock 30 % → 100 %, openai 70 % → 0 %]
           0s agent  #1 scored 15: gate, automatic approval is off
        1830s system #1 expired at 1800s
    "#]]).await;
    assert_eq!(world.state(&id).await, "expired");
    assert_eq!(world.gateway.writes(), []);
    expect!["This proposal is decided already: it is expired."]
        .assert_eq(world.approve("alice", &id).await.text());
    world.assert_at_rest().await;
}

#[tokio::test]
async fn a_decision_after_the_deadline_does_not_count_although_nothing_has_expired() {
    let (mut world, id) = waiting().await;
    world.housekeeping = false;
    world.advance(1801).await;
    assert_eq!(world.state(&id).await, "awaiting_approval");
    for answer in [
        world.approve("alice", &id).await,
        world.reject("alice", &id).await,
    ] {
        expect!["The deadline for this decision has passed."].assert_eq(answer.text());
    }
    assert_eq!(world.state(&id).await, "awaiting_approval");
}

#[tokio::test]
async fn an_approval_that_was_not_used_in_time_is_scored_and_asked_again() {
    let (world, id) = waiting().await;
    let before = world.shown(&id).await;
    world.approve("alice", &id).await.text();
    // Its message is lost, and the gateway cannot be read, so that it does not start.
    world.reading.outages.next(usize::MAX);
    world.advance(901).await;
    world.reading.outages.end();
    world.advance(60).await;
    assert_eq!(world.state(&id).await, "awaiting_approval");
    let after = world.shown(&id).await;
    assert_ne!(before, after);
    let stale = world.click("bob", "approve", &id, before, &Cutter::never()).await;
    expect!["This proposal changed since you were asked. Look at it again and decide on what it is now."]
        .assert_eq(stale.text());
    world.approve("bob", &id).await.text();
    world.settle().await;
    assert_eq!(world.state(&id).await, "restored");
    assert_eq!(world.breaks("openai"), 1);
    world.assert_verified().await;
    tells(&world, expect![[r#"
           0s agent  opened, generation 1
           0s agent  #1 received provider openai fails 62.0 % of 180 requests in 300 s
           0s agent  #1 proposed block provider openai for 30 s [model group chat: anthropic 40 % → 100 %, openai 60 % → 0 %; model group embeddings: bedrock 30 % → 100 %, openai 70 % → 0 %]
           0s agent  #1 scored 15: gate, automatic approval is off
           0s alice  #1 approved until 900s
           0s agent  provider openai claimed for #1 (1)
           0s agent  model group chat claimed for #1 (1)
           0s agent  model group embeddings claimed for #1 (1)
           0s agent  provider openai released by #1 (1)
           0s agent  model group chat released by #1 (1)
           0s agent  model group embeddings released by #1 (1)
          70s agent  provider openai claimed for #1 (3)
          70s agent  model group chat claimed for #1 (3)
          70s agent  model group embeddings claimed for #1 (3)
          70s agent  provider openai released by #1 (3)
          70s agent  model group chat released by #1 (3)
          70s agent  model group embeddings released by #1 (3)
          90s agent  provider openai claimed for #1 (5)
          90s agent  model group chat claimed for #1 (5)
          90s agent  model group embeddings claimed for #1 (5)
          90s agent  provider openai released by #1 (5)
          90s agent  model group chat released by #1 (5)
          90s agent  model group embeddings released by #1 (5)
         140s agent  provider openai claimed for #1 (7)
         140s agent  model group chat claimed for #1 (7)
         140s agent  model group embeddings claimed for #1 (7)
         140s agent  provider openai released by #1 (7)
         140s agent  model group chat released by #1 (7)
         140s agent  model group embeddings released by #1 (7)
         150s agent  provider openai claimed for #1 (9)
         150s agent  model group chat claimed for #1 (9)
         150s agent  model group embeddings claimed for #1 (9)
         150s agent  provider openai released by #1 (9)
         150s agent  model group chat released by #1 (9)
         150s agent  model group embeddings released by #1 (9)
         160s agent  provider openai claimed for #1 (11)
         160s agent  model group chat claimed for #1 (11)
         160s agent  model group embeddings claimed for #1 (11)
         160s agent  provider openai released by #1 (11)
         160s agent  model group chat released by #1 (11)
         160s agent  model group embeddings released by #1 (11)
         210s agent  provider openai claimed for #1 (13)
         210s agent  model group chat claimed for #1 (13)
         210s agent  model group embeddings claimed for #1 (13)
         210s agent  provider openai released by #1 (13)
         210s agent  model group chat released by #1 (13)
         210s agent  model group embeddings released by #1 (13)
         210s agent  provider openai claimed for #1 (15)
         210s agent  model group chat claimed for #1 (15)
         210s agent  model group embeddings claimed for #1 (15)
         210s agent  provider openai released by #1 (15)
         210s agent  model group chat released by #1 (15)
         210s agent  model group embeddings released by #1 (15)
         220s agent  provider openai claimed for #1 (17)
         220s agent  model group chat claimed for #1 (17)
         220s agent  model group embeddings claimed for #1 (17)
         220s agent  provider openai released by #1 (17)
         220s agent  model group chat released by #1 (17)
         220s agent  model group embeddings released by #1 (17)
         230s agent  provider openai claimed for #1 (19)
         230s agent  model group chat claimed for #1 (19)
         230s agent  model group embeddings claimed for #1 (19)
         230s agent  provider openai released by #1 (19)
         230s agent  model group chat released by #1 (19)
         230s agent  model group embeddings released by #1 (19)
         270s agent  provider openai claimed for #1 (21)
         270s agent  model group chat claimed for #1 (21)
         270s agent  model group embeddings claimed for #1 (21)
         270s agent  provider openai released by #1 (21)
         270s agent  model group chat released by #1 (21)
         270s agent  model group embeddings released by #1 (21)
         280s agent  provider openai claimed for #1 (23)
         280s agent  model group chat claimed for #1 (23)
         280s agent  model group embeddings claimed for #1 (23)
         280s agent  provider openai released by #1 (23)
         280s agent  model group chat released by #1 (23)
         280s agent  model group embeddings released by #1 (23)
         280s agent  provider openai claimed for #1 (25)
         280s agent  model group chat claimed for #1 (25)
         280s agent  model group embeddings claimed for #1 (25)
         280s agent  provider openai released by #1 (25)
         280s agent  model group chat released by #1 (25)
         280s agent  model group embeddings released by #1 (25)
         290s agent  provider openai claimed for #1 (27)
         290s agent  model group chat claimed for #1 (27)
         290s agent  model group embeddings claimed for #1 (27)
         290s agent  provider openai released by #1 (27)
         290s agent  model group chat released by #1 (27)
         290s agent  model group embeddings released by #1 (27)
         300s agent  provider openai claimed for #1 (29)
         300s agent  model group chat claimed for #1 (29)
         300s agent  model group embeddings claimed for #1 (29)
         300s agent  provider openai released by #1 (29)
         300s agent  model group chat released by #1 (29)
         300s agent  model group embeddings released by #1 (29)
         330s agent  provider openai claimed for #1 (31)
         330s agent  model group chat claimed for #1 (31)
         330s agent  model group embeddings claimed for #1 (31)
         330s agent  provider openai released by #1 (31)
         330s agent  model group chat released by #1 (31)
         330s agent  model group embeddings released by #1 (31)
         340s agent  provider openai claimed for #1 (33)
         340s agent  model group chat claimed for #1 (33)
         340s agent  model group embeddings claimed for #1 (33)
         340s agent  provider openai released by #1 (33)
         340s agent  model group chat released by #1 (33)
         340s agent  model group embeddings released by #1 (33)
         350s agent  provider openai claimed for #1 (35)
         350s agent  model group chat claimed for #1 (35)
         350s agent  model group embeddings claimed for #1 (35)
         350s agent  provider openai released by #1 (35)
         350s agent  model group chat released by #1 (35)
         350s agent  model group embeddings released by #1 (35)
         360s agent  provider openai claimed for #1 (37)
         360s agent  model group chat claimed for #1 (37)
         360s agent  model group embeddings claimed for #1 (37)
         360s agent  provider openai released by #1 (37)
         360s agent  model group chat released by #1 (37)
         360s agent  model group embeddings released by #1 (37)
         370s agent  provider openai claimed for #1 (39)
         370s agent  model group chat claimed for #1 (39)
         370s agent  model group embeddings claimed for #1 (39)
         370s agent  provider openai released by #1 (39)
         370s agent  model group chat released by #1 (39)
         370s agent  model group embeddings released by #1 (39)
         390s agent  provider openai claimed for #1 (41)
         390s agent  model group chat claimed for #1 (41)
         390s agent  model group embeddings claimed for #1 (41)
         390s agent  provider openai released by #1 (41)
         390s agent  model group chat released by #1 (41)
         390s agent  model group embeddings released by #1 (41)
         400s agent  provider openai claimed for #1 (43)
         400s agent  model group chat claimed for #1 (43)
         400s agent  model group embeddings claimed for #1 (43)
         400s agent  provider openai released by #1 (43)
         400s agent  model group chat released by #1 (43)
         400s agent  model group embeddings released by #1 (43)
         410s agent  provider openai claimed for #1 (45)
         410s agent  model group chat claimed for #1 (45)
         410s agent  model group embeddings claimed for #1 (45)
         410s agent  provider openai released by #1 (45)
         410s agent  model group chat released by #1 (45)
         410s agent  model group embeddings released by #1 (45)
         420s agent  provider openai claimed for #1 (47)
         420s agent  model group chat claimed for #1 (47)
         420s agent  model group embeddings claimed for #1 (47)
         420s agent  provider openai released by #1 (47)
         420s agent  model group chat released by #1 (47)
         420s agent  model group embeddings released by #1 (47)
         430s agent  provider openai claimed for #1 (49)
         430s agent  model group chat claimed for #1 (49)
         430s agent  model group embeddings claimed for #1 (49)
         430s agent  provider openai released by #1 (49)
         430s agent  model group chat released by #1 (49)
         430s agent  model group embeddings released by #1 (49)
         450s agent  provider openai claimed for #1 (51)
         450s agent  model group chat claimed for #1 (51)
         450s agent  model group embeddings claimed for #1 (51)
         450s agent  provider openai released by #1 (51)
         450s agent  model group chat released by #1 (51)
         450s agent  model group embeddings released by #1 (51)
         460s agent  provider openai claimed for #1 (53)
         460s agent  model group chat claimed for #1 (53)
         460s agent  model group embeddings claimed for #1 (53)
         460s agent  provider openai released by #1 (53)
         460s agent  model group chat released by #1 (53)
         460s agent  model group embeddings released by #1 (53)
         470s agent  provider openai claimed for #1 (55)
         470s agent  model group chat claimed for #1 (55)
         470s agent  model group embeddings claimed for #1 (55)
         470s agent  provider openai released by #1 (55)
         470s agent  model group chat released by #1 (55)
         470s agent  model group embeddings released by #1 (55)
         480s agent  provider openai claimed for #1 (57)
         480s agent  model group chat claimed for #1 (57)
         480s agent  model group embeddings claimed for #1 (57)
         480s agent  provider openai released by #1 (57)
         480s agent  model group chat released by #1 (57)
         480s agent  model group embeddings released by #1 (57)
         490s agent  provider openai claimed for #1 (59)
         490s agent  model group chat claimed for #1 (59)
         490s agent  model group embeddings claimed for #1 (59)
         490s agent  provider openai released by #1 (59)
         490s agent  model group chat released by #1 (59)
         490s agent  model group embeddings released by #1 (59)
         510s agent  provider openai claimed for #1 (61)
         510s agent  model group chat claimed for #1 (61)
         510s agent  model group embeddings claimed for #1 (61)
         510s agent  provider openai released by #1 (61)
         510s agent  model group chat released by #1 (61)
         510s agent  model group embeddings released by #1 (61)
         520s agent  provider openai claimed for #1 (63)
         520s agent  model group chat claimed for #1 (63)
         520s agent  model group embeddings claimed for #1 (63)
         520s agent  provider openai released by #1 (63)
         520s agent  model group chat released by #1 (63)
         520s agent  model group embeddings released by #1 (63)
         530s agent  provider openai claimed for #1 (65)
         530s agent  model group chat claimed for #1 (65)
         530s agent  model group embeddings claimed for #1 (65)
         530s agent  provider openai released by #1 (65)
         530s agent  model group chat released by #1 (65)
         530s agent  model group embeddings released by #1 (65)
         540s agent  provider openai claimed for #1 (67)
         540s agent  model group chat claimed for #1 (67)
         540s agent  model group embeddings claimed for #1 (67)
         540s agent  provider openai released by #1 (67)
         540s agent  model group chat released by #1 (67)
         540s agent  model group embeddings released by #1 (67)
         550s agent  provider openai claimed for #1 (69)
         550s agent  model group chat claimed for #1 (69)
         550s agent  model group embeddings claimed for #1 (69)
         550s agent  provider openai released by #1 (69)
         550s agent  model group chat released by #1 (69)
         550s agent  model group embeddings released by #1 (69)
         570s agent  provider openai claimed for #1 (71)
         570s agent  model group chat claimed for #1 (71)
         570s agent  model group embeddings claimed for #1 (71)
         570s agent  provider openai released by #1 (71)
         570s agent  model group chat released by #1 (71)
         570s agent  model group embeddings released by #1 (71)
         580s agent  provider openai claimed for #1 (73)
         580s agent  model group chat claimed for #1 (73)
         580s agent  model group embeddings claimed for #1 (73)
         580s agent  provider openai released by #1 (73)
         580s agent  model group chat released by #1 (73)
         580s agent  model group embeddings released by #1 (73)
         590s agent  provider openai claimed for #1 (75)
         590s agent  model group chat claimed for #1 (75)
         590s agent  model group embeddings claimed for #1 (75)
         590s agent  provider openai released by #1 (75)
         590s agent  model group chat released by #1 (75)
         590s agent  model group embeddings released by #1 (75)
         600s agent  provider openai claimed for #1 (77)
         600s agent  model group chat claimed for #1 (77)
         600s agent  model group embeddings claimed for #1 (77)
         600s agent  provider openai released by #1 (77)
         600s agent  model group chat released by #1 (77)
         600s agent  model group embeddings released by #1 (77)
         610s agent  provider openai claimed for #1 (79)
         610s agent  model group chat claimed for #1 (79)
         610s agent  model group embeddings claimed for #1 (79)
         610s agent  provider openai released by #1 (79)
         610s agent  model group chat released by #1 (79)
         610s agent  model group embeddings released by #1 (79)
         630s agent  provider openai claimed for #1 (81)
         630s agent  model group chat claimed for #1 (81)
         630s agent  model group embeddings claimed for #1 (81)
         630s agent  provider openai released by #1 (81)
         630s agent  model group chat released by #1 (81)
         630s agent  model group embeddings released by #1 (81)
         640s agent  provider openai claimed for #1 (83)
         640s agent  model group chat claimed for #1 (83)
         640s agent  model group embeddings claimed for #1 (83)
         640s agent  provider openai released by #1 (83)
         640s agent  model group chat released by #1 (83)
         640s agent  model group embeddings released by #1 (83)
         650s agent  provider openai claimed for #1 (85)
         650s agent  model group chat claimed for #1 (85)
         650s agent  model group embeddings claimed for #1 (85)
         650s agent  provider openai released by #1 (85)
         650s agent  model group chat released by #1 (85)
         650s agent  model group embeddings released by #1 (85)
         660s agent  provider openai claimed for #1 (87)
         660s agent  model group chat claimed for #1 (87)
         660s agent  model group embeddings claimed for #1 (87)
         660s agent  provider openai released by #1 (87)
         660s agent  model group chat released by #1 (87)
         660s agent  model group embeddings released by #1 (87)
         670s agent  provider openai claimed for #1 (89)
         670s agent  model group chat claimed for #1 (89)
         670s agent  model group embeddings claimed for #1 (89)
         670s agent  provider openai released by #1 (89)
         670s agent  model group chat released by #1 (89)
         670s agent  model group embeddings released by #1 (89)
         690s agent  provider openai claimed for #1 (91)
         690s agent  model group chat claimed for #1 (91)
         690s agent  model group embeddings claimed for #1 (91)
         690s agent  provider openai released by #1 (91)
         690s agent  model group chat released by #1 (91)
         690s agent  model group embeddings released by #1 (91)
         700s agent  provider openai claimed for #1 (93)
         700s agent  model group chat claimed for #1 (93)
         700s agent  model group embeddings claimed for #1 (93)
         700s agent  provider openai released by #1 (93)
         700s agent  model group chat released by #1 (93)
         700s agent  model group embeddings released by #1 (93)
         710s agent  provider openai claimed for #1 (95)
         710s agent  model group chat claimed for #1 (95)
         710s agent  model group embeddings claimed for #1 (95)
         710s agent  provider openai released by #1 (95)
         710s agent  model group chat released by #1 (95)
         710s agent  model group embeddings released by #1 (95)
         720s agent  provider openai claimed for #1 (97)
         720s agent  model group chat claimed for #1 (97)
         720s agent  model group embeddings claimed for #1 (97)
         720s agent  provider openai released by #1 (97)
         720s agent  model group chat released by #1 (97)
         720s agent  model group embeddings released by #1 (97)
         730s agent  provider openai claimed for #1 (99)
         730s agent  model group chat claimed for #1 (99)
         730s agent  model group embeddings claimed for #1 (99)
         730s agent  provider openai released by #1 (99)
         730s agent  model group chat released by #1 (99)
         730s agent  model group embeddings released by #1 (99)
         750s agent  provider openai claimed for #1 (101)
         750s agent  model group chat claimed for #1 (101)
         750s agent  model group embeddings claimed for #1 (101)
         750s agent  provider openai released by #1 (101)
         750s agent  model group chat released by #1 (101)
         750s agent  model group embeddings released by #1 (101)
         760s agent  provider openai claimed for #1 (103)
         760s agent  model group chat claimed for #1 (103)
         760s agent  model group embeddings claimed for #1 (103)
         760s agent  provider openai released by #1 (103)
         760s agent  model group chat released by #1 (103)
         760s agent  model group embeddings released by #1 (103)
         770s agent  provider openai claimed for #1 (105)
         770s agent  model group chat claimed for #1 (105)
         770s agent  model group embeddings claimed for #1 (105)
         770s agent  provider openai released by #1 (105)
         770s agent  model group chat released by #1 (105)
         770s agent  model group embeddings released by #1 (105)
         780s agent  provider openai claimed for #1 (107)
         780s agent  model group chat claimed for #1 (107)
         780s agent  model group embeddings claimed for #1 (107)
         780s agent  provider openai released by #1 (107)
         780s agent  model group chat released by #1 (107)
         780s agent  model group embeddings released by #1 (107)
         790s agent  provider openai claimed for #1 (109)
         790s agent  model group chat claimed for #1 (109)
         790s agent  model group embeddings claimed for #1 (109)
         790s agent  provider openai released by #1 (109)
         790s agent  model group chat released by #1 (109)
         790s agent  model group embeddings released by #1 (109)
         810s agent  provider openai claimed for #1 (111)
         810s agent  model group chat claimed for #1 (111)
         810s agent  model group embeddings claimed for #1 (111)
         810s agent  provider openai released by #1 (111)
         810s agent  model group chat released by #1 (111)
         810s agent  model group embeddings released by #1 (111)
         820s agent  provider openai claimed for #1 (113)
         820s agent  model group chat claimed for #1 (113)
         820s agent  model group embeddings claimed for #1 (113)
         820s agent  provider openai released by #1 (113)
         820s agent  model group chat released by #1 (113)
         820s agent  model group embeddings released by #1 (113)
         830s agent  provider openai claimed for #1 (115)
         830s agent  model group chat claimed for #1 (115)
         830s agent  model group embeddings claimed for #1 (115)
         830s agent  provider openai released by #1 (115)
         830s agent  model group chat released by #1 (115)
         830s agent  model group embeddings released by #1 (115)
         840s agent  provider openai claimed for #1 (117)
         840s agent  model group chat claimed for #1 (117)
         840s agent  model group embeddings claimed for #1 (117)
         840s agent  provider openai released by #1 (117)
         840s agent  model group chat released by #1 (117)
         840s agent  model group embeddings released by #1 (117)
         850s agent  provider openai claimed for #1 (119)
         850s agent  model group chat claimed for #1 (119)
         850s agent  model group embeddings claimed for #1 (119)
         850s agent  provider openai released by #1 (119)
         850s agent  model group chat released by #1 (119)
         850s agent  model group embeddings released by #1 (119)
         870s agent  provider openai claimed for #1 (121)
         870s agent  model group chat claimed for #1 (121)
         870s agent  model group embeddings claimed for #1 (121)
         870s agent  provider openai released by #1 (121)
         870s agent  model group chat released by #1 (121)
         870s agent  model group embeddings released by #1 (121)
         880s agent  provider openai claimed for #1 (123)
         880s agent  model group chat claimed for #1 (123)
         880s agent  model group embeddings claimed for #1 (123)
         880s agent  provider openai released by #1 (123)
         880s agent  model group chat released by #1 (123)
         880s agent  model group embeddings released by #1 (123)
         890s agent  provider openai claimed for #1 (125)
         890s agent  model group chat claimed for #1 (125)
         890s agent  model group embeddings claimed for #1 (125)
         890s agent  provider openai released by #1 (125)
         890s agent  model group chat released by #1 (125)
         890s agent  model group embeddings released by #1 (125)
         900s agent  provider openai claimed for #1 (127)
         900s agent  model group chat claimed for #1 (127)
         900s agent  model group embeddings claimed for #1 (127)
         900s agent  provider openai released by #1 (127)
         900s agent  model group chat released by #1 (127)
         900s agent  model group embeddings released by #1 (127)
         910s agent  #1 expired at 900s
         910s agent  #1 scored 15: gate, automatic approval is off
         961s bob    #1 approved until 1861s
         961s agent  provider openai claimed for #1 (129)
         961s agent  model group chat claimed for #1 (129)
         961s agent  model group embeddings claimed for #1 (129)
         961s agent  #1 started provider openai: open → blocked, until 991s, holds provider openai (129), model group chat (129), model group embeddings (129)
         961s agent  #1 succeeded provider openai reads blocked
         991s agent  provider openai claimed for #1 (130) to take it back
         991s agent  model group chat claimed for #1 (130) to take it back
         991s agent  model group embeddings claimed for #1 (130) to take it back
         996s agent  #1 restored provider openai reads open
         996s agent  provider openai released by #1 (130)
         996s agent  model group chat released by #1 (130)
         996s agent  model group embeddings released by #1 (130)
        1111s agent  #1 verified still: openai fails 62.0 % of 200 requests in 300 s
    "#]]).await;
}

#[tokio::test]
async fn two_people_approve_what_is_dangerous_and_one_of_them_has_one_vote() {
    let (world, id) = waiting_for_two().await;
    expect!["Your approval is recorded. 1 more must approve."]
        .assert_eq(world.approve("alice", &id).await.text());
    world.run_until_quiet().await;
    expect!["Your approval is recorded already; it waits for another person."]
        .assert_eq(world.approve("alice", &id).await.text());
    assert_eq!(world.state(&id).await, "awaiting_approval");
    assert_eq!(world.gateway.writes(), []);
    expect!["Your approval is recorded. The action is being executed."]
        .assert_eq(world.approve("bob", &id).await.text());
    world.settle().await;
    assert_eq!(world.state(&id).await, "succeeded");
}

#[tokio::test]
async fn one_no_stops_a_quorum() {
    let (world, id) = waiting_for_two().await;
    world.approve("alice", &id).await.text();
    world.reject("bob", &id).await.text();
    world.settle().await;
    assert_eq!(world.state(&id).await, "rejected");
    assert_eq!(world.gateway.writes(), []);
    world.assert_at_rest().await;
}

#[tokio::test]
async fn only_active_people_of_the_directory_decide() {
    let (world, id) = waiting().await;
    for (who, told) in [
        ("deploy-bot", expect!["A bot cannot decide."]),
        ("carol", expect!["Your operator account is not active."]),
        (
            "U999",
            expect!["You are not in the operator directory, so your decision does not count."],
        ),
    ] {
        told.assert_eq(world.approve(who, &id).await.text());
        told.assert_eq(world.reject(who, &id).await.text());
    }
    assert_eq!(world.state(&id).await, "awaiting_approval");
}

#[tokio::test]
async fn an_empty_directory_approves_nothing() {
    let (world, id) = waiting().await;
    world
        .operators
        .set(domain::operator::Directory::parse(r#"{"operators": []}"#).unwrap());
    expect!["You are not in the operator directory, so your decision does not count."]
        .assert_eq(world.approve("alice", &id).await.text());
    world.settle().await;
    assert_eq!(world.state(&id).await, "expired");
}

#[tokio::test]
async fn a_forged_or_replayed_click_is_no_decision() {
    let (world, id) = waiting().await;
    let value = format!("{id}.{}", world.shown(&id).await);
    let payload = slack::payload(sample::ALICE, "approve", &value, "https://hooks.slack.com/x");
    let now = sample::now().as_seconds().unsigned_abs() + 90;
    for (secret, at) in [
        ("somebody else's", now),
        ("8f742231b10e8888abcd99yyyzzz85a5", now - 301),
    ] {
        let answer = world
            .request(slack::sign(&payload, secret, at), &Cutter::never())
            .await;
        assert_eq!(answer.status.as_u16(), 401);
        assert_eq!(answer.told, Vec::<String>::new());
    }
    assert_eq!(world.state(&id).await, "awaiting_approval");
}

#[tokio::test]
async fn people_hear_of_what_waits_for_them_once_for_each_asking() {
    let (world, id) = waiting().await;
    let told = world.topic.told();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].1, "a proposal waits for approval");
    assert_eq!(told[0].0.digest, world.shown(&id).await);
}
