use super::*;

fn read(env: &[(&str, &str)]) -> (Settings, Vec<String>) {
    let (settings, warnings) =
        Settings::from_env(env.iter().map(|(name, value)| (name.to_string(), value.to_string())));
    (settings, warnings.iter().map(Warning::to_string).collect())
}

/// One variable, what it makes of one setting, and how many warnings it costs.
#[track_caller]
fn check<T: PartialEq + std::fmt::Debug>(
    env: &[(&str, &str)],
    setting: impl Fn(&Settings) -> T,
    expect: T,
    warnings: usize,
) {
    let (settings, said) = read(env);
    assert_eq!((setting(&settings), said.len()), (expect, warnings), "{env:?} {said:?}");
}

#[test]
fn nothing_set_is_the_documented_default() {
    let (settings, warnings) = read(&[]);
    assert!(warnings.is_empty());
    assert_eq!(settings.app, Endpoint::local(8080));
    assert_eq!(settings.readiness.endpoint, Endpoint::local(8080));
    assert_eq!(settings.readiness.path, "/");
    assert_eq!(settings.readiness.healthy, StatusSet::range(100, 499));
    assert_eq!(settings.pass_through_path, "/events");
    assert_eq!((settings.workers, settings.async_init), (1, None));
    assert_eq!(settings.runtime_api, None);
    assert_eq!(settings.pool_idle_timeout, Duration::from_secs(4));
}

#[test]
fn ports_and_hosts() {
    let port = |s: &Settings| s.app.port;
    check(&[("AWS_LWA_PORT", "7000")], port, 7000, 0);
    check(&[("PORT", "7001")], port, 7001, 0);
    check(&[("AWS_LWA_PORT", "7000"), ("PORT", "7001")], port, 7000, 0);
    check(&[("AWS_LWA_PORT", "")], port, 8080, 0);
    check(&[("AWS_LWA_PORT", ""), ("PORT", "7001")], port, 7001, 0);
    check(&[("AWS_LWA_PORT", " 7000 ")], port, 7000, 0);
    let host = |s: &Settings| s.app.authority.to_str().unwrap().to_owned();
    check(&[("AWS_LWA_HOST", "app.local")], host, "app.local:8080".into(), 0);
    check(&[("HOST", "app.local")], host, "app.local:8080".into(), 1);
    check(&[("AWS_LWA_HOST", "::1")], host, "[::1]:8080".into(), 0);
    check(&[("AWS_LWA_HOST", "[::1]")], host, "[::1]:8080".into(), 0);
    check(&[("AWS_LWA_HOST", "unix:/run/app.sock")], |s| s.app.to_string(), "unix:/run/app.sock".into(), 0);
}

#[test]
fn values_without_a_default_that_could_be_meant() {
    let hook = "AWS_LWA_SNAPSTART_AFTER_RESTORE_PATH";
    let on = ("AWS_LWA_WEB_FUNCTION", "true");
    for (env, expect) in [
        (&[("AWS_LWA_PORT", "http")][..], "AWS_LWA_PORT is `http`, expected a port from 1 to 65535"),
        (&[("PORT", "tcp://10.0.0.1:80")], "PORT is `tcp://10.0.0.1:80`, expected a port"),
        (&[("AWS_LWA_PORT", "70000"), ("PORT", "80")], "AWS_LWA_PORT is `70000`"),
        (&[("AWS_LWA_PORT", "0")], "AWS_LWA_PORT is `0`"),
        (&[("READINESS_CHECK_PORT", "-1")], "READINESS_CHECK_PORT is `-1`"),
        (&[("AWS_LWA_HOST", "unix:app.sock")], "AWS_LWA_HOST is `unix:app.sock`"),
        (&[("AWS_LWA_HOST", "http://h")], "AWS_LWA_HOST is `http://h`"),
        (&[("AWS_LWA_LAMBDA_RUNTIME_API_PROXY", "a:b:c")], "AWS_LWA_LAMBDA_RUNTIME_API_PROXY is `a:b:c`"),
        (&[(hook, "/")], "AWS_LWA_SNAPSTART_AFTER_RESTORE_PATH is `/`"),
        (&[on, ("AWS_LAMBDA_HTTP_ENDPOINT", "a b")], "AWS_LAMBDA_HTTP_ENDPOINT is `a b`"),
        (&[on, ("PORT", "none")], ""),
        (&[("AWS_LWA_POOL_IDLE_TIMEOUT_SECONDS", "x")], ""),
    ] {
        let fault = read(env).0.fault.unwrap_or_default();
        assert!(fault.starts_with(expect) && fault.is_empty() == expect.is_empty(), "{env:?}: {fault}");
    }
}

#[test]
fn what_is_written_down() {
    check(&[], |s| (s.access_log, s.metrics.clone()), (false, None), 0);
    check(&[("AWS_LWA_ACCESS_LOG", "true")], |s| s.access_log, true, 0);
    let metrics = |s: &Settings| s.metrics.clone();
    let name = "AWS_LWA_METRICS_NAMESPACE";
    check(&[(name, "My/App")], metrics, Some("My/App".into()), 0);
    check(&[(name, "AWS/Lambda")], metrics, None, 1);
    check(&[(name, "my app\n")], metrics, None, 1);
}

#[test]
fn web_functions() {
    let app = |s: &Settings| (s.web_function, s.app.to_string(), s.readiness.endpoint.port);
    let on = ("AWS_LWA_WEB_FUNCTION", "true");
    let name = "AWS_LAMBDA_HTTP_ENDPOINT";
    let api = ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001");
    check(&[(name, "0.0.0.0:4000")], app, (false, "127.0.0.1:8080".into(), 8080), 0);
    check(&[on, api], app, (true, "127.0.0.1:3000".into(), 3000), 0);
    check(&[on, ("PORT", "1"), (name, "0.0.0.0:4000")], app, (true, "127.0.0.1:4000".into(), 4000), 0);
    check(&[on, (name, "[::]:4000")], app, (true, "[::1]:4000".into(), 4000), 0);
    check(&[on, (name, "10.0.0.1:4000")], app, (true, "10.0.0.1:4000".into(), 4000), 0);
}

#[test]
fn protocols() {
    let both = |s: &Settings| (s.app.speaks, s.readiness.endpoint.speaks);
    let name = "AWS_LWA_APP_PROTOCOL";
    check(&[], both, (Speaks::Http1, Speaks::Http1), 0);
    check(&[(name, "HTTP1")], both, (Speaks::Http1, Speaks::Http1), 0);
    check(&[(name, "h2c")], both, (Speaks::H2c, Speaks::H2c), 0);
    check(&[(name, "h2c"), ("AWS_LWA_HOST", "unix:/a")], both, (Speaks::H2c, Speaks::H2c), 0);
    check(&[(name, "grpc")], both, (Speaks::Http1, Speaks::Http1), 1);
    let apis = |s: &Settings| (s.runtime_api.clone().map(|api| api.speaks), s.extensions_api.speaks);
    check(&[(name, "h2c"), ("AWS_LAMBDA_RUNTIME_API", "h:1")], apis, (Some(Speaks::Http1), Speaks::Http1), 0);
}

#[test]
fn readiness() {
    let port = |s: &Settings| s.readiness.endpoint.port;
    check(&[("PORT", "3")], port, 3, 0);
    check(&[("AWS_LWA_READINESS_CHECK_PORT", "4")], port, 4, 0);
    check(&[("READINESS_CHECK_PORT", "4")], port, 4, 1);
    let path = |s: &Settings| s.readiness.path.clone();
    check(&[("AWS_LWA_READINESS_CHECK_PATH", "/up?a=b")], path, "/up?a=b".into(), 0);
    check(&[("AWS_LWA_READINESS_CHECK_PATH", "up")], path, "/up".into(), 1);
    check(&[("READINESS_CHECK_PATH", "/up")], path, "/up".into(), 1);
    check(&[("AWS_LWA_READINESS_CHECK_PATH", " /up\n")], path, "/up".into(), 0);
    check(&[("AWS_LWA_READINESS_CHECK_PATH", " ")], path, "/".into(), 0);
    let protocol = |s: &Settings| s.readiness.protocol;
    check(&[("AWS_LWA_READINESS_CHECK_PROTOCOL", "TCP")], protocol, Protocol::Tcp, 0);
    check(&[("AWS_LWA_READINESS_CHECK_PROTOCOL", "udp")], protocol, Protocol::Http, 1);
    let healthy = |s: &Settings| [99, 200, 301, 404, 500].map(|n| s.readiness.healthy.contains(n));
    let statuses = "AWS_LWA_READINESS_CHECK_HEALTHY_STATUS";
    check(&[], healthy, [false, true, true, true, false], 0);
    check(&[(statuses, "200, 500-599,")], healthy, [false, true, false, false, true], 0);
    check(&[(statuses, "x,200")], healthy, [false, true, false, false, false], 1);
    check(&[(statuses, "599-500")], healthy, [false, true, true, true, false], 1);
    let older = "AWS_LWA_READINESS_CHECK_MIN_UNHEALTHY_STATUS";
    check(&[(older, "400")], healthy, [false, true, true, false, false], 1);
    let timeout = |s: &Settings| s.readiness.timeout;
    let name = "AWS_LWA_READINESS_CHECK_TIMEOUT_SECONDS";
    check(&[(name, "1.5")], timeout, Some(Duration::from_millis(1500)), 0);
    check(&[(name, "0")], timeout, None, 1);
    check(&[(name, "inf")], timeout, None, 1);
}

#[test]
fn ports_of_others() {
    let api = ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001");
    let said = |env: &[(&str, &str)]| read(env).1.join("; ");
    for (env, expect) in [
        (
            &[("PORT", "9001"), api][..],
            "9001 of AWS_LWA_PORT or PORT, is the Runtime API's: AWS_LAMBDA_RUNTIME_API is `127.0.0.1:9001`",
        ),
        (
            &[("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:8080")],
            "8080 of AWS_LWA_PORT or PORT, is the Runtime API's",
        ),
        (
            &[("PORT", "9002"), api, ("AWS_LWA_LAMBDA_RUNTIME_API_PROXY", "http://127.0.0.1:9002")],
            "is the proxy's: AWS_LWA_LAMBDA_RUNTIME_API_PROXY is `127.0.0.1:9002`",
        ),
        (
            &[("PORT", "9001"), ("AWS_LAMBDA_RUNTIME_API", "169.254.100.1:9001")],
            "is the Runtime API's in Lambda",
        ),
        (&[("PORT", "3000"), api], "Lambda Insights"),
        (&[("PORT", "80"), api], "below 1024"),
    ] {
        assert!(said(env).contains(expect), "{env:?}: {}", said(env));
    }
    for env in [
        &[("PORT", "80")][..],
        &[("PORT", "8080"), api],
        &[("AWS_LWA_HOST", "app.local"), ("PORT", "80"), api],
    ] {
        assert_eq!(said(env), "", "{env:?}");
    }
}

#[test]
fn paths_for_what_is_no_request() {
    let sockets = |s: &Settings| s.websocket_path.clone();
    check(&[], sockets, None, 0);
    check(&[("AWS_LWA_WEBSOCKET_PATH", "/ws")], sockets, Some("/ws".into()), 0);
    check(&[("AWS_LWA_WEBSOCKET_PATH", "ws")], sockets, Some("/ws".into()), 1);
    let hooks = |s: &Settings| (s.snapstart.before.is_some(), s.snapstart.after.is_some());
    check(&[("AWS_LWA_SNAPSTART_BEFORE_CHECKPOINT_PATH", "/before")], hooks, (true, false), 0);
    check(&[("AWS_LWA_SNAPSTART_AFTER_RESTORE_PATH", "/after")], hooks, (false, true), 0);
    check(&[("AWS_LWA_SNAPSTART_AFTER_RESTORE_PATH", "")], hooks, (false, false), 0);
}

#[test]
fn the_rest() {
    let asynchronous = |s: &Settings| s.async_init.is_some();
    check(&[("AWS_LWA_ASYNC_INIT", "true")], asynchronous, true, 0);
    check(&[("AWS_LWA_ASYNC_INIT", "TRUE")], asynchronous, true, 0);
    check(&[("ASYNC_INIT", "true")], asynchronous, true, 1);
    check(&[("AWS_LWA_ASYNC_INIT", "maybe")], asynchronous, false, 1);
    let snap = ("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start");
    check(&[("AWS_LWA_ASYNC_INIT", "true"), snap], asynchronous, false, 1);
    let provisioned = ("AWS_LAMBDA_INITIALIZATION_TYPE", "provisioned-concurrency");
    check(&[("AWS_LWA_ASYNC_INIT", "true"), provisioned], asynchronous, false, 1);
    check(&[snap], |s| s.pool_idle_timeout, Duration::ZERO, 0);
    check(&[("AWS_LWA_POOL_IDLE_TIMEOUT_SECONDS", "0.5")], |s| s.pool_idle_timeout.as_millis(), 500, 0);
    check(&[("AWS_LWA_POOL_IDLE_TIMEOUT_SECONDS", "-1")], |s| s.pool_idle_timeout.as_millis(), 4000, 1);
    let base = |s: &Settings| s.remove_base_path.clone();
    check(&[("AWS_LWA_REMOVE_BASE_PATH", "/orders/")], base, Some("/orders".into()), 0);
    check(&[("REMOVE_BASE_PATH", "orders")], base, Some("/orders".into()), 1);
    check(&[("AWS_LWA_REMOVE_BASE_PATH", "/")], base, None, 0);
    check(&[("AWS_LWA_AUTHORIZATION_SOURCE", "X-Auth")], |s| s.authorization_source.is_some(), true, 0);
    check(&[("AWS_LWA_AUTHORIZATION_SOURCE", "x auth")], |s| s.authorization_source.is_some(), false, 1);
    check(&[("AWS_LAMBDA_MAX_CONCURRENCY", "8")], |s| s.workers, 8, 0);
    check(&[("AWS_LAMBDA_MAX_CONCURRENCY", "0")], |s| s.workers, 1, 1);
    let mode = |s: &Settings| s.invoke_mode;
    check(&[("AWS_LWA_INVOKE_MODE", "RESPONSE_STREAM")], mode, InvokeMode::ResponseStream, 0);
    check(&[("AWS_LWA_INVOKE_MODE", "stream")], mode, InvokeMode::Buffered, 1);
    let compress = ("AWS_LWA_ENABLE_COMPRESSION", "true");
    check(&[compress], |s| s.compression, true, 0);
    let streamed = ("AWS_LWA_INVOKE_MODE", "response_stream");
    check(&[compress, streamed], |s| s.compression, false, 1);
    let flushed = ("AWS_LWA_STREAM_COMPRESSION", "true");
    check(&[flushed, streamed], |s| s.compression, true, 0);
    check(&[compress, flushed, streamed], |s| s.compression, true, 0);
    check(&[flushed], |s| s.compression, false, 0);
    check(&[("RUST_LOG", "debug")], |s| s.log_level, Level::Debug, 0);
    check(&[("RUST_LOG", "debug"), ("AWS_LAMBDA_LOG_LEVEL", "WARN")], |s| s.log_level, Level::Warn, 0);
    check(&[("RUST_LOG", "app=debug")], |s| s.log_level, Level::Info, 0);
    check(&[("RUST_LOG", "app=debug, warn")], |s| s.log_level, Level::Warn, 0);
    check(&[("RUST_LOG", "warn,lambda_adapter=debug")], |s| s.log_level, Level::Debug, 0);
    check(&[("AWS_LAMBDA_LOG_FORMAT", "Text")], |s| s.log_json, false, 0);
    check(&[("AWS_LAMBDA_LOG_FORMAT", "json")], |s| s.log_json, true, 0);
    check(&[("AWS_LAMBDA_LOG_FORMAT", "xml")], |s| s.log_json, false, 1);
}

#[test]
fn the_proxy_is_for_the_runtime_api_alone() {
    let both = |s: &Settings| (s.runtime_api.clone().map(|e| e.port), s.extensions_api.port);
    let api = ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001");
    check(&[api], both, (Some(9001), 9001), 0);
    check(&[api, ("AWS_LWA_LAMBDA_RUNTIME_API_PROXY", "http://127.0.0.1:9002")], both, (Some(9002), 9001), 0);
    check(&[api, ("AWS_LWA_LAMBDA_RUNTIME_API_PROXY", "127.0.0.1:9002")], both, (Some(9002), 9001), 0);
    check(&[api, ("AWS_LWA_LAMBDA_RUNTIME_API_PROXY", "")], both, (Some(9001), 9001), 0);
    check(&[("AWS_LWA_LAMBDA_RUNTIME_API_PROXY", "127.0.0.1:9002")], both, (None, 9001), 0);
    let base = |s: &Settings| s.runtime_api.clone().map(|e| e.base).unwrap_or_default();
    check(&[("AWS_LAMBDA_RUNTIME_API", "http://127.0.0.1:9001/base/")], base, "/base".into(), 0);
}
