//! What the command prints and writes.

use super::*;

/// A hundred approved breaks that went well, a few of the others.
fn export(auto_approve: bool) -> String {
    let mut world = Annals::new(&Checked::builtin());
    let script = |number: u64| Script {
        at: number * 60,
        action: if number < 100 {
            0
        } else {
            2 + usize::try_from(number % 3).unwrap()
        },
        threshold: 30,
        auto_approve,
        condition: 2,
        before: 1,
        helped: Some(true),
        ask: if number % 40 == 39 {
            Ask::Expire
        } else {
            Ask::Approve
        },
        finish: Finish::Restore,
        ..Script::default()
    };
    let lives: Vec<Vec<Record>> = (0..115).map(|number| world.live(&script(number))).collect();
    lines(lives.iter().flatten())
}

fn arguments(out: Option<PathBuf>, json: bool) -> CalibrateArguments {
    CalibrateArguments {
        source: Source {
            since: None,
            from: Some("trail of may.jsonl".into()),
        },
        target: 0.95,
        confidence: P95,
        policy: None,
        out,
        json,
    }
}

fn concluded(text: &str, arguments: &CalibrateArguments, given: Option<Bundle>) -> anyhow::Result<String> {
    let gathered = gather(text.as_bytes(), || Calibration::new(None))?;
    let mut buffer = Vec::new();
    conclude(arguments, given, gathered, &mut Terminal::buffer(&mut buffer))?;
    let told = String::from_utf8(buffer).unwrap();
    Ok(told.replace(&Checked::builtin().digest().to_string(), "BUILTIN"))
}

#[test]
fn what_is_found_is_a_policy_that_checks_and_is_not_in_force() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("new");
    let told = concluded(&export(false), &arguments(Some(out.clone()), false), None).unwrap();
    let bundle = Bundle::read_dir(&out).unwrap();
    Checked::new(&bundle).unwrap();
    let shown = told.replace(&directory.path().display().to_string(), "DIR");
    let shown = shown.replace(&bundle.digest().to_string(), "NEW");
    expect![[r#"
        action                  asked  approved  rejected  narrowed  expired  by itself  refused  succeeded  helped  failed  undone  approval rate        runs by itself up to
        circuit_break_provider  100    98        0         0         2        0          0        98         100     0       0       1.000 (0.962–1.000)  77: 98 of 98 answers went well, 1.0000 (0.9623–1.0000), as good as 98.0 answers
        reroute_model_group     5      5         0         0         0        0          0        0          5       0       5       1.000 (0.566–1.000)  –: the best lower bound is 0.0000, up to a score of 77: 0 of 5 answers were a yes that went well (0.95 takes 73 answers at the least, each of them a yes)
        raise_rate_limit        5      5         0         0         0        0          0        0          5       0       5       1.000 (0.566–1.000)  –: the best lower bound is 0.0000, up to a score of 56: 0 of 5 answers were a yes that went well (0.95 takes 73 answers at the least, each of them a yes)
        page_oncall             5      5         0         0         0        0          0        5          5       0       0       1.000 (0.566–1.000)  –: the best lower bound is 0.5655, up to a score of 58: 5 of 5 answers were a yes that went well (0.95 takes 73 answers at the least, each of them a yes)
        disable_guardrail       0      0         0         0         0        0          0        0          0       0       0       –                    –: nobody answered (0.95 takes 73 answers at the least, each of them a yes)
        bump_budget_cap         0      0         0         0         0        0          0        0          0       0       0       –                    –: nobody answered (0.95 takes 73 answers at the least, each of them a yes)
        disable_sla_contract    0      0         0         0         0        0          0        0          0       0       0       –                    –: nobody answered (0.95 takes 73 answers at the least, each of them a yes)
        the lower bound meets 0.95; bounds are Wilson's, at a confidence of 0.95

        an action without a proposed threshold does not run by itself, as before
        DIR/new has the policy NEW: BUILTIN with calibrated.cedar. It is not in force. SRE_RISK_THRESHOLD=77 (SreRiskThreshold) goes with it
        sre-agent policy replay --policy DIR/new --threshold 77 --auto-approve true --from 'trail of may.jsonl'
        sre-agent policy publish DIR/new
    "#]].assert_eq(&shown);
    let rules = fs::read_to_string(out.join(draft::FILE)).unwrap();
    assert_eq!(rules.matches("forbid (").count(), 7);
    expect![[r#"
        // Written by `sre-agent policy calibrate`: above its score an action does not run by itself.

        @id("calibrated-circuit-break-provider")
        @reason("98 of 98 answers up to a score of 77 were a yes that went well: at least 0.9623")
        forbid (
          principal,
          action == SreAgent::Action::"auto_execute",
          resource
        )
        when { resource.action == SreAgent::ActionKind::"circuit_break_provider" && resource.score > 77 };

        @id("calibrated-reroute-model-group")
        @reason("people's answers support no threshold for reroute_model_group")
        forbid (
          principal,
          action == SreAgent::Action::"auto_execute",
          resource
        )
        when { resource.action == SreAgent::ActionKind::"reroute_model_group" };

        @id("calibrated-raise-rate-limit")
        @reason("people's answers support no threshold for raise_rate_limit")
        forbid (
          principal,
          action == SreAgent::Action::"auto_execute",
          resource
        )
        when { resource.action == SreAgent::ActionKind::"raise_rate_limit" };"#]]
    .assert_eq(&rules.split("\n\n").take(4).collect::<Vec<_>>().join("\n\n"));
    // It is not written over.
    let again = concluded(&export(false), &arguments(Some(out.clone()), false), None).unwrap_err();
    assert!(again.to_string().ends_with("is not empty"), "{again}");
    assert_eq!(Bundle::read_dir(&out).unwrap(), bundle);
    // Calibrated again, its own rules are replaced.
    let next = arguments(Some(directory.path().join("next")), false);
    concluded(&export(false), &next, Some(bundle.clone())).unwrap();
    assert_eq!(Bundle::read_dir(&directory.path().join("next")).unwrap(), bundle);
}

#[test]
fn an_action_that_nothing_is_proposed_for_gets_no_more_than_it_had() {
    let findings = |text: &str| {
        let all = gather(text.as_bytes(), || Calibration::new(None)).unwrap().all;
        (all.held(), all.findings(0.95, P95))
    };
    let rule = |text: &str| {
        let (held, findings) = findings(text);
        let bundle = draft::bundle(&Bundle::builtin(), &findings, held).unwrap();
        let rules = bundle.files()[draft::FILE].to_owned();
        rules
            .split("\n\n")
            .find(|rule| rule.contains("page-oncall"))
            .unwrap()
            .to_owned()
    };
    expect![[r#"
        @id("calibrated-page-oncall")
        @reason("people's answers support no threshold for page_oncall")
        forbid (
          principal,
          action == SreAgent::Action::"auto_execute",
          resource
        )
        when { resource.action == SreAgent::ActionKind::"page_oncall" };
        @id("calibrated-page-oncall")
        @reason("people's answers support no threshold for page_oncall: it stays at 30")
        forbid (
          principal,
          action == SreAgent::Action::"auto_execute",
          resource
        )
        when { resource.action == SreAgent::ActionKind::"page_oncall" && resource.score > 30 };"#]]
    .assert_eq(&format!("{}\n{}", rule(&export(false)), rule(&export(true))));
}

#[test]
fn the_policy_that_is_changed_is_the_one_in_force() {
    let directory = tempfile::tempdir().unwrap();
    let other = changed(&[("night = 10", "night = 11")], "");
    let mut world = Annals::new(&Checked::builtin());
    world.publish(0, &Checked::new(&other).unwrap());
    let text = lines(world.control()) + &export(false);
    let out = |name: &str| arguments(Some(directory.path().join(name)), false);
    let problem = concluded(&text, &out("a"), None).unwrap_err().to_string();
    assert!(
        problem.starts_with(&format!("the policy in force is {}", other.digest())),
        "{problem}"
    );
    assert!(!directory.path().join("a").exists());
    let told = concluded(&text, &out("b"), Some(other.clone())).unwrap();
    assert!(!told.contains("note: "), "{told}");
    let risk = fs::read_to_string(directory.path().join("b").join(RISK)).unwrap();
    assert!(risk.contains("night = 11"));
    let told = concluded(&text, &out("c"), Some(Bundle::builtin())).unwrap();
    assert!(told.contains("note: the policy in force is"), "{told}");
}

#[test]
fn without_enough_answers_nothing_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("new");
    let few = lines(&Annals::new(&Checked::builtin()).live(&Script::default()));
    let told = concluded(&few, &arguments(Some(out.clone()), false), None).unwrap();
    assert!(
        told.ends_with("no threshold is proposed for any action, and nothing is written\n"),
        "{told}"
    );
    assert!(!out.exists());
}

#[test]
fn for_a_program_each_action_is_a_line_and_the_summary_the_last() {
    let told = concluded(&export(false), &arguments(None, true), None).unwrap();
    let told: Vec<serde_json::Value> = told
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(told.len(), 8);
    expect![[r#"
        {
          "kind": "action",
          "action": "circuit_break_provider",
          "asked": 100,
          "approved": 98,
          "rejected": 0,
          "narrowed": 0,
          "expired": 2,
          "by_itself": 0,
          "refused": 0,
          "succeeded": 98,
          "helped": 100,
          "failed": 0,
          "undone": 0,
          "approval_rate": 1.0,
          "approval_rate_bounds": {
            "lower": 0.9622800098783192,
            "upper": 1.0
          },
          "proposed": {
            "threshold": 77,
            "labels": 98,
            "good": 98,
            "effective": 98.0,
            "share": 1.0,
            "lower": 0.9622800098783192,
            "upper": 1.0
          }
        }
        {
          "kind": "action",
          "action": "reroute_model_group",
          "asked": 5,
          "approved": 5,
          "rejected": 0,
          "narrowed": 0,
          "expired": 0,
          "by_itself": 0,
          "refused": 0,
          "succeeded": 0,
          "helped": 5,
          "failed": 0,
          "undone": 5,
          "approval_rate": 1.0,
          "approval_rate_bounds": {
            "lower": 0.5655175352168251,
            "upper": 1.0
          },
          "proposed": {
            "because": "the best lower bound is 0.0000, up to a score of 77: 0 of 5 answers were a yes that went well (0.95 takes 73 answers at the least, each of them a yes)"
          }
        }
        {
          "kind": "summary",
          "target": 0.95,
          "confidence": "0.95",
          "policy": "BUILTIN",
          "threshold": 77,
          "written": null,
          "out": null
        }"#]].assert_eq(&format!("{:#}\n{:#}\n{:#}", told[0], told[1], told[7]));
}
