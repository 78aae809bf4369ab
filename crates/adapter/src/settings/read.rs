//! How each setting is made of the variables: by name, with its default, and what one means for another.

use std::time::Duration;

use super::endpoint::{Endpoint, Speaks};
use super::parse::{StatusSet, endpoint, filtered, namespace, one_of, port, seconds};
use super::variables::{Variables, name, renamed};
use super::warning::Warning;
use super::{Function, InvokeMode, Protocol, Readiness, Settings};
use crate::log::Level;
use crate::snapstart::{Hook, Hooks};

const PORT: &str = "a port from 1 to 65535";

/// Lambda ends an init phase after ten seconds; this leaves it the rest.
const ASYNC_INIT: Duration = Duration::from_millis(9_800);

/// All of them.
pub(super) fn settings(vars: &mut Variables) -> Settings {
    let protocols = [("http1", Speaks::Http1), ("h2c", Speaks::H2c)];
    let speaks = vars.read(name("AWS_LWA_APP_PROTOCOL"), "`http1` or `h2c`", one_of(&protocols));
    let speaks = speaks.unwrap_or(Speaks::Http1);
    let web_function = vars.flag(name("AWS_LWA_WEB_FUNCTION"));
    let app = Endpoint { speaks, ..if web_function { http_endpoint(vars) } else { app(vars) } };
    let readiness = readiness(vars, &app);
    let (runtime_api, extensions_api) = apis(vars);
    if !web_function {
        ports(vars, &app, runtime_api.as_ref(), &extensions_api);
    }
    let modes = [("buffered", InvokeMode::Buffered), ("response_stream", InvokeMode::ResponseStream)];
    let invoke_mode =
        vars.read(name("AWS_LWA_INVOKE_MODE"), "`buffered` or `response_stream`", one_of(&modes));
    let invoke_mode = invoke_mode.unwrap_or(InvokeMode::Buffered);
    let snapshot = vars.said("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start";
    let idle = vars.read(name("AWS_LWA_POOL_IDLE_TIMEOUT_SECONDS"), "seconds, 0 or more", seconds);
    let hook = "a path other than `/`, without escapes of `%`";
    Settings {
        runtime_api,
        extensions_api,
        app,
        readiness,
        async_init: async_init(vars),
        remove_base_path: base_path(vars),
        pass_through_path: vars
            .path(name("AWS_LWA_PASS_THROUGH_PATH"))
            .unwrap_or_else(|| "/events".to_owned()),
        websocket_path: vars.path(name("AWS_LWA_WEBSOCKET_PATH")),
        snapstart: Hooks {
            snapshot,
            before: vars.read(name("AWS_LWA_SNAPSTART_BEFORE_CHECKPOINT_PATH").vital(), hook, Hook::new),
            after: vars.read(name("AWS_LWA_SNAPSTART_AFTER_RESTORE_PATH").vital(), hook, Hook::new),
        },
        authorization_source: vars
            .read(name("AWS_LWA_AUTHORIZATION_SOURCE"), "a header name", |v| v.parse().ok()),
        error_status_codes: vars.statuses(name("AWS_LWA_ERROR_STATUS_CODES")).unwrap_or_else(StatusSet::none),
        invoke_mode,
        compression: compression(vars, invoke_mode),
        // A connection cannot outlive a snapshot.
        pool_idle_timeout: if snapshot { Duration::ZERO } else { idle.unwrap_or(Duration::from_secs(4)) },
        workers: vars
            .read(name("AWS_LAMBDA_MAX_CONCURRENCY"), "a number from 1 to 1000", |v| {
                v.parse().ok().filter(|n| (1..=1000).contains(n))
            })
            .unwrap_or(1),
        function: function(vars),
        web_function,
        access_log: vars.flag(name("AWS_LWA_ACCESS_LOG")),
        metrics: vars.read(
            name("AWS_LWA_METRICS_NAMESPACE"),
            "a CloudWatch namespace: up to 255 letters, digits and `.-_/#:`, not starting with `AWS/`",
            namespace,
        ),
        log_level: log_level(vars),
        log_json: vars
            .read(
                name("AWS_LAMBDA_LOG_FORMAT"),
                "`JSON` or `TEXT`",
                one_of(&[("json", true), ("text", false)]),
            )
            .unwrap_or(false),
        fault: vars.fault.take(),
    }
}

fn app(vars: &mut Variables) -> Endpoint {
    let port = vars.read(renamed("AWS_LWA_PORT", "PORT").vital(), PORT, port).unwrap_or(8080);
    let host = renamed("AWS_LWA_HOST", "HOST").vital();
    vars.read(host, "a host name, an address or `unix:/PATH`", |v| match v.strip_prefix("unix:") {
        Some(path) => Endpoint::socket(path, port),
        None => Endpoint::new(v, port, ""),
    })
    .unwrap_or_else(|| Endpoint::local(port))
}

/// Where an application for Lambda Web Functions listens; one that listens everywhere is asked on the loopback.
fn http_endpoint(vars: &mut Variables) -> Endpoint {
    const DEFAULT: u16 = 3000;
    let named = vars.read(name("AWS_LAMBDA_HTTP_ENDPOINT").vital(), "host:port", endpoint);
    match named {
        None => Endpoint::local(DEFAULT),
        Some(everywhere) if everywhere.host == "0.0.0.0" => Endpoint::local(everywhere.port),
        Some(everywhere) if everywhere.host == "::" => {
            Endpoint::new("::1", everywhere.port, "").unwrap_or_else(|| Endpoint::local(everywhere.port))
        }
        Some(named) => named,
    }
}

fn readiness(vars: &mut Variables, app: &Endpoint) -> Readiness {
    const OLDER: &str = "AWS_LWA_READINESS_CHECK_MIN_UNHEALTHY_STATUS";
    const NEWER: &str = "AWS_LWA_READINESS_CHECK_HEALTHY_STATUS";
    let own = renamed("AWS_LWA_READINESS_CHECK_PORT", "READINESS_CHECK_PORT").vital();
    let port = vars.read(own, PORT, port).unwrap_or(app.port);
    let protocol = renamed("AWS_LWA_READINESS_CHECK_PROTOCOL", "READINESS_CHECK_PROTOCOL");
    let protocols = [("http", Protocol::Http), ("tcp", Protocol::Tcp)];
    let protocol = vars.read(protocol, "`http` or `tcp`", one_of(&protocols)).unwrap_or(Protocol::Http);
    let healthy = vars.statuses(name(NEWER));
    let below =
        vars.read(name(OLDER), "a status above 100", |v| v.parse().ok().filter(|status| *status > 100));
    if below.is_some() {
        vars.warnings.push(Warning::Deprecated { old: OLDER, new: NEWER });
    }
    Readiness {
        endpoint: match app.socket {
            Some(_) => app.clone(),
            None => Endpoint {
                speaks: app.speaks,
                ..Endpoint::new(&app.host, port, "").unwrap_or_else(|| Endpoint::local(port))
            },
        },
        path: vars
            .path(renamed("AWS_LWA_READINESS_CHECK_PATH", "READINESS_CHECK_PATH"))
            .unwrap_or_else(|| "/".to_owned()),
        protocol,
        healthy: healthy
            .unwrap_or_else(|| StatusSet::range(100, below.map_or(499, |status: u16| status - 1))),
        timeout: vars.read(name("AWS_LWA_READINESS_CHECK_TIMEOUT_SECONDS"), "seconds, more than 0", |v| {
            seconds(v).filter(|wait| !wait.is_zero())
        }),
    }
}

fn apis(vars: &mut Variables) -> (Option<Endpoint>, Endpoint) {
    let original = vars.read(name("AWS_LAMBDA_RUNTIME_API"), "host:port", endpoint);
    // What such a proxy takes out of the answers must not leave past it.
    let proxy = vars.read(name("AWS_LWA_LAMBDA_RUNTIME_API_PROXY").vital(), "host:port", endpoint);
    let extensions = original.clone().unwrap_or_else(|| Endpoint::local(9001));
    // A proxy alone does not make a Lambda of this machine.
    (original.map(|original| proxy.unwrap_or(original)), extensions)
}

/// Ports on this host that others have, or that nobody may have. Outside Lambda the application may listen anywhere.
fn ports(vars: &mut Variables, app: &Endpoint, runtime_api: Option<&Endpoint>, extensions_api: &Endpoint) {
    let Some(runtime_api) = runtime_api else { return };
    let here = |endpoint: &Endpoint| matches!(endpoint.host.as_str(), "127.0.0.1" | "localhost" | "::1");
    if app.socket.is_some() || !here(app) {
        return;
    }
    let port = app.port;
    let clashes = |api: &Endpoint| api.port == port && (here(api) || api.host == app.host);
    let whose = if clashes(extensions_api) {
        format!("is the Runtime API's: AWS_LAMBDA_RUNTIME_API is `{extensions_api}`")
    } else if clashes(runtime_api) {
        format!("is the proxy's: AWS_LWA_LAMBDA_RUNTIME_API_PROXY is `{runtime_api}`")
    } else if port == 9001 {
        "is the Runtime API's in Lambda".to_owned()
    } else if port == 3000 {
        "is that of the Lambda Insights extension".to_owned()
    } else if port < 1024 {
        "is below 1024, where Lambda lets no application listen".to_owned()
    } else {
        return;
    };
    vars.warnings.push(Warning::Port { port, whose });
}

fn compression(vars: &mut Variables, mode: InvokeMode) -> bool {
    const ENABLE: &str = "AWS_LWA_ENABLE_COMPRESSION";
    let enabled = vars.flag(name(ENABLE));
    let streams = vars.flag(name("AWS_LWA_STREAM_COMPRESSION"));
    match mode {
        InvokeMode::Buffered => enabled,
        InvokeMode::ResponseStream => {
            if enabled && !streams {
                vars.warnings.push(Warning::Unsupported {
                    name: ENABLE,
                    instead: "compression is not supported with response streaming, it is off (AWS_LWA_STREAM_COMPRESSION turns it on)",
                });
            }
            streams
        }
    }
}

fn async_init(vars: &mut Variables) -> Option<Duration> {
    const NAME: &str = "AWS_LWA_ASYNC_INIT";
    if !vars.flag(renamed(NAME, "ASYNC_INIT")) {
        return None;
    }
    // The init phase has no ten-second bound there, and ending it early would snapshot an app that is not up.
    let unbounded = ["snap-start", "provisioned-concurrency"];
    if unbounded.contains(&vars.said("AWS_LAMBDA_INITIALIZATION_TYPE").as_str()) {
        let instead = "ignored with SnapStart and provisioned concurrency";
        vars.warnings.push(Warning::Unsupported { name: NAME, instead });
        return None;
    }
    Some(ASYNC_INIT)
}

fn base_path(vars: &mut Variables) -> Option<String> {
    let (_, path) = vars.get(renamed("AWS_LWA_REMOVE_BASE_PATH", "REMOVE_BASE_PATH"))?;
    let path = path.trim_matches('/');
    (!path.is_empty()).then(|| format!("/{path}"))
}

fn function(vars: &Variables) -> Function {
    Function {
        name: vars.said("AWS_LAMBDA_FUNCTION_NAME"),
        version: vars.said("AWS_LAMBDA_FUNCTION_VERSION"),
        log_stream: vars.said("AWS_LAMBDA_LOG_STREAM_NAME"),
        log_group: vars.said("AWS_LAMBDA_LOG_GROUP_NAME"),
        memory: vars.said("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").parse().unwrap_or(0),
    }
}

fn log_level(vars: &mut Variables) -> Level {
    const WORDS: &str = "TRACE, DEBUG, INFO, WARN, ERROR or FATAL";
    let documented = vars.read(name("AWS_LAMBDA_LOG_LEVEL"), WORDS, Level::parse);
    // `RUST_LOG` may hold filters for other programs, too; they are none of ours.
    documented.or_else(|| filtered(&vars.said("RUST_LOG"))).unwrap_or(Level::Info)
}
