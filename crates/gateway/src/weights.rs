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

#[cfg(test)]
mod tests {
    use super::pick;

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
