//! What `cargo xtask test` ran, and how it went.

use std::time::Duration;

use crate::progress::seconds;

/// How one step went.
pub(crate) struct Outcome {
    pub(crate) step: &'static str,
    pub(crate) took: Duration,
    pub(crate) verdict: Verdict,
    /// Said in the last column.
    pub(crate) note: String,
    /// The tests that failed, in its order.
    pub(crate) failures: Vec<Failure>,
}

/// A test that failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) test: String,
    /// What it printed, from its end: the panic is there.
    pub(crate) output: Vec<String>,
}

/// As much of a failed test's output as is of use in a summary.
const LINES_OF_A_FAILURE: usize = 40;

impl Failure {
    /// Those of what `cargo test` printed.
    pub(crate) fn of_cargo_test(output: &str) -> Vec<Self> {
        let mut failures: Vec<Self> = Vec::new();
        let mut inside = false;
        for line in output.lines() {
            if let Some(test) = line
                .strip_prefix("---- ")
                .and_then(|rest| rest.strip_suffix(" stdout ----"))
            {
                inside = true;
                failures.push(Self {
                    test: test.to_owned(),
                    output: Vec::new(),
                });
            } else if line == "failures:" || line == "stack backtrace:" {
                // A test's own output stands before its panic, and so does all that is of use.
                inside = false;
            } else if inside
                && !line.trim().is_empty()
                && let Some(failure) = failures.last_mut()
            {
                failure.output.push(line.to_owned());
            }
        }
        for failure in &mut failures {
            let surplus = failure.output.len().saturating_sub(LINES_OF_A_FAILURE);
            failure.output.drain(..surplus);
        }
        failures
    }
}

pub(crate) enum Verdict {
    /// Its counts; a step without tests of its own counts as one.
    Ran(Counts),
    /// Left out, and why.
    NotRun(&'static str),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) ignored: usize,
}

impl Counts {
    pub(crate) fn one(passed: bool) -> Self {
        Self {
            passed: usize::from(passed),
            failed: usize::from(!passed),
            ignored: 0,
        }
    }

    /// The totals of what `cargo test` printed.
    pub(crate) fn of_cargo_test(output: &str) -> Self {
        let mut counts = Self::default();
        for line in output
            .lines()
            .filter_map(|line| line.strip_prefix("test result: "))
        {
            for part in line.split([';', '.']) {
                if let Some((number, what)) = part.trim().split_once(' ')
                    && let Ok(number) = number.parse::<usize>()
                {
                    match what {
                        "passed" => counts.passed += number,
                        "failed" => counts.failed += number,
                        "ignored" => counts.ignored += number,
                        _ => {}
                    }
                }
            }
        }
        counts
    }
}

/// Prints the table, what failed and, as the last line, the totals. Whether everything that ran has passed.
pub(crate) fn print(outcomes: &[Outcome], took: Duration) -> bool {
    println!(
        "\n{:<12} {:<8} {:>7} {:>7} {:>9}  ",
        "step", "", "passed", "failed", "time"
    );
    let mut total = Counts::default();
    for outcome in outcomes {
        match &outcome.verdict {
            Verdict::Ran(counts) => {
                let verdict = if counts.failed == 0 { "PASS" } else { "FAIL" };
                let time = seconds(outcome.took);
                let (passed, failed) = (counts.passed, counts.failed);
                println!(
                    "{:<12} {verdict:<8} {passed:>7} {failed:>7} {time:>9}  {}",
                    outcome.step, outcome.note
                );
                total.passed += passed;
                total.failed += failed;
            }
            Verdict::NotRun(why) => println!(
                "{:<12} {:<8} {:>7} {:>7} {:>9}  {why}",
                outcome.step, "not run", "", "", ""
            ),
        }
    }
    for outcome in outcomes {
        for failure in &outcome.failures {
            println!("\n{}: {} failed", outcome.step, failure.test);
            for line in &failure.output {
                println!("  | {line}");
            }
        }
    }
    println!("\nin {}", seconds(took));
    println!("{} passed, {} failed", total.passed, total.failed);
    total.failed == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_results_of_all_binaries_are_added_up() {
        let output = "running 3 tests\n\
            test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
            test result: FAILED. 4 passed; 1 failed; 0 ignored; 0 measured; 2 filtered out; finished in 1.25s\n";
        assert_eq!(
            Counts::of_cargo_test(output),
            Counts {
                passed: 6,
                failed: 1,
                ignored: 1
            }
        );
    }

    #[test]
    fn a_test_that_failed_is_named_with_what_it_printed() {
        let output = "running 2 tests\n\
            test one::fails ... FAILED\n\
            test two::holds ... ok\n\n\
            failures:\n\n\
            ---- one::fails stdout ----\n\n\
            thread 'one::fails' panicked at src/one.rs:3:5:\n\
            left: 1\n\
            stack backtrace:\n   0: std::panicking\n\n\
            failures:\n    one::fails\n\n\
            test result: FAILED. 1 passed; 1 failed; 0 ignored\n";
        let failure = Failure {
            test: "one::fails".to_owned(),
            output: vec![
                "thread 'one::fails' panicked at src/one.rs:3:5:".to_owned(),
                "left: 1".to_owned(),
            ],
        };
        assert_eq!(Failure::of_cargo_test(output), [failure]);
    }
}
