//! A weighted choice: a share of the requests for each function of a route.

/// Picks an index with probability proportional to its weight; `None` when no weight is positive. `draw` is 64
/// random bits, so the bias towards the first entries is below 2^-31.
pub(crate) fn pick(weights: impl Iterator<Item = u32> + Clone, draw: u64) -> Option<usize> {
    let total: u64 = weights.clone().map(u64::from).sum();
    if total == 0 {
        return None;
    }
    let mut left = draw % total;
    for (index, weight) in weights.enumerate() {
        let weight = u64::from(weight);
        if left < weight {
            return Some(index);
        }
        left -= weight;
    }
    None
}

/// Picks an index by a client's key: the same one each time, on every replica, with the shares that the weights say
/// over many keys. A weight that changes moves keys to or from its own function only, and the order of the list does not
/// matter (weighted rendezvous hashing: each function's lot is exponential with its weight as rate; the smallest wins).
///
/// A function is known by its `seed`.
pub(crate) fn pick_for(shares: impl Iterator<Item = (u32, u64)>, key: u64) -> Option<usize> {
    let mut best: Option<(f64, usize)> = None;
    for (index, (weight, seed)) in shares.enumerate() {
        if weight == 0 {
            continue;
        }
        // 53 bits are what the fraction of an `f64` holds; above 0, where the logarithm ends.
        let uniform = ((mix(key ^ seed) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        let lot = -uniform.ln() / f64::from(weight);
        if best.is_none_or(|(least, _)| lot < least) {
            best = Some((lot, index));
        }
    }
    best.map(|(_, index)| index)
}

/// 64 bits of a text: FNV-1a, then mixed. The same in every build, since replicas must agree.
pub(crate) fn hash(text: &[u8]) -> u64 {
    let fnv = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    mix(text.iter().fold(0xcbf2_9ce4_8422_2325, fnv))
}

/// The finaliser of SplitMix64.
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{hash, pick, pick_for};

    proptest! {
        /// Over many clients each function gets its share, within what chance allows.
        #[test]
        fn keys_fall_into_their_shares(weights in prop::collection::vec(0_u32..50, 1..6), salt in any::<u64>()) {
            let total: u32 = weights.iter().sum();
            let seeded = || weights.iter().enumerate().map(|(i, w)| (*w, hash(&[i as u8])));
            let mut counts = vec![0_u32; weights.len()];
            const KEYS: u32 = 4000;
            for key in 0..KEYS {
                let found = pick_for(seeded(), hash(format!("{salt}-{key}").as_bytes()));
                prop_assert_eq!(found.is_some(), total > 0);
                if let Some(index) = found {
                    counts[index] += 1;
                }
            }
            for (weight, count) in weights.iter().zip(counts) {
                if total == 0 || *weight == 0 {
                    prop_assert_eq!(count, 0);
                    continue;
                }
                let share = f64::from(*weight) / f64::from(total);
                // Six standard deviations: one in a billion draws lies beyond.
                let allowed = 6.0 * (f64::from(KEYS) * share * (1.0 - share)).sqrt() + 1.0;
                prop_assert!((f64::from(count) - f64::from(KEYS) * share).abs() <= allowed, "{weights:?} {count}");
            }
        }

        /// When one weight changes, clients only come to it or leave it.
        #[test]
        fn a_changed_weight_moves_no_one_else(
            weights in prop::collection::vec(0_u32..50, 2..6),
            other in 0_u32..50,
            keys in prop::collection::vec(any::<u64>(), 50),
        ) {
            let mut changed = weights.clone();
            changed[0] = other;
            let seeded = |weights: &[u32]| -> Vec<(u32, u64)> {
                weights.iter().enumerate().map(|(i, w)| (*w, hash(&[i as u8]))).collect()
            };
            for key in keys {
                let before = pick_for(seeded(&weights).into_iter(), key);
                let after = pick_for(seeded(&changed).into_iter(), key);
                let gone = before == Some(0) && other < weights[0];
                let come = after == Some(0) && other > weights[0];
                prop_assert!(before == after || gone || come, "{before:?} {after:?}");
            }
        }
    }

    #[test]
    fn a_hash_is_the_same_everywhere() {
        assert_eq!(hash(b""), 0xf52a_15e9_a9b5_e89b);
        assert_eq!(hash(b"alice"), 0xc5d1556d66774a5c);
    }

    fn check(weights: &[u32], draw: u64, expect: Option<usize>) {
        assert_eq!(pick(weights.iter().copied(), draw), expect, "{weights:?} {draw}");
    }

    #[test]
    fn shares() {
        check(&[], 0, None);
        check(&[0, 0], 5, None);
        check(&[1], u64::MAX, Some(0));
        check(&[0, 3], 0, Some(1));
        check(&[90, 10], 89, Some(0));
        check(&[90, 10], 90, Some(1));
        check(&[90, 10], 189, Some(0));
        check(&[u32::MAX, u32::MAX], u64::from(u32::MAX), Some(1));
    }

    #[test]
    fn each_draw_of_a_round_lands_in_its_share() {
        let counts = (0..100).fold([0; 3], |mut counts, draw| {
            counts[pick([20, 0, 80].into_iter(), draw).unwrap()] += 1;
            counts
        });
        assert_eq!(counts, [20, 0, 80]);
    }
}
