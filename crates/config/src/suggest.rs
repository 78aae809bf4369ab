//! "Did you mean": the candidate nearest to what was typed, if it is near.

/// Longer words are not compared.
const MAX_LENGTH: usize = 48;
/// So many candidates are looked at.
const MAX_CANDIDATES: usize = 1000;

/// The candidate with the smallest edit distance, at most a third of the word's length.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_ascii_lowercase().replace(['-', ' '], "_");
    let word = plain(word);
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .take(MAX_CANDIDATES)
        .map(|candidate| (distance(&word, &plain(candidate)), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().max(b.len()) > MAX_LENGTH {
        return usize::MAX;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            let mut cost = (above[j] + 1).min(row[j - 1] + 1).min(above[j - 1] + same);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                cost = cost.min(before[j - 2] + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    fn check(word: &str, expect: Option<&str>) {
        let keys = ["region", "endpoint", "credentials", "path_prefix", "id"];
        assert_eq!(nearest(word, keys), expect, "{word}");
    }

    #[test]
    fn near_and_far() {
        check("regoin", Some("region"));
        check("Region", Some("region"));
        check("path-prefix", Some("path_prefix"));
        check("pathprefix", Some("path_prefix"));
        check("endpont", Some("endpoint"));
        check("ie", Some("id"));
        check("timeout", None);
        check("", None);
        check(&"x".repeat(1000), None);
    }
}
