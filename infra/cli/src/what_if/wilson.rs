//! Wilson's score interval: where a proportion lies that was seen in a number of trials.
//!
//! E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", Journal of the American
//! Statistical Association 22 (1927), 209–212, <https://doi.org/10.1080/01621459.1927.10502953>. It keeps its coverage
//! for few trials and for proportions near 0 and 1, where the normal approximation does not (L. D. Brown, T. T. Cai,
//! A. DasGupta, "Interval Estimation for a Binomial Proportion", Statistical Science 16 (2001), 101–133,
//! <https://doi.org/10.1214/ss/1009213286>).

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// How sure the bounds are, both together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Confidence {
    /// 90 %.
    P90,
    /// 95 %.
    P95,
    /// 99 %.
    P99,
}

impl Confidence {
    /// The normal quantile of `1 − (1 − confidence) / 2`: <https://www.itl.nist.gov/div898/handbook/eda/section3/eda3671.htm>.
    pub(crate) fn z(self) -> f64 {
        match self {
            Confidence::P90 => 1.644_853_626_951_472_2,
            Confidence::P95 => 1.959_963_984_540_054,
            Confidence::P99 => 2.575_829_303_548_900_4,
        }
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Confidence::P90 => "0.90",
            Confidence::P95 => "0.95",
            Confidence::P99 => "0.99",
        })
    }
}

impl FromStr for Confidence {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "0.9" | "0.90" => Ok(Confidence::P90),
            "0.95" => Ok(Confidence::P95),
            "0.99" => Ok(Confidence::P99),
            _ => Err("is none of 0.90, 0.95 and 0.99"),
        }
    }
}

impl Serialize for Confidence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Between which bounds a proportion lies, 0–1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Bounds {
    /// The lower one.
    pub(crate) lower: f64,
    /// The upper one.
    pub(crate) upper: f64,
}

/// The bounds of a proportion of `share` among `trials`. Trials may be a fraction: the effective number of weighted ones.
/// Without trials nothing is known: 0–1.
pub(crate) fn bounds(share: f64, trials: f64, confidence: Confidence) -> Bounds {
    if trials.is_nan() || trials <= 0.0 {
        return Bounds {
            lower: 0.0,
            upper: 1.0,
        };
    }
    let share = share.clamp(0.0, 1.0);
    let zz = confidence.z() * confidence.z();
    let scale = 1.0 + zz / trials;
    let centre = (share + zz / (2.0 * trials)) / scale;
    let half =
        confidence.z() * (share * (1.0 - share) / trials + zz / (4.0 * trials * trials)).sqrt() / scale;
    // At 0 and 1 a bound is the share itself, which rounding could miss by a little.
    Bounds {
        lower: (centre - half).clamp(0.0, share),
        upper: (centre + half).clamp(share, 1.0),
    }
}

/// The fewest trials whose lower bound meets a target if every one of them succeeds: from `n / (n + z²) ≥ target`.
pub(crate) fn fewest(target: f64, confidence: Confidence) -> u64 {
    let zz = confidence.z() * confidence.z();
    let trials = (zz * target / (1.0 - target)).ceil().max(1.0);
    // Saturates where a target is so near to 1 that nothing meets it.
    trials as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EVERY: [Confidence; 3] = [Confidence::P90, Confidence::P95, Confidence::P99];

    fn of(successes: f64, trials: f64, confidence: Confidence) -> (f64, f64) {
        let Bounds { lower, upper } = bounds(successes / trials, trials, confidence);
        let rounded = |bound: f64| (bound * 10_000.0).round() / 10_000.0;
        (rounded(lower), rounded(upper))
    }

    /// 10 of 10, 0 of 10 and 50 of 100 as R's `binom::binom.confint(method = "wilson")` has them; 81 of 263 and 15 of
    /// 148 from R. G. Newcombe, Statistics in Medicine 17 (1998), 857–872, table I, method 3.
    #[test]
    fn known_bounds_are_reproduced() {
        assert_eq!(of(10.0, 10.0, Confidence::P95), (0.7225, 1.0));
        assert_eq!(of(0.0, 10.0, Confidence::P95), (0.0, 0.2775));
        assert_eq!(of(50.0, 100.0, Confidence::P95), (0.4038, 0.5962));
        assert_eq!(of(81.0, 263.0, Confidence::P95), (0.2553, 0.3662));
        assert_eq!(of(15.0, 148.0, Confidence::P95), (0.0624, 0.1605));
        assert_eq!(of(0.0, 20.0, Confidence::P95), (0.0, 0.1611));
        assert_eq!(of(1.0, 29.0, Confidence::P95), (0.0061, 0.1718));
    }

    #[test]
    fn without_trials_nothing_is_known() {
        for trials in [0.0, -1.0, f64::NAN] {
            let Bounds { lower, upper } = bounds(0.7, trials, Confidence::P95);
            assert_eq!((lower, upper), (0.0, 1.0));
        }
    }

    #[test]
    fn a_confidence_is_one_of_three() {
        for confidence in EVERY {
            assert_eq!(confidence.to_string().parse(), Ok(confidence));
        }
        for text in ["", "95", "0.950", "1", "0.5", "NaN"] {
            assert!(text.parse::<Confidence>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn bounds_lie_within_0_and_1_and_hold_the_share(successes in 0_u32..=5000, others in 0_u32..5000, at in 0_usize..3) {
            let trials = f64::from(successes + others);
            prop_assume!(trials > 0.0);
            let share = f64::from(successes) / trials;
            let Bounds { lower, upper } = bounds(share, trials, EVERY[at]);
            prop_assert!(0.0 <= lower && lower <= share && share <= upper && upper <= 1.0);
            prop_assert!(lower < upper);
        }

        #[test]
        fn bounds_tighten_with_trials_and_widen_with_confidence(share in 0.0_f64..=1.0, trials in 0.5_f64..1e6, more in 1.01_f64..100.0) {
            let width = |trials, confidence| {
                let Bounds { lower, upper } = bounds(share, trials, confidence);
                upper - lower
            };
            prop_assert!(width(trials * more, Confidence::P95) < width(trials, Confidence::P95));
            prop_assert!(width(trials, Confidence::P90) < width(trials, Confidence::P95));
            prop_assert!(width(trials, Confidence::P95) < width(trials, Confidence::P99));
        }

        #[test]
        fn the_fewest_trials_meet_the_target_and_one_less_does_not(target in 0.01_f64..0.999, at in 0_usize..3) {
            let fewest = fewest(target, EVERY[at]) as f64;
            let lower = |trials| bounds(1.0, trials, EVERY[at]).lower;
            prop_assert!(lower(fewest) >= target - 1e-12, "{}", lower(fewest));
            prop_assert!(fewest <= 1.0 || lower(fewest - 1.0) < target);
        }
    }
}
