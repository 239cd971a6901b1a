//! What counts as an answer, up to which score answers support a threshold, and the policy that says so.

mod command;

use std::fs;

use expect_test::expect;
use policy::{Checked, RISK};
use proptest::prelude::*;

use super::*;
use crate::print::Terminal;
use crate::what_if::source::{Gathered, gather};
use crate::what_if::world::{Annals, Ask, Finish, Script, changed, lines, scripts};

const P95: Confidence = Confidence::P95;

fn class(by_score: &[(u8, [u64; 5])]) -> Class {
    let labels = |[yes, no, sampled_yes, sampled_no, automatic]: [u64; 5]| Labels {
        yes,
        no,
        sampled_yes,
        sampled_no,
        automatic,
    };
    Class {
        by_score: by_score
            .iter()
            .map(|(score, all)| (*score, labels(*all)))
            .collect(),
        ..Class::default()
    }
}

fn supported(by_score: &[(u8, [u64; 5])], target: f64) -> Result<Supported, String> {
    match class(by_score).finding(target, P95) {
        Finding::Supported(found) => Ok(found),
        Finding::Unsupported { because } => Err(because),
    }
}

fn up_to(by_score: &[(u8, [u64; 5])], target: f64) -> Option<u8> {
    supported(by_score, target).ok().map(|found| found.threshold)
}

#[test]
fn the_threshold_is_the_largest_score_at_which_the_bound_still_meets_the_target() {
    // 73 of 73 at 95 %: 0.9500; 72 of 72: 0.9493.
    assert_eq!(up_to(&[(20, [73, 0, 0, 0, 0])], 0.95), Some(20));
    assert_eq!(up_to(&[(20, [72, 0, 0, 0, 0])], 0.95), None);
    // Too few below, enough with those above, too many that went wrong above that.
    let answers = [
        (10, [40, 0, 0, 0, 0]),
        (25, [60, 0, 0, 0, 0]),
        (30, [20, 5, 0, 0, 0]),
    ];
    assert_eq!(up_to(&answers, 0.95), Some(25));
    assert_eq!(up_to(&answers, 0.90), Some(30));
    // Nothing is known above what people answered.
    assert_eq!(
        up_to(&[(20, [1000, 0, 0, 0, 0]), (35, [0, 0, 0, 0, 0])], 0.95),
        Some(20)
    );
    assert_eq!(up_to(&[], 0.95), None);
}

#[test]
fn what_ran_by_itself_is_spoken_for_by_the_sampled_ones_and_only_by_them() {
    // 90 ran by themselves, 10 were sampled: each of these stands for ten, so that they are as good as ten answers.
    let found = supported(&[(20, [0, 0, 10, 0, 90])], 0.7).unwrap();
    assert!((found.effective - 10.0).abs() < 1e-9, "{found:?}");
    assert_eq!(format!("{:.4}", found.bounds.lower), "0.7225");
    assert_eq!(found.labels, 10, "those that ran by themselves are no answers");
    // With 100 others: Σw = 200, Σw² = 100 + 10·100 = 1100, 200² / 1100 = 36.36…
    let found = supported(&[(20, [100, 0, 10, 0, 90])], 0.9).unwrap();
    assert!((found.effective - 36.363_636).abs() < 1e-5, "{found:?}");
    // One no among the sampled ones weighs as much as the ten it stands for.
    let found = supported(&[(20, [100, 0, 9, 1, 90])], 0.5).unwrap();
    assert!((found.share - 0.95).abs() < 1e-9, "{found:?}");
}

#[test]
fn where_nobody_speaks_for_what_ran_by_itself_nothing_is_proposed_and_it_says_what_to_set() {
    expect!["400 ran by themselves, and none of them was sent to a person for an answer: set automatic.human_share_ppm in risk.toml (0.95 takes 73 answers at the least, each of them a yes; in this time 182500 would have asked for so many)"].assert_eq(&supported(&[(20, [0, 0, 0, 0, 400])], 0.95).unwrap_err());
    expect!["9 ran by themselves, and none of them was sent to a person for an answer: set automatic.human_share_ppm in risk.toml (0.95 takes 73 answers at the least, each of them a yes; in this time 1000000 asks about every one, and that over a longer time)"].assert_eq(&supported(&[(20, [500, 0, 0, 0, 9])], 0.95).unwrap_err());
    // Those that a person was asked about below every score that ran by itself stand on their own.
    let answers = [(10, [500, 0, 0, 0, 0]), (20, [500, 0, 0, 0, 9])];
    assert_eq!(up_to(&answers, 0.95), Some(10));
    // Up to the score of the sampled ones, they speak for those below, too.
    let answers = [(20, [500, 0, 0, 0, 9]), (30, [0, 0, 9, 0, 0])];
    assert_eq!(up_to(&answers, 0.95), Some(30));
    expect!["the best lower bound is 0.9244, up to a score of 20: 70 of 71 answers were a yes that went well (0.95 takes 73 answers at the least, each of them a yes)"].assert_eq(&supported(&[(20, [70, 1, 0, 0, 0])], 0.95).unwrap_err());
}

fn told(script: Script) -> Class {
    let life = Annals::new(&Checked::builtin()).live(&script);
    let mut calibration = Calibration::new(None);
    calibration.take(&life, &Switched::default()).unwrap();
    calibration.classes.into_values().next().unwrap()
}

/// `yes/no/ran by itself`
fn labels(script: Script) -> String {
    let all = told(script)
        .by_score
        .into_values()
        .fold(Labels::default(), Labels::plus);
    format!("{}/{}/{}", all.yes, all.no, all.automatic)
}

#[test]
fn an_answer_is_a_label_once_it_is_clear_what_came_of_it() {
    let mut table = Vec::new();
    for ask in [
        Ask::Reject,
        Ask::Expire,
        Ask::Vote,
        Ask::Nothing,
        Ask::Lapse,
        Ask::Narrow,
    ] {
        // A score of which two people must approve, for the vote that is short of the quorum.
        let action = if ask == Ask::Vote { 7 } else { 0 };
        let label = labels(Script {
            ask,
            action,
            ..Script::default()
        });
        table.push(format!("{ask:?} {label}"));
    }
    for finish in [
        Finish::Succeed,
        Finish::Restore,
        Finish::Undo,
        Finish::Fail,
        Finish::Unknown,
        Finish::RestoreFail,
        Finish::Refuse,
        Finish::Nothing,
    ] {
        let asked = labels(Script {
            finish,
            ..Script::default()
        });
        let by_itself = labels(Script {
            finish,
            auto_approve: true,
            ..Script::default()
        });
        table.push(format!("{finish:?} {asked}, by itself {by_itself}"));
    }
    table.push(format!(
        "lapsed by itself {}",
        labels(Script {
            ask: Ask::Lapse,
            auto_approve: true,
            ..Script::default()
        })
    ));
    expect![[r#"
        Reject 0/1/0
        Expire 0/0/0
        Vote 0/0/0
        Nothing 0/0/0
        Lapse 0/1/0
        Narrow 1/1/0
        Succeed 1/0/0, by itself 0/0/1
        Restore 1/0/0, by itself 0/0/1
        Undo 0/1/0, by itself 0/0/1
        Fail 0/1/0, by itself 0/0/1
        Unknown 0/1/0, by itself 0/0/1
        RestoreFail 0/1/0, by itself 0/0/1
        Refuse 0/0/0, by itself 0/0/0
        Nothing 0/0/0, by itself 0/0/1
        lapsed by itself 0/1/0"#]]
    .assert_eq(&table.join("\n"));
}

#[test]
fn an_approval_that_was_refused_at_its_start_is_no_yes_that_went_well() {
    let refused = |number: u64| Script {
        at: number * 60,
        finish: Finish::Refuse,
        ..Script::default()
    };
    let mut world = Annals::new(&Checked::builtin());
    let mut calibration = Calibration::new(None);
    // As many as would support a threshold, had they gone well.
    for number in 0..100 {
        let life = world.live(&refused(number));
        calibration.take(&life, &Switched::default()).unwrap();
    }
    let class = calibration.classes.values().next().unwrap();
    let counts = &class.counts;
    assert_eq!((counts.approved, counts.refused, counts.succeeded), (100, 100, 0));
    let Finding::Unsupported { because } = class.finding(0.5, P95) else {
        panic!("{class:?}");
    };
    expect!["nothing that people approved has run: 100 were refused at their start, which says nothing of the action (0.5 takes 4 answers at the least, each of them a yes)"].assert_eq(&because);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Read in one piece or by several threads, in any order of the streams: the same numbers.
    #[test]
    fn the_order_of_proposals_does_not_matter(scripts in prop::collection::vec(scripts(), 1..60)) {
        let mut world = Annals::new(&Checked::builtin());
        let lives: Vec<Vec<Record>> = scripts.iter().map(|script| world.live(script)).collect();
        let mut whole = Calibration::new(None);
        for life in lives.iter().rev() {
            whole.take(life, &Switched::default()).unwrap();
        }
        let text = lines(lives.iter().flatten());
        let Gathered { all, .. } = gather(text.as_bytes(), || Calibration::new(None)).unwrap();
        prop_assert_eq!(&all, &whole);
        // Every scoring is asked about, runs by itself and is or is not counted, and no answer is made up.
        for class in all.classes.values() {
            let counts = &class.counts;
            let answers = counts.approved + counts.rejected + counts.narrowed;
            let labels = class.by_score.values().map(Labels::all).sum::<u64>();
            prop_assert!(labels <= answers && answers + counts.expired <= counts.asked);
        }
    }

    #[test]
    fn more_answers_that_are_a_yes_never_lower_the_bound(yes in 1_u64..500, no in 0_u64..50, more in 1_u64..100) {
        let lower = |yes| super::supported(20, &Labels { yes, no, ..Labels::default() }, 1.0, P95).bounds.lower;
        prop_assert!(lower(yes) <= lower(yes + more));
    }
}

#[test]
fn a_target_is_a_share() {
    for text in ["0.95", "0.5", "1e-3"] {
        assert!(share(text).is_ok(), "{text}");
    }
    for text in ["0", "1", "95", "-0.5", "NaN", "inf", ""] {
        assert!(share(text).is_err(), "{text}");
    }
}
