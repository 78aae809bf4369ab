//! Every setting in one table: what the documentation shows, and what the reader must know.
//!
//! The page of the documentation is written from it; a test compares the two, and the table with the names that the
//! reader asks for.

/// One variable of the environment.
#[derive(Debug)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// The older name that still counts.
    pub older: Option<&'static str>,
    /// What holds without it.
    pub default: &'static str,
    /// What it is.
    pub what: &'static str,
}

const fn entry(name: &'static str, default: &'static str, what: &'static str) -> Entry {
    Entry { name, older: None, default, what }
}

const fn renamed(
    name: &'static str,
    older: &'static str,
    default: &'static str,
    what: &'static str,
) -> Entry {
    Entry { name, older: Some(older), default, what }
}

/// In the order of the documentation.
pub const TABLE: &[Entry] = &[
    renamed("AWS_LWA_PORT", "PORT", "8080", "the application's port; `PORT` is not deprecated"),
    renamed("AWS_LWA_HOST", "HOST", "127.0.0.1", "the application's host, or `unix:/PATH` for a Unix socket"),
    entry(
        "AWS_LWA_APP_PROTOCOL",
        "http1",
        "`h2c`: the application speaks HTTP/2 without TLS and is asked so from the first byte, readiness included",
    ),
    renamed(
        "AWS_LWA_READINESS_CHECK_PORT",
        "READINESS_CHECK_PORT",
        "`AWS_LWA_PORT`",
        "the port that is asked whether the application is up",
    ),
    renamed(
        "AWS_LWA_READINESS_CHECK_PATH",
        "READINESS_CHECK_PATH",
        "`/`",
        "the path for that, with a query if wanted",
    ),
    renamed(
        "AWS_LWA_READINESS_CHECK_PROTOCOL",
        "READINESS_CHECK_PROTOCOL",
        "http",
        "`http`: a GET with a healthy status; `tcp`: a connection that is accepted",
    ),
    renamed(
        "AWS_LWA_READINESS_CHECK_HEALTHY_STATUS",
        "AWS_LWA_READINESS_CHECK_MIN_UNHEALTHY_STATUS",
        "100-499",
        "statuses and ranges that count as up; the older name is the first status that does not",
    ),
    entry("AWS_LWA_READINESS_CHECK_TIMEOUT_SECONDS", "none", "then the init phase fails"),
    renamed(
        "AWS_LWA_ASYNC_INIT",
        "ASYNC_INIT",
        "false",
        "end the init phase after 9.8 seconds, up or not; the first invocation waits for the application",
    ),
    renamed(
        "AWS_LWA_REMOVE_BASE_PATH",
        "REMOVE_BASE_PATH",
        "none",
        "taken off the front of the path, once, at a segment's end",
    ),
    entry("AWS_LWA_PASS_THROUGH_PATH", "`/events`", "where events that are no HTTP are posted"),
    entry(
        "AWS_LWA_WEBSOCKET_PATH",
        "none",
        "where the events of WebSocket APIs are posted as requests; without it they are passed through whole",
    ),
    entry("AWS_LWA_AUTHORIZATION_SOURCE", "none", "the header whose value becomes `Authorization`"),
    entry(
        "AWS_LWA_ERROR_STATUS_CODES",
        "none",
        "statuses and ranges (`500,502-504`) that fail the invocation, the adapter's own 400, 502 and 504 among them",
    ),
    entry(
        "AWS_LWA_WEB_FUNCTION",
        "false",
        "requests and answers as Lambda Web Functions have them, for an application that listens on `AWS_LAMBDA_HTTP_ENDPOINT`",
    ),
    entry(
        "AWS_LAMBDA_HTTP_ENDPOINT",
        "0.0.0.0:3000",
        "where such an application listens; read with `AWS_LWA_WEB_FUNCTION` alone",
    ),
    entry(
        "AWS_LWA_INVOKE_MODE",
        "buffered",
        "`buffered` or `response_stream`, as the function URL has it; load balancers, HTTP APIs and events that are no HTTP get whole answers in either",
    ),
    entry(
        "AWS_LWA_ENABLE_COMPRESSION",
        "false",
        "gzip or brotli, as the client takes it; not with `response_stream`",
    ),
    entry(
        "AWS_LWA_STREAM_COMPRESSION",
        "false",
        "the same with `response_stream`; each piece that the application sends is compressed and sent on at once",
    ),
    entry(
        "AWS_LWA_POOL_IDLE_TIMEOUT_SECONDS",
        "4",
        "a connection to the application that lay idle longer is not used again; 0: none is used twice",
    ),
    entry(
        "AWS_LWA_SNAPSTART_BEFORE_CHECKPOINT_PATH",
        "none",
        "posted to before a SnapStart snapshot is taken; clients get 403 for it",
    ),
    entry(
        "AWS_LWA_SNAPSTART_AFTER_RESTORE_PATH",
        "none",
        "posted to after a sandbox is made from a snapshot; clients get 403 for it",
    ),
    entry(
        "AWS_LWA_LAMBDA_RUNTIME_API_PROXY",
        "none",
        "stands in for `AWS_LAMBDA_RUNTIME_API`, except that the extension is registered with Lambda itself",
    ),
    entry(
        "AWS_LWA_ACCESS_LOG",
        "false",
        "one line of JSON an invocation: source, method, path, status, reason, duration, ids, cold start",
    ),
    entry(
        "AWS_LWA_METRICS_NAMESPACE",
        "none",
        "one line an invocation in CloudWatch's embedded metric format: `Invocations`, `Duration`, `Errors`, `ColdStart` by \
         `FunctionName` in this namespace",
    ),
    entry("AWS_LAMBDA_LOG_LEVEL", "INFO", "TRACE, DEBUG (one line an invocation), INFO, WARN, ERROR, FATAL"),
    entry(
        "RUST_LOG",
        "INFO",
        "the same, where `AWS_LAMBDA_LOG_LEVEL` is not set; of filters those for all and for `lambda_adapter`",
    ),
    entry(
        "AWS_LAMBDA_LOG_FORMAT",
        "TEXT",
        "`JSON`: one object a line, with the `timestamp` and `level` that Lambda filters by",
    ),
    entry("AWS_LAMBDA_MAX_CONCURRENCY", "1", "invocations at once; Lambda sets it on Managed Instances"),
];

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: &str = "<!-- settings: begin -->\n";
    const END: &str = "<!-- settings: end -->";

    fn markdown() -> String {
        let mut out =
            String::from("\n| variable | older name | default | what |\n| --- | --- | --- | --- |\n");
        for Entry { name, older, default, what } in TABLE {
            let older = older.map(|older| format!("`{older}`")).unwrap_or_default();
            out.push_str(&format!("| `{name}` | {older} | {default} | {what} |\n"));
        }
        out.push('\n');
        out
    }

    /// `UPDATE_DOCS=1` writes the page instead.
    #[test]
    fn the_page_shows_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/adapter.md");
        let page = std::fs::read_to_string(path).unwrap();
        let (before, rest) = page.split_once(BEGIN).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        let expect = format!("{before}{BEGIN}{}{END}{after}", markdown());
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, expect).unwrap();
        } else {
            assert!(page == expect, "docs/adapter.md is not up to date: UPDATE_DOCS=1 writes it");
        }
    }

    #[test]
    fn the_table_has_what_the_reader_asks_for() {
        let reader = include_str!("read.rs");
        let asked: Vec<&str> = reader.split('"').filter(|word| is_name(word)).collect();
        assert!(asked.len() > 25, "{asked:?}");
        for name in asked {
            let known = TABLE.iter().any(|entry| entry.name == name || entry.older == Some(name));
            assert!(known || LAMBDA.contains(&name), "`{name}` is missing in the table");
        }
        for entry in TABLE {
            assert!(reader.contains(&format!("\"{}\"", entry.name)), "nobody reads `{}`", entry.name);
        }
    }

    /// What Lambda says and nobody sets.
    const LAMBDA: [&str; 7] = [
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_LOG_GROUP_NAME",
    ];

    fn is_name(word: &str) -> bool {
        word.len() > 3 && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    }
}
