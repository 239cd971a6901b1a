use serde_json::json;

use super::*;
use crate::proposal::{Awaiting, State};
use crate::samples::*;
use crate::trail::{Actor, Control};
use crate::value::Deployment;

/// What becomes of a break that somebody requested and these approved, where the quorum asks for so many.
fn approved_by(voters: &[&str], requested_by: Option<&str>, people: u8) -> Result<(), Lapsed> {
    let story = Story::of(&unhealthy(), requested_by)
        .then(5, Actor::Agent, &proposes(breaks(60)))
        .then(10, Actor::Agent, &gate(1));
    let State::AwaitingApproval(waiting) = story.proposal().state().clone() else {
        panic!("it waits");
    };
    let approval = Approval {
        valid_until: at(900),
        not_before: None,
        waiting: Awaiting {
            votes: voters.iter().map(|voter| id(voter)).collect(),
            ..waiting
        },
    };
    let person =
        |id: &str| json!({"id": id, "name": id, "active": id != "carol", "bot": id == "robot", "groups": []});
    let people_of = ["alice", "bob", "carol", "robot"].map(person);
    let directory = Directory::parse(&json!({ "operators": people_of }).to_string()).unwrap();
    let mut in_force = in_force();
    let mut policy = serde_json::to_value(&in_force.policy).unwrap();
    policy["quorum"] = json!({"from": 0, "people": people});
    in_force.policy = serde_json::from_value(policy).unwrap();
    let under = Under {
        in_force: &in_force,
        deployment: &Deployment::default(),
        control: &Control::default(),
    };
    still_approved(story.proposal(), &approval, &directory, &under, at(20))
}

#[test]
fn an_approval_holds_where_enough_people_may_still_give_it() {
    assert_eq!(approved_by(&["alice"], None, 1), Ok(()));
    assert_eq!(approved_by(&["alice", "bob"], None, 2), Ok(()));
    let short = Err(Lapsed::Quorum { voted: 1, needed: 2 });
    assert_eq!(approved_by(&["alice"], None, 2), short);
    let nobody = Err(Lapsed::Quorum { voted: 0, needed: 1 });
    assert_eq!(approved_by(&[], None, 1), nobody);
}

#[test]
fn one_voter_who_does_not_count_any_more_is_enough_to_refuse() {
    let with = |other: &str| approved_by(&["alice", other], None, 1);
    assert_eq!(with("carol"), Err(Lapsed::Inactive(id("carol"))));
    assert_eq!(with("robot"), Err(Lapsed::Bot(id("robot"))));
    assert_eq!(with("mallory"), Err(Lapsed::Unknown(id("mallory"))));
    let own = approved_by(&["bob", "alice"], Some("alice"), 1);
    assert_eq!(own, Err(Lapsed::Own(id("alice"))));
}
