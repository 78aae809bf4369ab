//! Templates and what they give; places of errors; values that would like to break out.

use proptest::prelude::*;

use super::*;

const CONTEXT: Context<'static> = Context {
    request_id: "id-1",
    time_ms: 1_783_711_146_671,
    source_ip: "203.0.113.7",
    protocol: "HTTP/1.1",
    domain_name: "shop.example.com",
    account_id: "",
    region: "",
    api_id: "",
    stage: "",
    resource: Some("/users/{id}"),
    path_parameters: &[("id", "a%20b"), ("n", "7")],
    binary_media_types: None,
    target_group_arn: "",
};

const HEADERS: &[(&[u8], &[u8])] = &[
    (b"x-env", b"prod"),
    (b"Accept", b"a"),
    (b"accept", b"b\xe9"),
    (b"cookie", b"a=1"),
    (b"cookie", b"b=2"),
];

fn source(text: &str) -> EventTemplate {
    let origin = Origin { file: "f.yaml".to_owned(), line: 10, column: 5 };
    EventTemplate { text: text.to_owned(), origin, in_place: true }
}

fn template(text: &str) -> Template {
    Template::compile(&source(text)).unwrap_or_else(|problem| panic!("{text}: {}", problem.message))
}

fn request(body: &[u8]) -> Request<'_> {
    Request {
        method: "POST",
        path: "/users/a%20b",
        query: "q=a+b&q=%22x%22&empty&n=1",
        headers: HEADERS,
        body,
    }
}

fn render(text: &str, body: &[u8]) -> Result<String, Refusal> {
    let event = template(text).render(&request(body), &CONTEXT, 4096)?;
    Ok(String::from_utf8(event.to_vec()).unwrap())
}

#[track_caller]
fn check(text: &str, body: &str, expect: &str) {
    assert_eq!(render(text, body.as_bytes()).as_deref(), Ok(expect), "{text}");
}

#[track_caller]
fn check_refused(text: &str, body: &[u8], reason: Reason, detail: &str) {
    let refusal = render(text, body).unwrap_err();
    let found = refusal.detail.unwrap_or_default();
    assert_eq!((refusal.reason, found.contains(detail)), (reason, true), "{text}: {found}");
}

#[track_caller]
fn check_wrong(text: &str, line: u32, column: u32, message: &str) {
    let problem = Template::compile(&source(text)).map(|_| ()).unwrap_err();
    let found = (problem.origin.line, problem.origin.column, problem.message);
    assert_eq!(found, (line, column, format!("the template: {message}")), "{text}");
}

#[test]
fn values_fit_their_place() {
    check(r#"{"a": {{ params.id }}, "b": "{{ params.id }}"}"#, "", r#"{"a": "a b", "b": "a b"}"#);
    check(r#"["{{ query.q }}", {{ multi_query.q }}]"#, "", r#"["a b", ["a b","\"x\""]]"#);
    check(r#"["{{ multi_query.q }}"]"#, "", r#"["[\"a b\",\"\\\"x\\\"\"]"]"#);
    check(r#"{ {{ query.q }}: {{ json.n }} }"#, r#"{"n": 1.50}"#, r#"{ "a b": 1.5 }"#);
    check(
        r#"["n={{ json.n }}", "{{ json.t }}", "{{ json.z }}"]"#,
        r#"{"n": 42, "t": true, "z": null}"#,
        r#"["n=42", "true", "null"]"#,
    );
    check("{{ json }}", r#"{"z": [1, {"a": "é\n"}], "a": null}"#, r#"{"z":[1,{"a":"é\n"}],"a":null}"#);
    check(
        r#"{{ [method, path, raw_query, protocol, host, source_ip, request_id, resource] }}"#,
        "",
        r#"["POST","/users/a%20b","q=a+b&q=%22x%22&empty&n=1","HTTP/1.1","shop.example.com","203.0.113.7","id-1","/users/{id}"]"#,
    );
    check(
        r#"[{{ headers["x-env"] }}, {{ headers.accept }}, {{ headers.cookie }}, {{ multi_headers.cookie }}]"#,
        "",
        r#"["prod", "a, bé", "a=1; b=2", ["a=1","b=2"]]"#,
    );
    check(r#"{{ [body, body_base64, time_ms] }}"#, "a\"\n", r#"["a\"\n","YSIK",1783711146671]"#);
}

#[test]
fn the_language() {
    check(r#"{{ query.empty | default("none", true) }}"#, "", "\"none\"");
    check(r#"{{ query.missing | default(1) }}"#, "", "1");
    check(r#"{% if json is defined %}{{ json }}{% else %}null{% endif %}"#, "", "null");
    check(
        r#"[{% for item in json %}{{ item | upper }}{% if not loop.last %},{% endif %}{% endfor %}]"#,
        r#"["a","b"]"#,
        r#"["A","B"]"#,
    );
    check("{# a \"note #}{{ params.n | int + 1 }}", "", "8");
    // What was collected is a value like any other.
    check(r#"{% set x %}{{ query.q }}!{% endset %}["{{ x }}", {{ x }}]"#, "", r#"["\"a b\"!", "\"a b\"!"]"#);
}

#[test]
fn what_a_client_lacks() {
    for (text, body, detail) in [
        ("{{ query.missing }}", &b""[..], "undefined"),
        ("{{ json.id }}", b"", "undefined"),
        ("{{ json }}", b"{", "the body is no JSON"),
        ("{{ json.id }}", b"{", "the body is no JSON"),
        ("{{ body }}", b"\xff", "the body is no text"),
        ("[{% for x in json %}{% endfor %}]", b"[[", "the body is no JSON"),
        ("\n\n{{ [query.missing] }}", b"", "undefined"),
    ] {
        check_refused(text, body, Reason::Incomplete, detail);
    }
}

#[test]
fn what_the_template_gets_wrong() {
    let template = Reason::Template;
    check_refused("{{ method }}{{ method }}", b"", template, "no JSON");
    check_refused("", b"", template, "no JSON");
    check_refused(r#"{"a": 1,}"#, b"", template, "no JSON");
    check_refused(r#"["\{{ method }}"]"#, b"", template, "behind a backslash");
    check_refused("{{ method + 1 }}", b"", template, "line 1");
    check_refused("{{ json.a * 10 }}", br#"{"a":1e308}"#, template, "no number of JSON");
    let loops = "{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}{% endfor %}1";
    check_refused(loops, b"", template, "fuel");
    let deep = "[".repeat(120) + &"]".repeat(120);
    check("{{ json }}", &deep, &deep);
    check_refused("{{ json }}", "[".repeat(200).as_bytes(), Reason::Incomplete, "recursion limit");
}

#[test]
fn an_event_has_a_bound() {
    for text in ["{{ body }}", "[{% for a in range(10000) %}1,{% endfor %}1]"] {
        assert_eq!(render(text, &[b'x'; 4095]).unwrap_err().reason, Reason::EventTooLarge, "{text}");
    }
}

#[test]
fn errors_have_a_place() {
    check_wrong(
        "{\n  \"a\": {{ params.id }\n}",
        11,
        25,
        "syntax error: unexpected `}`, expected end of variable block",
    );
    check_wrong("{{ bdy }}", 10, 8, NAMES_HELP);
    check_wrong("{\"body\": {{ body }},\n \"b\": {{ headers.bdy }}, \"c\": {{ bdy }}}", 11, 38, NAMES_HELP);
    check_wrong("[\n{{ method | uper }}]", 11, 17, "unknown filter: filter uper is unknown");
    check_wrong("{{ method | safe }}", 10, 17, "unknown filter: filter safe is unknown");
    check_wrong("{{ method is uper }}", 10, 18, "unknown test: test uper is unknown");
    check_wrong("{{ method", 10, 8, "syntax error: unexpected end of input, expected end of variable block");
    check_wrong("{% include \"x\" %}", 10, 8, "syntax error: unknown statement include");
}

const NAMES_HELP: &str = "`bdy` is no name of a request; there are `method`, `path`, `raw_query`, `protocol`, `params`, \
    `query`, `multi_query`, `headers`, `multi_headers`, `body`, `body_base64`, `json`, `host`, `source_ip`, `request_id`, \
    `time_ms`, `resource`";

#[test]
fn a_text_that_is_not_in_place_names_its_own_lines() {
    let source = EventTemplate { in_place: false, ..source("[\n{{ bdy }}]") };
    let problem = Template::compile(&source).map(|_| ()).unwrap_err();
    assert_eq!((problem.origin.line, problem.origin.column), (10, 5));
    assert_eq!(problem.message, format!("line 2, column 4 of the template: {NAMES_HELP}"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a client sends, the event has the shape that the template gives it, and its values come back.
    #[test]
    fn no_value_breaks_out(
        body in prop_oneof![any::<String>(), "[\"\\\\,:{}\\[\\] a1\\n-]{0,12}"],
        value in prop_oneof![any::<String>(), "[\"\\\\,:{}\\[\\]%+&= a1-]{0,12}"],
    ) {
        let template = template(
            r#"{"a": {{ body }}, "b": "{{ body }}", "c": "<{{ query.v }}{{ query.v }}>", {{ "k" ~ body }}: ["{{ headers.h }}", "x"]}"#,
        );
        let mut query = String::from("v=");
        for byte in value.bytes() {
            query.push_str(&format!("%{byte:02x}"));
        }
        let headers: [(&[u8], &[u8]); 1] = [(b"h", value.as_bytes())];
        let request = Request { method: "POST", path: "/", query: &query, headers: &headers, body: body.as_bytes() };
        let event = template.render(&request, &CONTEXT, 1 << 20).unwrap();
        let event: serde_json::Value = serde_json::from_slice(&event).unwrap();
        let expect = serde_json::json!({
            "a": body, "b": body, "c": format!("<{value}{value}>"), format!("k{body}"): [value, "x"],
        });
        prop_assert_eq!(event, expect);
    }

    /// Any template and any body: an event that is JSON, or a refusal.
    #[test]
    fn anything(text in "([\\[\\]{}\",:a1\\\\ ]|\\{\\{ ?(json|body|query\\.q|json\\.a) ?\\}\\}|\\{% if json %\\}|\\{% endif %\\}){0,12}", body in "[\\[\\]{}\",:a1\\\\]{0,12}") {
        if let Ok(template) = Template::compile(&source(&text))
            && let Ok(event) = template.render(&request(body.as_bytes()), &CONTEXT, 4096)
        {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&event).is_ok());
        }
    }
}
