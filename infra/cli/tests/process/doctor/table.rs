//! Faults of what is published and of the trail's table.

use expect_test::expect;
use serde_json::json;

use super::Faults;
use super::aws::{Answer, Aws, denied};

#[tokio::test]
async fn no_policy_and_a_table_without_its_protection() {
    let faults = Faults::begin().await;
    let none = || Answer::Json(json!({ "Items": [] }));
    faults
        .with(
            |aws| aws.answer("DynamoDB.Query control", none()),
            1,
            expect![[r#"
                missing  policy       none was published: the one that this version brings is in force, and nobody has signed for it
                                        sre-agent policy publish infra/policy, or a copy of it with your changes
                not ready: 1 thing missing"#]],
        )
        .await;
    faults
        .with(
            |aws| aws.refuse("DynamoDB.Query control", "AccessDeniedException"),
            4,
            expect![[r#"
                unknown  operators    whether enough people may decide: the trail is unavailable: these credentials may not do that (AccessDeniedException: not for you: DynamoDB.Query control)
                                        look again, or have somebody look who may
                unknown  policy       which was published: the trail is unavailable: these credentials may not do that (AccessDeniedException: not for you: DynamoDB.Query control)
                                        look again, or have somebody look who may
                error: 2 things not looked at, and nothing else is missing"#]],
        )
        .await;
    faults
        .with(
            |aws| aws.described(false, true),
            1,
            expect![[r#"
            missing  trail        sre_actions can be deleted by a slip
                                    deploy with TrailDeletionProtection=true
            not ready: 1 thing missing"#]],
        )
        .await;
    faults
        .with(
            |aws| aws.described(true, false),
            1,
            expect![[r#"
            missing  trail        sre_actions has no stream: nothing that is recorded is acted on
                                    deploy again; after a restore, follow infra/docs/restore.md
            not ready: 1 thing missing"#]],
        )
        .await;
    faults
        .with(
            |aws| aws.refuse("DynamoDB.DescribeTable sre_actions", "AccessDeniedException"),
            4,
            expect![[r#"
                unknown  trail        whether sre_actions has no stream: nothing that is recorded is acted on: it cannot be described: these credentials may not do that (AccessDeniedException: not for you: DynamoDB.DescribeTable sre_actions)
                                        look again, or have somebody look who may
                unknown  trail        whether sre_actions can be deleted by a slip: it cannot be described: these credentials may not do that (AccessDeniedException: not for you: DynamoDB.DescribeTable sre_actions)
                                        look again, or have somebody look who may
                error: 2 things not looked at, and nothing else is missing"#]],
        )
        .await;
    faults
        .with(
            |aws| aws.refuse("DynamoDB.DescribeTable sre_actions", "ResourceNotFoundException"),
            1,
            expect![[r#"
                missing  trail        sre_actions is not there: nothing can be recorded, and the agent does nothing
                                        follow infra/docs/restore.md
                not ready: 1 thing missing"#]],
        )
        .await;
    let ttl = |status: &'static str| {
        move |aws: &mut Aws| {
            let told = json!({ "TimeToLiveDescription": { "TimeToLiveStatus": status } });
            aws.answer("DynamoDB.DescribeTimeToLive sre_actions", Answer::Json(told));
        }
    };
    faults
        .with(
            ttl("DISABLED"),
            1,
            expect![[r#"
        missing  trail        sre_actions lets no record expire
                                deploy again; after a restore, follow infra/docs/restore.md
        not ready: 1 thing missing"#]],
        )
        .await;
    faults
        .with(ttl("ENABLING"), 0, expect!["ready: nothing is missing"])
        .await;
    faults
        .with(
            |aws| aws.recovers("DISABLED"),
            1,
            expect![[r#"
            missing  trail        sre_actions cannot be restored to a point in time
                                    deploy again; after a restore, follow infra/docs/restore.md
            not ready: 1 thing missing"#]],
        )
        .await;
}

#[tokio::test]
async fn a_table_whose_policy_lets_records_change() {
    const POLICY: &str = "DynamoDB.GetResourcePolicy sre_actions";
    let faults = Faults::begin().await;
    faults
        .with(
            |aws| aws.refuse(POLICY, "PolicyNotFoundException"),
            1,
            expect![[r#"
                missing  trail        sre_actions has no policy that denies changes: a record can be changed and removed
                                        deploy again; after a restore, follow infra/docs/restore.md
                not ready: 1 thing missing"#]],
        )
        .await;
    faults
        .with(
            |aws| aws.refuse(POLICY, "AccessDeniedException"),
            4,
            expect![[r#"
                unknown  trail        whether sre_actions has no policy that denies changes: a record can be changed and removed: its policy: these credentials may not do that (AccessDeniedException: not for you: DynamoDB.GetResourcePolicy sre_actions)
                                        look again, or have somebody look who may
                error: 1 thing not looked at, and nothing else is missing"#]],
        )
        .await;
    let everybody = json!("*");
    let listed = json!({ "AWS": ["*"] });
    let one = json!({ "AWS": "arn:aws:iam::123456789012:root" });
    let sometimes = json!({ "StringEquals": { "aws:PrincipalTag/team": "sre" } });
    faults
        .with(
            |aws| aws.denies(&listed, &denied(), None),
            0,
            expect!["ready: nothing is missing"],
        )
        .await;
    for fault in [
        (&one, denied(), None),
        (&everybody, denied(), Some(sometimes)),
        (&everybody, denied()[1..].to_vec(), None),
        (&everybody, Vec::new(), None),
    ] {
        let (whom, actions, condition) = fault;
        faults
            .with(|aws| aws.denies(whom, &actions, condition), 1, expect![[r#"
                    missing  trail        sre_actions has no policy that denies changes: a record can be changed and removed
                                            deploy again; after a restore, follow infra/docs/restore.md
                    not ready: 1 thing missing"#]])
            .await;
    }
}
