//! Where a look did not see everything, it does not say that something is wrong.

use super::*;

#[test]
fn what_could_not_be_looked_at_is_not_what_is_wrong() {
    let ended = |picture: &Picture| {
        let unseen = picture.unseen(&picture.reasons(at(60)));
        unseen.map(|ended| {
            let told = ended.to_string();
            (crate::end::code(&ended.into()), told)
        })
    };
    let mut picture = healthy();
    assert_eq!(ended(&picture), None);
    picture.queues = Part::Unseen("these credentials may not do that".to_owned());
    picture.open = Part::Unseen("it did not answer in time".to_owned());
    let told =
        "not everything could be looked at (the queues, the open proposals), and nothing else is wrong";
    assert_eq!(ended(&picture), Some((4, told.to_owned())));
    picture.deciders = DecidersPart::NotAsked("AccessDenied".to_owned());
    picture.gateway = GatewayPart::NotAsked("AccessDenied".to_owned());
    picture.open = Part::Seen(OpenPart {
        unread: 1,
        ..OpenPart::default()
    });
    let told = "not everything could be looked at (the queues, more open proposals, the directory, the gateway), and \
                nothing else is wrong";
    assert_eq!(ended(&picture), Some((4, told.to_owned())));
    // Something that was seen to be wrong is not hidden by what was not seen.
    picture.stack.status = "ROLLBACK_COMPLETE".to_owned();
    assert_eq!(ended(&picture), None);
    assert!(!picture.reasons(at(60)).is_empty());
}
