use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use lambridge_model::{ScriptSource, Scripts};
use tokio::time::Instant;

use super::{Script, told};
use crate::problem::{Reason, Refusal};

const CANARY: &str = include_str!("../../../../examples/krakend/canary.lua");

fn scripts(sources: &[(&str, &str)], pre: &str, open_libs: bool) -> Scripts {
    let source = |(name, text): &(&str, &str)| ScriptSource { name: (*name).into(), text: (*text).into() };
    Scripts {
        sources: sources.iter().map(source).collect(),
        pre: Some(pre.to_owned()),
        open_libs,
        ..Scripts::default()
    }
}

fn head() -> Parts {
    let request = http::Request::post("/a%20b/c?z=1&a=%26+x").header("x-key", "one").header("x-key", "two");
    request.header("content-type", "text/plain").body(()).unwrap().into_parts().0
}

/// What is left of a request: method, target, headers, parameters, body.
async fn run(scripts: &Scripts, within: Duration) -> Result<(Parts, Vec<(String, String)>, Bytes), Refusal> {
    let script = Arc::new(Script::compile(scripts).unwrap());
    let (head, body) = (head(), Bytes::from_static(b"body"));
    let parameters = [("Lambda", "my%20fn"), ("Id", "1")];
    let scripted = script.before(&head, &parameters, body.clone(), Instant::now() + within).await?;
    let (head, parameters, body) = told(Some(&scripted), &head, parameters.to_vec(), &body);
    let owned = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Ok((head.clone(), owned, body.clone()))
}

const LONG: Duration = Duration::from_secs(60);

/// Runs `code`, which puts what it finds into the body.
async fn check(code: &str, expect: &str) {
    let code = format!("local req = request.load() {code}");
    match run(&scripts(&[], &code, true), LONG).await {
        Ok((_, _, body)) => assert_eq!(String::from_utf8_lossy(&body), expect, "{code}"),
        Err(refusal) => assert_eq!(refusal.detail.unwrap(), expect, "{code}"),
    }
}

#[tokio::test]
async fn what_a_script_reads() {
    for (expression, expect) in [
        ("req:method()", "POST"),
        ("req:path()", "/a b/c"),
        ("req:url()", "/a%20b/c?z=1&a=%26+x"),
        ("req:query()", "a=%26+x&z=1"),
        ("req:body()", "body"),
        ("req:params('Lambda')", "my fn"),
        ("req:params('lambda')", ""),
        ("req:params():get('Id')", "1"),
        ("req:params():len()", "2"),
        ("req:headers('X-Key')", "one"),
        ("req:headers('absent')", ""),
        ("req:headers():get('X-Key'):get(1)", "two"),
        ("req:headers():keys():get(0)", "Content-Type"),
        ("req:headerList('x-key'):len()", "2"),
        ("request.load():method()", "POST"),
        ("tostring(_VERSION) .. unpack({1, 2})", "Lua 5.11"),
        ("('x'):upper() .. string.format('%d', 7)", "X7"),
    ] {
        check(&format!("req:body({expression})"), expect).await;
    }
}

#[tokio::test]
async fn what_a_script_writes() {
    let code = r#"
        local req = request.load()
        req:method("PUT") req:path("/x y") req:query("a=b c") req:headers("X-Key", 7)
        req:headers("content-type", nil) req:params("Lambda", "other:3") req:params("New", "a/b") req:body("new")
        local list = luaList.new() list:set(0, "p") list:set(1, "q") req:headerList("x-list", list)
    "#;
    let (head, parameters, body) = run(&scripts(&[], code, false), LONG).await.unwrap();
    assert_eq!((head.method.as_str(), head.uri.to_string().as_str()), ("PUT", "/x%20y?a=b%20c"));
    let fields: Vec<(&str, &str)> =
        head.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    assert_eq!(fields, [("x-key", "7"), ("x-list", "p"), ("x-list", "q")]);
    let expect = [("Lambda", "other%3A3"), ("Id", "1"), ("New", "a%2Fb")];
    assert_eq!(parameters, expect.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(body, "new");
}

#[tokio::test]
async fn tables_and_lists() {
    for (code, expect) in [
        (
            "local t = luaTable.new() t:set('a', 1) t:set('b', true) req:body(t:len() .. tostring(t:get('b')))",
            "2true",
        ),
        ("local t = luaTable.new() t:set('a', {'x', 'y'}) req:body(t:get('a'):get('2'))", "y"),
        ("local t = luaTable.new() t:set('a', {l = {'x', 'y'}}) req:body(t:get('a'):get('l'):get(1))", "y"),
        ("local t = luaTable.new() t:set('a', {e = {}}) req:body(type(t:get('a'):get('e')))", "userdata"),
        ("local t = luaTable.new() req:body(tostring(t:get('x')) .. tostring(t:keyExists('x')))", "nilfalse"),
        (
            "local t = luaTable.new() t:set('x', luaNil.new()) t:del('y') req:body(tostring(t:keyExists('x')))",
            "true",
        ),
        (
            "local t = luaTable.new() t:set('t', t) t:get('t'):set('x', 1) req:body(tostring(t:keyExists('x')))",
            "false",
        ),
        ("local t = luaTable.new() t:set('t', {}) t:get('t'):set('x', 1) req:body(t:get('t'):get('x'))", "1"),
        ("local l = luaList.new() l:set(2, 'c') l:set(-1, 'x') req:body(l:len() .. l:get(2))", "3c"),
        ("local l = luaList.new() l:set(0, 'a') l:set(1, 'b') l:del(0) req:body(l:get(0))", "b"),
        ("local l = luaList.new() l:set(0, function() end) l:set(0, nil) req:body(l:len())", "0"),
    ] {
        check(code, expect).await;
    }
}

#[tokio::test]
async fn what_goes_wrong() {
    for (code, expect) in [
        ("req:body(nil)", "string expected, got nil"),
        ("req:params({}, 'x')", "string expected, got table"),
        ("x()", "pre-script:1: attempt to call global 'x' (a nil value)"),
        ("req:headers('a b', 'x')", "this is not the name of a header"),
        ("req:headers('a', 'x\\n')", "this is not the value of a header"),
        ("req:headerList('a', 'x')", "invalid header value, must be a luaList"),
        ("req:method('a b')", "this is not a method"),
        ("req:path('/é\\0')", "body"),
        ("req:url('http://h')", "body"),
        ("luaList.new():set(1e9, 1)", "this list is too long"),
        ("local t = {} t.t = t luaTable.new():set('t', t)", "this is nested too deeply"),
        ("custom_error()", "need arguments"),
        ("custom_error('mine')", "mine"),
        ("error('plain')", "pre-script:1: plain"),
        ("pcall(custom_error, 'x') req:body('caught')", "caught"),
        ("while true do end", "the script ran too long"),
        ("while true do pcall(function() while true do end end) end", "the script ran too long"),
        (
            "xpcall(function() while true do end end, function() while true do end end)",
            "the script ran too long",
        ),
        ("loadstring('return 1')() req:body(select(2, loadstring('\\27Lua')))", "binary code is not loaded"),
        ("os.exit()", "pre-script:1: attempt to call field 'exit' (a nil value)"),
        ("io.open('x')", "pre-script:1: attempt to index global 'io' (a nil value)"),
        ("require('x')", "pre-script:1: attempt to call global 'require' (a nil value)"),
        ("coroutine.create()", "pre-script:1: attempt to index global 'coroutine' (a nil value)"),
        ("dofile('x')", "pre-script:1: attempt to call global 'dofile' (a nil value)"),
        ("math.random(2, 1)", "bad argument to 'random' (interval is empty)"),
        ("math.random('x')", "bad argument to 'random' (number expected)"),
    ] {
        check(code, expect).await;
    }
    check(
        "local t = {} while true do t[#t + 1] = string.rep('x', 100000) .. #t end",
        "memory error: not enough memory",
    )
    .await;
    check(
        "local t = luaTable.new() for i = 1, 1e9 do t:set(i, string.rep('x', 1e5)) end",
        "memory error: the script holds too much",
    )
    .await;
}

#[tokio::test]
async fn without_open_libraries() {
    for (code, expect) in [
        ("request.load():body(tostring(math) .. tostring(os) .. tostring(string))", "nilnilnil"),
        ("request.load():body(table.concat({'a', 'b'}))", "ab"),
        ("request.load():body(('x'):upper())", "pre-script:1: attempt to index a string value"),
    ] {
        match run(&scripts(&[], code, false), LONG).await {
            Ok((_, _, body)) => assert_eq!(body, expect, "{code}"),
            Err(refusal) => assert!(refusal.detail.clone().unwrap().starts_with(expect), "{refusal:?}"),
        }
    }
}

#[tokio::test]
async fn errors_have_a_status() {
    for (code, expect) in [
        ("custom_error('m')", None),
        ("custom_error('m', 418)", Some(418)),
        ("custom_error('m', 418, 'application/json')", Some(418)),
        ("custom_error('m', 200)", Some(200)),
        ("custom_error('m', 99)", None),
        ("custom_error('m', -1)", None),
        ("custom_error('m', 1e300)", None),
        ("local ok, e = pcall(custom_error, 'm', 404) error(e)", Some(404)),
    ] {
        let refusal = run(&scripts(&[], code, false), LONG).await.unwrap_err();
        assert_eq!(
            (refusal.reason, refusal.status, refusal.detail.as_deref()),
            (Reason::Script, expect, Some("m"))
        );
    }
}

#[tokio::test]
async fn deadlines() {
    let refusal = run(&scripts(&[], "while true do end", false), Duration::from_millis(1)).await.unwrap_err();
    assert!(matches!(refusal.reason, Reason::Timeout | Reason::Script), "{refusal:?}");
}

#[tokio::test]
async fn states_share_nothing_and_sources_are_one_text() {
    let sources = [
        ("a.lua", "local hidden = 'seen'\nglobal = (global or 0) + 1"),
        ("b.lua", "\nfunction f() return hidden .. global end"),
    ];
    let scripts = scripts(&sources, "request.load():body(f())", false);
    for _ in 0..2 {
        assert_eq!(run(&scripts, LONG).await.unwrap().2, "seen1");
    }
    let failing = [("a.lua", "x = 1\n"), ("b.lua", "\nfunction f() return nil .. 1 end")];
    let refusal = run(&self::scripts(&failing, "f()", false), LONG).await.unwrap_err();
    assert_eq!(refusal.detail.unwrap(), "b.lua:2: attempt to concatenate a nil value");
}

#[test]
fn what_does_not_compile() {
    for (sources, pre, expect) in [
        (&[("a.lua", "x = 1\n\ny = = 2")][..], "", "a.lua:3: unexpected symbol near '='"),
        (&[("a.lua", "x = 1"), ("b.lua", "\n)")], "", "b.lua:2: unexpected symbol near ')'"),
        (&[], "f(", "pre-script:1: unexpected symbol near '<eof>'"),
    ] {
        assert_eq!(Script::compile(&scripts(sources, pre, true)).unwrap_err(), expect);
    }
}

/// The document's canary: 20 of the 101 numbers from 0 to 100.
#[tokio::test]
async fn the_canary_of_the_document() {
    let scripts = scripts(&[("canary.lua", CANARY)], "canaryLambda(request.load())", true);
    let mut chosen = 0;
    for _ in 0..1010 {
        let (_, parameters, _) = run(&scripts, LONG).await.unwrap();
        match parameters.iter().find(|(name, _)| name == "Function_name").unwrap().1.as_str() {
            "my-function%3A3" => chosen += 1,
            "my-function%3A2" => {}
            other => panic!("{other}"),
        }
    }
    // 200 of 1,010 with a deviation of 12.7: five of them to either side.
    assert!((136..=264).contains(&chosen), "{chosen}");
}

/// `cargo test --release -p lambridge-gateway -- --ignored --nocapture canary_costs`
#[tokio::test]
#[ignore = "measures"]
async fn what_a_canary_costs() {
    let script = Arc::new(
        Script::compile(&scripts(&[("canary.lua", CANARY)], "canaryLambda(request.load())", true)).unwrap(),
    );
    let (head, calls) = (head(), 20_000_u32);
    let began = std::time::Instant::now();
    for _ in 0..calls {
        script.before(&head, &[], Bytes::new(), Instant::now() + LONG).await.unwrap();
    }
    let took = began.elapsed() / calls;
    let began = std::time::Instant::now();
    for _ in 0..calls {
        let request = super::request::Request::new(head.clone(), &[], Bytes::new());
        let limits = super::Limits { until: std::time::Instant::now() + LONG, seed: 1 };
        script.run(request, limits).unwrap();
    }
    assert!(took < LONG, "{took:?} a request, {:?} of them in Lua", began.elapsed() / calls);
    let _ = std::io::Write::write_all(
        &mut std::io::stderr(),
        format!("{took:?} a request, {:?} of them in Lua\n", began.elapsed() / calls).as_bytes(),
    );
}
