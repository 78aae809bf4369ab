//! Request paths of the Invoke APIs, written and read.
//!
//! One path segment is the function name. Writers encode all but RFC 3986's unreserved characters, as the SDKs do, so an
//! ARN's `:` travels as `%3A`. Readers decode once, refuse a broken escape or what is not UTF-8, and take `:` unencoded too.

/// Which of the calls a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `Invoke`.
    Invoke,
    /// `InvokeWithResponseStream`.
    InvokeStream,
    /// The deprecated `InvokeAsync`.
    InvokeAsync,
}

/// A request path that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvokePath {
    /// The call.
    pub operation: Operation,
    /// The decoded function name, not parsed yet.
    pub name: String,
    /// The decoded `?Qualifier=`.
    pub qualifier: Option<String>,
}

const FORMS: [(&str, &str, Operation); 3] = [
    ("/2015-03-31/functions/", "/invocations", Operation::Invoke),
    ("/2021-11-15/functions/", "/response-streaming-invocations", Operation::InvokeStream),
    ("/2014-11-13/functions/", "/invoke-async", Operation::InvokeAsync),
];

/// Path and query of an `Invoke`.
pub fn invoke_path(name: &str, qualifier: Option<&str>) -> String {
    write(&FORMS[0], name, qualifier)
}

/// Path and query of an `InvokeWithResponseStream`.
pub fn stream_path(name: &str, qualifier: Option<&str>) -> String {
    write(&FORMS[1], name, qualifier)
}

fn write((head, tail, _): &(&str, &str, Operation), name: &str, qualifier: Option<&str>) -> String {
    let mut path = String::with_capacity(head.len() + tail.len() + name.len() * 2);
    path.push_str(head);
    encode_segment(name, &mut path);
    path.push_str(tail);
    if let Some(qualifier) = qualifier {
        path.push_str("?Qualifier=");
        encode_segment(qualifier, &mut path);
    }
    path
}

/// Reads a request target, query included. `None` is "no such path" or a broken escape.
pub fn parse_path(target: &str) -> Option<InvokePath> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (operation, name) = FORMS.iter().find_map(|(head, tail, operation)| {
        // InvokeAsync's own form ends in a slash; some clients leave it out.
        let path =
            if *operation == Operation::InvokeAsync { path.strip_suffix('/').unwrap_or(path) } else { path };
        Some((*operation, path.strip_prefix(head)?.strip_suffix(tail)?))
    })?;
    if name.is_empty() || name.contains('/') {
        return None;
    }
    let qualifier = match query.split('&').find_map(|pair| pair.strip_prefix("Qualifier=")) {
        Some(text) if !text.is_empty() => Some(decode_segment(text)?),
        _ => None,
    };
    Some(InvokePath { operation, name: decode_segment(name)?, qualifier })
}

/// Appends `text` percent-encoded: all but letters, digits and `-._~`.
pub fn encode_segment(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

/// Decodes percent escapes once; `None` for a broken escape or bytes that are not UTF-8.
pub fn decode_segment(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            out.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(target: &str, expect: Option<(Operation, &str, Option<&str>)>) {
        let found = parse_path(target);
        let found = found.as_ref().map(|p| (p.operation, p.name.as_str(), p.qualifier.as_deref()));
        assert_eq!(found, expect, "{target}");
    }

    #[test]
    fn paths() {
        use Operation::*;
        check("/2015-03-31/functions/f/invocations", Some((Invoke, "f", None)));
        check("/2015-03-31/functions/f/invocations?Qualifier=live", Some((Invoke, "f", Some("live"))));
        check(
            "/2015-03-31/functions/f/invocations?a=b&Qualifier=%24LATEST",
            Some((Invoke, "f", Some("$LATEST"))),
        );
        check("/2015-03-31/functions/f/invocations?Qualifier=", Some((Invoke, "f", None)));
        check("/2015-03-31/functions/arn%3Aaws%3alambda/invocations", Some((Invoke, "arn:aws:lambda", None)));
        check("/2015-03-31/functions/f:live/invocations", Some((Invoke, "f:live", None)));
        check("/2021-11-15/functions/f/response-streaming-invocations", Some((InvokeStream, "f", None)));
        check("/2014-11-13/functions/f/invoke-async", Some((InvokeAsync, "f", None)));
        check("/2014-11-13/functions/f/invoke-async/", Some((InvokeAsync, "f", None)));
    }

    #[test]
    fn no_paths() {
        for target in [
            "",
            "/",
            "/2015-03-31/functions//invocations",
            "/2015-03-31/functions/a/b/invocations",
            "/2015-03-31/functions/f/invocations/",
            "/2015-03-31/functions/%/invocations",
            "/2015-03-31/functions/%zz/invocations",
            "/2015-03-31/functions/%ff/invocations",
            "/2015-03-31/functions/f/response-streaming-invocations",
            "/2015-03-31/functions/invocations",
            "/2015-03-31/functions/f/invocations?Qualifier=%2",
        ] {
            check(target, None);
        }
    }

    #[test]
    fn written_as_the_sdks_do() {
        assert_eq!(
            invoke_path("arn:aws:lambda:eu-west-1:123456789012:function:f", Some("$LATEST")),
            "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Af/invocations?Qualifier=%24LATEST"
        );
    }

    proptest! {
        #[test]
        fn written_is_read(name in ".{1,80}", qualifier in proptest::option::of(".{1,20}")) {
            for (path, operation) in [
                (invoke_path(&name, qualifier.as_deref()), Operation::Invoke),
                (stream_path(&name, qualifier.as_deref()), Operation::InvokeStream),
            ] {
                let expect = InvokePath { operation, name: name.clone(), qualifier: qualifier.clone() };
                prop_assert_eq!(parse_path(&path), Some(expect));
            }
        }
        #[test]
        fn any_text(target in ".{0,100}") {
            let _ = parse_path(&target);
        }
    }
}
