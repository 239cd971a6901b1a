//! The seeded source of the traffic's randomness.

/// SplitMix64 (Steele, Lea, Flood 2014, <https://doi.org/10.1145/2714064.2660195>): tiny, and the same
/// sequence on every machine. Not for secrets.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`; 0 when the bound is 0. The bias is below 1 in 2^32 for the bounds used.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next() % bound }
    }

    /// True for `ppm` of a million draws.
    pub(crate) fn chance(&mut self, ppm: u32) -> bool {
        self.below(1_000_000) < u64::from(ppm)
    }

    /// The index of one of `weights`, by weight; `None` when they add up to nothing.
    pub(crate) fn weighted(&mut self, weights: &[u64]) -> Option<usize> {
        let total: u64 = weights.iter().sum();
        if total == 0 {
            return None;
        }
        let mut left = self.below(total);
        weights.iter().position(|&weight| {
            let hit = left < weight;
            left = left.saturating_sub(weight);
            hit
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Rng;

    #[test]
    fn the_sequence_is_the_published_one() {
        let mut rng = Rng::new(1_234_567);
        assert_eq!(
            [rng.next(), rng.next()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]
        );
    }

    #[test]
    fn weights_are_kept() {
        let mut rng = Rng::new(7);
        let mut hits = [0_u32; 3];
        for _ in 0..10_000 {
            hits[rng.weighted(&[60, 0, 40]).unwrap()] += 1;
        }
        assert_eq!(hits[1], 0);
        assert!((5_700..6_300).contains(&hits[0]), "{hits:?}");
        assert_eq!(rng.weighted(&[0, 0]), None);
    }
}
