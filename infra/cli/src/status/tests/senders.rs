//! Who may send incidents.

use super::super::senders::SendersPart;

fn line(roles: &[&str], accounts: &[&str]) -> String {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    SendersPart {
        roles: owned(roles),
        accounts: owned(accounts),
    }
    .line()
}

#[test]
fn it_is_told_where_nobody_is_named() {
    assert_eq!(
        line(&[], &[]),
        "senders: whoever IAM lets in this account, since SenderRoles is empty"
    );
    assert_eq!(
        line(&["a", "b"], &["1", "2"]),
        "senders: 2 names of this account; account 1, 2"
    );
}
