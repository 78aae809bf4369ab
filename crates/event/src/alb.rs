//! `alb` and `alb_multi_value`: a Lambda target of an Application Load Balancer.
//!
//! A target group sends either single-value maps (the last value of a name wins) or, with
//! `lambda.multi_value_headers.enabled`, multi-value maps; the other two keys are absent, and an answer must come in the
//! same style. Path and query are as sent, undecoded; an empty query is `{}` and an empty body `""`. Recorded 10 July
//! 2026 (hotsock/voker, MIT); "Lambda functions as targets" in the ALB user guide.
//!
//! One deviation: an answer in the other style keeps its headers, where an ALB drops them.

use crate::answer::{Answer, AnswerError};
use crate::context;
use crate::envelope::Envelope;
use crate::fields;
use crate::json::{Object, writer};
use crate::reply::{self, Reply};
use crate::request::{Context, EventError, Field, Kind, Received, Request};
use crate::{query, rest_v1, text};

/// The two settings of a target group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Maps {
    Single,
    Multi,
}

pub(crate) fn encode_request(maps: Maps, request: &Request<'_>, context: &Context<'_>, out: &mut Vec<u8>) {
    let mut event = Object::open(out);
    let mut request_context = Object::open(event.key("requestContext"));
    let mut elb = Object::open(request_context.key("elb"));
    elb.string("targetGroupArn", context.target_group_arn);
    elb.close();
    request_context.close();
    event.string("httpMethod", request.method);
    event.string("path", request.path);
    parameters(maps, &mut event, request.query);
    headers(maps, &mut event, request.headers);
    let text = text::plain_request(request);
    text::write(&mut event, request.body, text);
    event.bool("isBase64Encoded", text.is_none());
    event.close();
}

pub(crate) fn decode_request<'a>(envelope: &Envelope<'a>) -> Result<Received<'a>, EventError> {
    rest_v1::decode_maps(envelope, query::push_raw)
}

/// Writes exactly one of the two header maps, and the description that older load balancers need for the reason phrase.
pub(crate) fn open_answer<'o>(kind: Kind, answer: &Answer<'_>, out: &'o mut Vec<u8>) -> Object<'o> {
    let mut object = Object::open(out);
    object.number("statusCode", answer.status.into());
    let status = answer.status;
    object.string("statusDescription", format!("{status} {}", reason(status)).trim_end());
    if kind == Kind::AlbMultiValue {
        rest_v1::multi_value_headers(&mut object, answer);
    } else {
        single_headers(&mut object, answer);
    }
    object
}

/// Rules of the ALB user guide: an object with a status; keys beside the known ones are ignored.
pub(crate) fn decode_answer(maps: Maps, payload: &[u8]) -> Result<Answer<'_>, AnswerError> {
    let reply = Reply::read_object(payload)?;
    let Some(status) = reply.status()? else {
        return Err(AnswerError::BadKey { key: "statusCode", reason: "it is missing".to_owned() });
    };
    let (first, second) = match maps {
        Maps::Single => (reply.single()?, reply.multi()?),
        Maps::Multi => (reply.multi()?, reply.single()?),
    };
    let mut headers = if first.is_empty() { second } else { first };
    reply::default_type(status, &mut headers, "application/octet-stream");
    Ok(Answer { status, headers, body: reply.body(true)? })
}

fn parameters(maps: Maps, event: &mut Object<'_>, raw: &str) {
    let pairs: Vec<(&str, &str)> = query::raw_pairs(raw).collect();
    let mut map = Object::open(match maps {
        Maps::Single => event.key("queryStringParameters"),
        Maps::Multi => event.key("multiValueQueryStringParameters"),
    });
    fields::pairs_by_name(&pairs, |run| {
        let out = map.foreign_key(pairs[run[0]].0.as_bytes());
        match maps {
            Maps::Single => writer::string(out, pairs[run[run.len() - 1]].1),
            Maps::Multi => writer::array(out, run.iter().map(|&at| pairs[at].1), writer::string),
        }
    });
    map.close();
}

fn headers(maps: Maps, event: &mut Object<'_>, fields: &[Field<'_>]) {
    let mut map = Object::open(match maps {
        Maps::Single => event.key("headers"),
        Maps::Multi => event.key("multiValueHeaders"),
    });
    fields::headers_by_name(fields, |run| {
        let out = map.foreign_key(&context::lower(fields[run[0]].0));
        match maps {
            Maps::Single => writer::bytes(out, fields[run[run.len() - 1]].1),
            Maps::Multi => writer::array(out, run.iter().map(|&at| fields[at].1), writer::bytes),
        }
    });
    map.close();
}

/// A map with one value a name. Lists are joined with a comma; cookies cannot be, so each gets a spelling of its own,
/// which is as many as a name of nine letters has: 512. The client sees one name, since case does not matter in HTTP.
pub(crate) fn single_headers(object: &mut Object<'_>, answer: &Answer<'_>) {
    let fields: Vec<Field<'_>> = answer.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    let mut map = Object::open(object.key("headers"));
    fields::headers_by_name(&fields, |run| {
        let name = fields[run[0]].0;
        if name.eq_ignore_ascii_case(b"set-cookie") {
            for (&at, spelling) in run.iter().zip(0..512) {
                writer::bytes(map.foreign_key(&spelled(spelling)), fields[at].1);
            }
            return;
        }
        let out = map.foreign_key(name);
        out.push(b'"');
        for (place, &at) in run.iter().enumerate() {
            if place > 0 {
                out.extend_from_slice(b", ");
            }
            writer::fragment(out, fields[at].1);
        }
        out.push(b'"');
    });
    map.close();
}

/// `set-cookie` with the letters upper-cased that have a bit in `spelling`.
fn spelled(spelling: u32) -> [u8; 10] {
    let mut name = *b"set-cookie";
    for (place, letter) in name.iter_mut().filter(|letter| letter.is_ascii_alphabetic()).enumerate() {
        if spelling >> place & 1 == 1 {
            letter.make_ascii_uppercase();
        }
    }
    name
}

/// The reason phrases of the IANA registry.
const fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        101 => "Switching Protocols",
        102 => "Processing",
        103 => "Early Hints",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        203 => "Non-Authoritative Information",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        207 => "Multi-Status",
        208 => "Already Reported",
        226 => "IM Used",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        305 => "Use Proxy",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        423 => "Locked",
        424 => "Failed Dependency",
        425 => "Too Early",
        426 => "Upgrade Required",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        506 => "Variant Also Negotiates",
        507 => "Insufficient Storage",
        508 => "Loop Detected",
        511 => "Network Authentication Required",
        _ => "",
    }
}
