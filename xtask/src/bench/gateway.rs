//! The gateway's suite: one fake Lambda, and everything that can stand before it.
//!
//! HAProxy, nginx and the bare hyper proxy only pass bytes on, with no event, no signature and no answer to unwrap:
//! they say what HTTP alone costs. Envoy's filter does the same work as lambridge.

use std::path::Path;
use std::process::Command;

use super::peers;
use super::process::Process;
use super::report::{Row, table};
use super::rig::{Contestant, Load, Rig, TEST_CORE, free_port};

pub const FLOOR: &str = "bare hyper proxy";
pub const ENVOY: &str = "Envoy 1.40 `aws_lambda`";

const LOADS: [(&str, Load<'static>); 5] = [
    ("small request and answer", Load { method: "GET", path: "/hello", body: "0", requests: 30_000 }),
    ("100 KB answer", Load { method: "GET", path: "/large", body: "0", requests: 4_000 }),
    ("100 KB request", Load { method: "POST", path: "/upload", body: "102400", requests: 4_000 }),
    ("4 MB answer", Load { method: "GET", path: "/huge", body: "0", requests: 200 }),
    ("4 MB request", Load { method: "POST", path: "/upload", body: "4194304", requests: 200 }),
];

pub type Start = fn(&Rig, &str) -> Result<(Process, String), String>;

pub const CONTESTANTS: [(&str, Start); 5] = [
    ("lambridge gateway", lambridge),
    (FLOOR, floor),
    ("HAProxy, plain", haproxy),
    ("nginx, plain", nginx),
    (ENVOY, envoy),
];

/// Every load on every contestant that starts.
pub fn measure(rig: &Rig) -> Result<String, String> {
    let mut section = String::new();
    for (title, load) in LOADS {
        let (_fake, upstream) = rig.fake("fake_lambda")?;
        let upstream = upstream.trim_start_matches("http://");
        let mut running = Vec::new();
        let mut absent = Vec::new();
        // Fresh processes for each load: peak memory cannot be reset.
        for (name, start) in CONTESTANTS {
            match start(rig, upstream) {
                Ok((process, url)) => running.push(Contestant { name, process, url, prefix: "" }),
                Err(reason) => absent.push(Row::absent(name, reason)),
            }
        }
        let mut rows = rig.in_turn(&running, load)?;
        rows.append(&mut absent);
        section.push_str(&table(title, &rows, &[FLOOR, ENVOY]));
        section.push('\n');
    }
    Ok(section)
}

pub fn lambridge(rig: &Rig, upstream: &str) -> Result<(Process, String), String> {
    let routes = "functions: { small: {}, large: {}, huge: {} }\n\
                  routes:\n  - { id: large, match: { path: /large }, function: large }\n  \
                  - { id: huge, match: { path: /huge }, function: huge }\n  \
                  - { id: rest, match: { path_prefix: / }, function: small }\n";
    configured(rig, "gateway", &format!("http://{upstream}"), routes, |_| ())
}

/// `lambridge gateway` with these functions and routes; logs are off unless they say otherwise.
pub fn configured(
    rig: &Rig,
    name: &str,
    endpoint: &str,
    routes: &str,
    more: impl FnOnce(&mut Command),
) -> Result<(Process, String), String> {
    let port = free_port()?;
    let log = if routes.contains("\nlog:") { "" } else { "log: { level: \"off\" }\n" };
    let file = rig.config(
        &format!("lambridge-{name}.yaml"),
        &format!(
            "lambridge: 1\n\
             listeners: [{{ address: \"127.0.0.1:{port}\" }}]\n{log}\
             aws:\n  region: us-east-1\n  endpoint: {endpoint}\n  \
             credentials: {{ access_key_id: AKIDEXAMPLE, secret_access_key: example }}\n{routes}"
        ),
    )?;
    let mut command = rig.pinned(TEST_CORE, &rig.program("lambridge"));
    more(command.arg("gateway").arg("-c").arg(file));
    Process::on_port(&mut command, &format!("lambridge-{name}"), &rig.scratch, port)
}

fn floor(rig: &Rig, upstream: &str) -> Result<(Process, String), String> {
    let mut command = rig.pinned(TEST_CORE, &rig.bench("floor_proxy"));
    Process::listening(command.args(["127.0.0.1:0", upstream]), "floor-proxy", &rig.scratch)
}

pub fn haproxy(rig: &Rig, upstream: &str) -> Result<(Process, String), String> {
    let program = peers::packaged("haproxy")?;
    let port = free_port()?;
    let file = rig.config(
        "haproxy.cfg",
        &format!(
            "global\n  nbthread 1\n  maxconn 1000\n\
             defaults\n  mode http\n  timeout client 60s\n  timeout server 60s\n  timeout connect 5s\n  \
             http-reuse always\n  option http-no-delay\n\
             frontend f\n  bind 127.0.0.1:{port}\n  default_backend b\n\
             backend b\n  server s {upstream}\n"
        ),
    )?;
    Process::on_port(rig.pinned(TEST_CORE, &program).arg("-f").arg(file), "haproxy", &rig.scratch, port)
}

fn nginx(rig: &Rig, upstream: &str) -> Result<(Process, String), String> {
    let program = peers::packaged("nginx")?;
    let port = free_port()?;
    let file = rig.config(
        "nginx.conf",
        &format!(
            "daemon off; master_process off; pid nginx.pid; error_log stderr crit;\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log off; keepalive_requests 100000000; tcp_nodelay on;\n  \
             client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; \
             scgi_temp_path t5;\n  \
             client_body_buffer_size 5m; client_max_body_size 0; proxy_buffers 16 32k; proxy_max_temp_file_size 0;\n  \
             upstream u {{ server {upstream}; keepalive 64; keepalive_requests 100000000; }}\n  \
             server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://u; proxy_http_version 1.1; \
             proxy_set_header Connection \"\"; proxy_set_header Host $host; }} }} }}\n"
        ),
    )?;
    let mut command = rig.pinned(TEST_CORE, &program);
    command.arg("-p").arg(absolute(&rig.scratch)).arg("-c").arg(absolute(&file));
    Process::on_port(&mut command, "nginx", &rig.scratch, port)
}

fn envoy(rig: &Rig, upstream: &str) -> Result<(Process, String), String> {
    let program = peers::envoy(&rig.tools)?;
    let port = free_port()?;
    let (host, upstream_port) = upstream.rsplit_once(':').ok_or("an upstream without a port")?;
    let extension = "type.googleapis.com/envoy.extensions.filters";
    let arn = "arn:aws:lambda:us-east-1:123456789012:function";
    let file = rig.config(
        "envoy.yaml",
        &format!(
            r#"static_resources:
  listeners:
  - address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }}
    per_connection_buffer_limit_bytes: 16777216
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": {extension}.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: bench
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {{ path: /large }}
                route: {{ cluster: lambda }}
                typed_per_filter_config:
                  envoy.filters.http.aws_lambda:
                    "@type": {extension}.http.aws_lambda.v3.PerRouteConfig
                    invoke_config: {{ arn: "{arn}:large", payload_passthrough: false }}
              - match: {{ path: /huge }}
                route: {{ cluster: lambda }}
                typed_per_filter_config:
                  envoy.filters.http.aws_lambda:
                    "@type": {extension}.http.aws_lambda.v3.PerRouteConfig
                    invoke_config: {{ arn: "{arn}:huge", payload_passthrough: false }}
              - match: {{ prefix: / }}
                route: {{ cluster: lambda }}
          http_filters:
          - name: envoy.filters.http.aws_lambda
            typed_config:
              "@type": {extension}.http.aws_lambda.v3.Config
              arn: "{arn}:small"
              payload_passthrough: false
          - name: envoy.filters.http.router
            typed_config: {{ "@type": {extension}.http.router.v3.Router }}
  clusters:
  - name: lambda
    type: STATIC
    per_connection_buffer_limit_bytes: 16777216
    metadata: {{ filter_metadata: {{ com.amazonaws.lambda: {{ egress_gateway: true }} }} }}
    load_assignment:
      cluster_name: lambda
      endpoints:
      - lb_endpoints:
        - endpoint: {{ address: {{ socket_address: {{ address: {host}, port_value: {upstream_port} }} }} }}
"#
        ),
    )?;
    let mut command = rig.pinned(TEST_CORE, &program);
    command
        .args(["--concurrency", "1", "--log-level", "error", "--base-id", &port.to_string(), "-c"])
        .arg(file)
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "example")
        .env("AWS_REGION", "us-east-1");
    Process::on_port(&mut command, "envoy", &rig.scratch, port)
}

fn absolute(path: &Path) -> std::path::PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
