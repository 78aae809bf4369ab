//! What it costs to ask for more: the small request with logs, with many routes, with TLS to Lambda.
//!
//! Each contestant is `lambridge gateway` before the same fake Lambda, beside a twin that lacks just that; TLS is measured
//! beside nginx, which passes the same bytes on over TLS. The TLS server is nginx too, on the load's core.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use super::gateway::configured;
use super::peers;
use super::process::Process;
use super::report::{Row, pairs};
use super::rig::{Contestant, LOAD_CORE, Load, Rig, TEST_CORE, free_port};

const DEFAULT: &str = "as above";
const TEN: &str = "10 routes";
const NGINX_TLS: &str = "nginx, plain, TLS to the upstream";
const LOAD: Load<'static> = Load { method: "GET", path: "/hello", body: "0", requests: 20_000 };

/// The table.
pub fn measure(rig: &Rig) -> Result<String, String> {
    let (_fake, upstream) = rig.fake("fake_lambda")?;
    let upstream = upstream.trim_start_matches("http://");
    let endpoint = format!("http://{upstream}");
    let mut running = Vec::new();
    let mut absent = Vec::new();
    let mut add = |name: &'static str, started: Result<(Process, String), String>| match started {
        Ok((process, url)) => running.push(Contestant { name, process, url, prefix: "" }),
        Err(reason) => absent.push(Row::absent(name, reason)),
    };
    add(DEFAULT, lambridge(rig, "default", &endpoint, "off", 0, None));
    add("access log, JSON", lambridge(rig, "log", &endpoint, "info", 0, None));
    add(TEN, lambridge(rig, "ten", &endpoint, "off", 10, None));
    add("10,000 routes", lambridge(rig, "many", &endpoint, "off", 10_000, None));
    // Kept to the end: the TLS server ends with it.
    let tls = tls_server(rig, upstream);
    match &tls {
        Ok((_server, url, authorities)) => {
            add(NGINX_TLS, nginx(rig, url));
            add("TLS to Lambda", lambridge(rig, "tls", url, "off", 0, Some(authorities)));
        }
        Err(reason) => add("TLS to Lambda", Err(reason.clone())),
    }
    let mut rows = rig.in_turn(&running, LOAD)?;
    rows.append(&mut absent);
    let twins = [("access log, JSON", DEFAULT), ("10,000 routes", TEN), ("TLS to Lambda", NGINX_TLS)];
    Ok(pairs("small request and answer", &rows, &twins, DEFAULT))
}

fn lambridge(
    rig: &Rig,
    name: &str,
    endpoint: &str,
    level: &str,
    more_routes: usize,
    authorities: Option<&PathBuf>,
) -> Result<(Process, String), String> {
    let mut text = format!(
        "functions: {{ small: {{}} }}\nlog: {{ level: \"{level}\", format: json }}\n\
         routes:\n  - {{ id: rest, match: {{ path_prefix: / }}, function: small }}\n"
    );
    for route in 0..more_routes {
        let path = format!("/team{}/service{route}/{{id}}", route % 97);
        let _ = writeln!(text, "  - {{ id: r{route}, match: {{ path: \"{path}\" }}, function: small }}");
    }
    configured(rig, name, endpoint, &text, |command| {
        if let Some(authorities) = authorities {
            command.env("SSL_CERT_FILE", authorities);
        }
    })
}

/// nginx that speaks TLS before the fake: its URL, and the file that says whom to trust.
fn tls_server(rig: &Rig, upstream: &str) -> Result<(Process, String, PathBuf), String> {
    let program = peers::packaged("nginx")?;
    let (key, certificate) = pair(rig)?;
    let port = free_port()?;
    let file = rig.config(
        "nginx-tls.conf",
        &format!(
            "daemon off; master_process off; pid nginx-tls.pid; error_log stderr crit;\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log off; keepalive_requests 100000000; tcp_nodelay on;\n  \
             client_body_temp_path s1; proxy_temp_path s2; fastcgi_temp_path s3; uwsgi_temp_path s4; scgi_temp_path s5;\n  \
             upstream u {{ server {upstream}; keepalive 64; keepalive_requests 100000000; }}\n  \
             server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {}; ssl_certificate_key {};\n  \
             location / {{ proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection \"\"; }} }} }}\n",
            certificate.display(),
            key.display(),
        ),
    )?;
    let mut command = rig.pinned(LOAD_CORE, &program);
    command.arg("-p").arg(absolute(rig)).arg("-c").arg(std::path::absolute(&file).unwrap_or(file));
    let (process, _) = Process::on_port(&mut command, "nginx-tls", &rig.scratch, port)?;
    Ok((process, format!("https://localhost:{port}"), certificate))
}

/// A plain proxy to a TLS upstream.
fn nginx(rig: &Rig, url: &str) -> Result<(Process, String), String> {
    let program = peers::packaged("nginx")?;
    let upstream = url.trim_start_matches("https://");
    let port = free_port()?;
    let file = rig.config(
        "nginx-to-tls.conf",
        &format!(
            "daemon off; master_process off; pid nginx-to-tls.pid; error_log stderr crit;\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log off; keepalive_requests 100000000; tcp_nodelay on;\n  \
             client_body_temp_path v1; proxy_temp_path v2; fastcgi_temp_path v3; uwsgi_temp_path v4; scgi_temp_path v5;\n  \
             upstream u {{ server {upstream}; keepalive 64; keepalive_requests 100000000; }}\n  \
             server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass https://u; proxy_http_version 1.1; \
             proxy_set_header Connection \"\"; }} }} }}\n"
        ),
    )?;
    let mut command = rig.pinned(TEST_CORE, &program);
    command.arg("-p").arg(absolute(rig)).arg("-c").arg(std::path::absolute(&file).unwrap_or(file));
    Process::on_port(&mut command, "nginx-to-tls", &rig.scratch, port)
}

/// A key and a certificate for `localhost` that is its own authority, made for this run.
fn pair(rig: &Rig) -> Result<(PathBuf, PathBuf), String> {
    let (key, certificate) = (absolute(rig).join("tls.key"), absolute(rig).join("tls.crt"));
    let mut command = Command::new("openssl");
    command
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "30",
        ])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate);
    let output = command.output().map_err(|error| format!("no `openssl` to make a certificate: {error}"))?;
    if output.status.success() {
        Ok((key, certificate))
    } else {
        Err(format!("`openssl` failed: {}", String::from_utf8_lossy(&output.stderr).trim()))
    }
}

fn absolute(rig: &Rig) -> PathBuf {
    std::path::absolute(&rig.scratch).unwrap_or_else(|_| rig.scratch.clone())
}
