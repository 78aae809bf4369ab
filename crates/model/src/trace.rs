//! Which trace a request belongs to, in the two ways in which it is written: W3C's `traceparent` and AWS's
//! `X-Amzn-Trace-Id`.
//!
//! Both name a trace by 128 bits and the calling span by 64. AWS writes the trace as `1-`, eight digits and 24 digits,
//! of which the eight are the second of its beginning; W3C writes the same 32 digits in a row. So each can be written as
//! the other, and reads back as what it was. Whether the trace is recorded may be open in AWS's form alone (no `Sampled`:
//! whoever is called decides); W3C has a bit for it, which is then not set.
//!
//! What cannot be read is no context at all: a trace is never a reason to refuse a request.
//!
//! Sources: W3C Trace Context, "traceparent Header Field Values"; X-Ray developer guide, "Tracing header" and "Trace IDs".

use std::fmt;

/// 128 bits, never zero; shown as 32 lower-case digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

/// 64 bits, never zero; shown as 16 lower-case digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId(u64);

/// A request's place in its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace: TraceId,
    /// The span that calls; AWS's load balancers name none.
    pub parent: Option<SpanId>,
    /// Whether the trace is recorded; `None` leaves that to whoever is called.
    pub sampled: Option<bool>,
}

impl TraceId {
    /// A new trace, of random bits, that begins at this second since 1970: X-Ray wants the time in front.
    pub fn begin(second: u64, high: u64, low: u64) -> Self {
        let time = u128::from(second as u32) << 96;
        let random = ((u128::from(high) << 64) | u128::from(low)) & (u128::MAX >> 32);
        Self((time | random).max(1))
    }

    /// The bytes, as OTLP has them.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl SpanId {
    /// Of random bits.
    pub fn new(draw: u64) -> Self {
        Self(draw.max(1))
    }

    /// The bytes, as OTLP has them.
    pub fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl TraceContext {
    /// Reads `traceparent`. A later version is read as far as this one goes, as the standard asks.
    pub fn from_traceparent(text: &str) -> Option<Self> {
        let text = text.trim_matches([' ', '\t']);
        let mut parts = text.splitn(4, '-');
        let (version, trace, parent) = (parts.next()?, parts.next()?, parts.next()?);
        let rest = parts.next()?;
        let version = digits(version, 2)?;
        // Version 0 ends with its flags; `ff` is forbidden.
        let flags = match (version, rest.split_once('-')) {
            (0xff, _) | (0, Some(_)) => return None,
            (_, Some((flags, _))) => flags,
            (_, None) => rest,
        };
        let flags = digits(flags, 2)?;
        Some(Self { trace: trace_id(trace)?, parent: Some(span_id(parent)?), sampled: Some(flags & 1 == 1) })
    }

    /// Reads `X-Amzn-Trace-Id`: fields in any order, unknown ones passed over.
    pub fn from_xray(text: &str) -> Option<Self> {
        let (mut trace, mut parent, mut sampled) = (None, None, None);
        for (name, value) in text.split(';').filter_map(|field| field.trim().split_once('=')) {
            match name {
                "Root" => trace = xray_root(value),
                "Parent" => parent = span_id(value),
                "Sampled" => {
                    sampled = [("0", false), ("1", true)].iter().find(|(w, _)| *w == value).map(|s| s.1)
                }
                _ => {}
            }
        }
        Some(Self { trace: trace?, parent, sampled })
    }

    /// `traceparent`; `span` stands where the caller named none, since the form must name one.
    pub fn traceparent(&self, span: SpanId) -> String {
        let flags = u8::from(self.sampled == Some(true));
        format!("00-{}-{}-{flags:02x}", self.trace, self.parent.unwrap_or(span))
    }

    /// `X-Amzn-Trace-Id`.
    pub fn xray(&self) -> String {
        let digits = self.trace.to_string();
        let (time, rest) = digits.split_at(8);
        let mut text = format!("Root=1-{time}-{rest}");
        if let Some(parent) = self.parent {
            text.push_str(&format!(";Parent={parent}"));
        }
        if let Some(sampled) = self.sampled {
            text.push_str(if sampled { ";Sampled=1" } else { ";Sampled=0" });
        }
        text
    }

    /// The context of what is called from within `span`.
    #[must_use]
    pub fn within(self, span: SpanId) -> Self {
        Self { parent: Some(span), ..self }
    }
}

fn xray_root(text: &str) -> Option<TraceId> {
    let (time, rest) = text.strip_prefix("1-")?.split_once('-')?;
    let (time, rest) = (digits(time, 8)?, digits(rest, 24)?);
    Some(TraceId((time << 96) | rest)).filter(|id| id.0 != 0)
}

fn trace_id(text: &str) -> Option<TraceId> {
    digits(text, 32).map(TraceId).filter(|id| id.0 != 0)
}

fn span_id(text: &str) -> Option<SpanId> {
    let bits = u64::try_from(digits(text, 16)?).ok()?;
    Some(SpanId(bits)).filter(|id| id.0 != 0)
}

/// Exactly `count` lower-case hexadecimal digits.
fn digits(text: &str, count: usize) -> Option<u128> {
    let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    (text.len() == count && text.bytes().all(is_digit)).then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::{SpanId, TraceContext, TraceId};

    const ID: &str = "67891233abcdef012345678912345678";
    const SPAN: &str = "53995c3f42cd8ad8";

    /// What a text reads as, written in both forms; `-` for nothing.
    #[track_caller]
    fn check(read: fn(&str) -> Option<TraceContext>, text: &str, parent: &str, xray: &str) {
        let found = read(text);
        let shown = found.map(|context| (context.traceparent(SpanId::new(1)), context.xray()));
        let (found_parent, found_xray) = shown.unwrap_or_else(|| ("-".into(), "-".into()));
        assert_eq!((found_parent.as_str(), found_xray.as_str()), (parent, xray), "{text}");
    }

    #[test]
    fn traceparents() {
        let read = TraceContext::from_traceparent;
        let plain = format!("00-{ID}-{SPAN}-01");
        let xray = format!("Root=1-67891233-abcdef012345678912345678;Parent={SPAN};Sampled=1");
        check(read, &plain, &plain, &xray);
        check(read, &format!(" {plain}\t"), &plain, &xray);
        let not = format!("00-{ID}-{SPAN}-02");
        check(read, &not, &format!("00-{ID}-{SPAN}-00"), &xray.replace("Sampled=1", "Sampled=0"));
        check(read, &format!("cc-{ID}-{SPAN}-01-what-comes"), &plain, &xray);
        check(read, &format!("cc-{ID}-{SPAN}-01"), &plain, &xray);
        for wrong in [
            String::new(),
            "00".into(),
            format!("00-{ID}-{SPAN}"),
            format!("00-{ID}-{SPAN}-1"),
            format!("00-{ID}-{SPAN}-01-x"),
            format!("ff-{ID}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", ID.to_uppercase()),
            format!("00-{}-{SPAN}-01", "0".repeat(32)),
            format!("00-{ID}-{}-01", "0".repeat(16)),
            format!("00-{ID}0-{SPAN}-01"),
            format!("00-+{}-{SPAN}-01", &ID[1..]),
            format!("00-é{}-{SPAN}-01", &ID[2..]),
        ] {
            check(read, &wrong, "-", "-");
        }
    }

    #[test]
    fn xray_headers() {
        let read = TraceContext::from_xray;
        let root = "Root=1-67891233-abcdef012345678912345678";
        let full = format!("{root};Parent={SPAN};Sampled=1");
        check(read, &full, &format!("00-{ID}-{SPAN}-01"), &full);
        let mixed = format!("Self=1-6-1; Sampled=0 ;Lineage=1:a:0;{root}");
        check(read, &mixed, &format!("00-{ID}-0000000000000001-00"), &format!("{root};Sampled=0"));
        // Undecided, in words and by saying nothing.
        for open in [root.to_owned(), format!("{root};Sampled=?")] {
            check(read, &open, &format!("00-{ID}-0000000000000001-00"), root);
        }
        for wrong in
            ["", "Root", "Root=2-67891233-abcdef012345678912345678", "Root=1-6789-abcdef", "Sampled=1"]
        {
            check(read, wrong, "-", "-");
        }
    }

    #[test]
    fn new_ids() {
        let id = TraceId::begin(0x6789_1233, u64::MAX, 7);
        assert_eq!(id.to_string(), "67891233ffffffff0000000000000007");
        assert_eq!(id.to_bytes()[..4], [0x67, 0x89, 0x12, 0x33]);
        assert_eq!(TraceId::begin(0, 0, 0).to_string(), format!("{:032}", 1));
        let context = TraceContext { trace: id, parent: None, sampled: None };
        assert_eq!(
            context.within(SpanId::new(2)).xray(),
            "Root=1-67891233-ffffffff0000000000000007;Parent=0000000000000002"
        );
    }
}
