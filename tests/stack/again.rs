//! A first deployment that fails, and the second one: the trail's table is not in its way.

use std::time::Duration;

use aws_sdk_cloudformation::types::{Capability, Parameter, StackStatus};

use crate::emulator::needs_ministack;
use crate::world::{Deployed, within};

const STACK: &str = "again";
const TABLE: &str = "again_actions";

/// A resource that no AWS makes, once the table is there.
const FAILS: &str = "  Fails:
    Type: AWS::SQS::Queue
    DependsOn: Trail
    Properties:
      VisibilityTimeout: 9999999
";

/// The table as `template.yaml` has it, with all parameters and conditions, and nothing else.
fn template(more: &str) -> String {
    let whole = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml")).unwrap();
    let from = |start: &str, is_next: fn(&str) -> bool| -> String {
        let lines = whole.lines().skip_while(|line| *line != start);
        let mut part = vec![start];
        part.extend(lines.skip(1).take_while(|line| !is_next(line)));
        part.join("\n") + "\n"
    };
    let section = |start| {
        from(start, |line| {
            line.starts_with(|first: char| first.is_alphabetic())
        })
    };
    let table = from("  Trail:", |line| {
        line.starts_with("  ") && !line.starts_with("   ") && !line.starts_with("  #")
    });
    format!(
        "{}{}Resources:\n{table}{more}",
        section("Parameters:"),
        section("Conditions:")
    )
}

/// Deploys it as a new stack, and says how that ended.
async fn deployed(world: &Deployed, more: &str) -> StackStatus {
    let parameter = |name: &str, value: &str| {
        Parameter::builder()
            .parameter_key(name)
            .parameter_value(value)
            .build()
    };
    let create = world
        .aws
        .cloudformation
        .create_stack()
        .stack_name(STACK)
        .template_body(template(more));
    create
        .parameters(parameter("GatewayUrl", "https://gateway.example.com"))
        .parameters(parameter("TrailTable", TABLE))
        .capabilities(Capability::CapabilityIam)
        .send()
        .await
        .unwrap();
    within(60, "the deployment ends", async || {
        let stacks = world
            .aws
            .cloudformation
            .describe_stacks()
            .stack_name(STACK)
            .send()
            .await
            .unwrap();
        let status = stacks.stacks()[0].stack_status().unwrap().clone();
        (!status.as_str().ends_with("IN_PROGRESS")).then_some(status)
    })
    .await
}

async fn table_is_there(world: &Deployed) -> bool {
    world
        .dynamodb
        .describe_table()
        .table_name(TABLE)
        .send()
        .await
        .is_ok()
}

/// Removes the stack, as a person does before the next first deployment.
async fn removed(world: &Deployed) {
    world
        .aws
        .cloudformation
        .delete_stack()
        .stack_name(STACK)
        .send()
        .await
        .unwrap();
    within(60, "the stack is removed", async || {
        let stacks = world
            .aws
            .cloudformation
            .describe_stacks()
            .stack_name(STACK)
            .send()
            .await;
        let gone = stacks.is_err_and(|err| err.to_string().contains("service error"));
        gone.then_some(())
    })
    .await;
}

/// Removes the table, which the stack leaves.
async fn cleared(world: &Deployed) {
    let table = || world.dynamodb.update_table().table_name(TABLE);
    table().deletion_protection_enabled(false).send().await.unwrap();
    world
        .dynamodb
        .delete_table()
        .table_name(TABLE)
        .send()
        .await
        .unwrap();
    within(30, "the table is removed", async || {
        (!table_is_there(world).await).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_failed_first_deployment_leaves_no_table_in_the_way_and_a_deleted_stack_leaves_the_trail() {
    needs_ministack("the deletion of what a failed deployment made");
    let world = Deployed::new().await;

    assert_eq!(deployed(&world, FAILS).await, StackStatus::RollbackComplete);
    assert!(
        !table_is_there(&world).await,
        "the failed deployment left the table"
    );
    removed(&world).await;

    assert_eq!(deployed(&world, "").await, StackStatus::CreateComplete);
    assert!(table_is_there(&world).await);
    removed(&world).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(table_is_there(&world).await, "the trail went with its stack");
    cleared(&world).await;
}
