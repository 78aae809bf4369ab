//! Header fields: what names and values they may have, and lists of them as JSON maps want them, every name once.
//!
//! Headers come in any order with repeats; a map needs the values of one name together. [`by_name`] finds them
//! without a hash map: up to 32 fields, the usual case, by looking and without allocating; above that by sorting,
//! since looking would be quadratic and the client chooses the number.

use std::cmp::Ordering;

use crate::request::Field;

/// More names and values than this in an event or answer are refused: merging lists is quadratic, and no HTTP
/// implementation takes so many.
pub(crate) const MAX_FIELDS: usize = 1024;

/// Calls `each` with the indices of all entries of one name, for every name. Order and repeats within a name are kept;
/// names come in order of their first entry, or sorted when there are more than 32 entries.
pub(crate) fn by_name(
    count: usize,
    compare: impl Fn(usize, usize) -> Ordering,
    same: impl Fn(usize, usize) -> bool,
    mut each: impl FnMut(&[usize]),
) {
    const FEW: usize = 32;
    if count > FEW {
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by(|&a, &b| compare(a, b));
        for run in order.chunk_by(|&a, &b| same(a, b)) {
            each(run);
        }
        return;
    }
    let mut done = 0_u32;
    let mut run = [0; FEW];
    for first in 0..count {
        if done >> first & 1 == 1 {
            continue;
        }
        run[0] = first;
        let mut length = 1;
        for other in first + 1..count {
            if same(first, other) {
                done |= 1 << other;
                run[length] = other;
                length += 1;
            }
        }
        each(&run[..length]);
    }
}

/// [`by_name`] for header fields, whose names ignore case.
pub(crate) fn headers_by_name(fields: &[Field<'_>], each: impl FnMut(&[usize])) {
    by_name(
        fields.len(),
        |a, b| {
            let lower = |at: usize| fields[at].0.iter().map(u8::to_ascii_lowercase);
            lower(a).cmp(lower(b))
        },
        |a, b| fields[a].0.eq_ignore_ascii_case(fields[b].0),
        each,
    );
}

/// [`by_name`] for query pairs, whose keys do not.
pub(crate) fn pairs_by_name<K: AsRef<str>, V>(pairs: &[(K, V)], each: impl FnMut(&[usize])) {
    let key = |at: usize| pairs[at].0.as_ref();
    by_name(pairs.len(), |a, b| key(a).cmp(key(b)), |a, b| key(a) == key(b), each);
}

/// The first value of a header.
pub(crate) fn first<'f>(fields: &[Field<'f>], name: &str) -> Option<&'f [u8]> {
    fields.iter().find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| *value)
}

/// RFC 9110, 5.6.2: what methods and the names of fields are.
#[inline]
pub fn is_token(text: &[u8]) -> bool {
    static TOKEN: [bool; 256] = letters_digits_and(b"!#$%&'*+-.^_`|~");
    !text.is_empty() && text.iter().all(|&byte| TOKEN[usize::from(byte)])
}

/// RFC 9110, 5.5: visible characters, spaces, tabs, and bytes above 0x7F.
#[inline]
pub fn is_value(value: &[u8]) -> bool {
    // Each byte is looked at, without a way out, so that many are at once.
    value.iter().fold(true, |fit, &byte| fit & ((byte >= 0x20) & (byte != 0x7f) | (byte == b'\t')))
}

/// A set of characters, letters and digits among them. A look in a table is a fraction of what comparing with each mark costs.
pub const fn letters_digits_and(marks: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < marks.len() {
        table[marks[at] as usize] = true;
        at += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_keep_order_within_a_name() {
        for repeat in [1, 20] {
            let names = ["b", "A", "B", "c", "a"];
            let values: Vec<String> = (0..names.len() * repeat).map(|at| at.to_string()).collect();
            let fields: Vec<Field<'_>> =
                values.iter().zip(names.iter().cycle()).map(|(v, n)| (n.as_bytes(), v.as_bytes())).collect();
            let mut seen = Vec::new();
            headers_by_name(&fields, |run| {
                assert!(run.is_sorted());
                assert!(run.iter().all(|&at| fields[at].0.eq_ignore_ascii_case(fields[run[0]].0)));
                seen.push((fields[run[0]].0.to_ascii_lowercase(), run.len()));
            });
            seen.sort();
            assert_eq!(
                seen,
                [(b"a".to_vec(), 2 * repeat), (b"b".to_vec(), 2 * repeat), (b"c".to_vec(), repeat)]
            );
        }
    }

    #[test]
    fn legal() {
        assert!(
            is_token(b"x-A_1")
                && !is_token(b"")
                && !is_token(b"a b")
                && !is_token(b"a:")
                && !is_token(b"\xe9")
        );
        assert!(
            is_value(b"")
                && is_value(b"a\tb \xff")
                && !is_value(b"a\r\nb")
                && !is_value(b"\0")
                && !is_value(b"\x7f")
        );
    }
}
