//! The dialects' suite: what it costs at run time that a route was written in the words of another system.
//!
//! Each dialect's file goes through the same compilation into the same model, so it should cost nothing. Each
//! contestant is `lambridge gateway` on the same fake Lambda: the examples' own files beside a native route with the
//! same kind of event and answer, its twin. What KrakenD's JSON answers and its Lua cost in themselves has rows of its
//! own, whose twins lack just that.

use super::process::Process;
use super::report::{Row, pairs};
use super::rig::{Contestant, Load, Rig, TEST_CORE, free_port};

/// No native route has less to say.
const DEFAULT: &str = "native, defaults";

/// One gateway.
struct Entry {
    name: &'static str,
    files: Files,
    /// What is asked of it.
    path: &'static str,
    /// The contestant of the same table that it is compared with.
    twin: Option<&'static str>,
}

enum Files {
    /// A folder of `examples/`, and the file or folder in it, as it stands.
    Example(&'static str, &'static str),
    /// The lines of a native function, behind a route for every path.
    Native(&'static str),
    /// A document that no example has.
    Text(&'static str),
}

const KRAKEND_POST: &str = r#"{"version": 3, "endpoints": [{"endpoint": "/call-a-lambda", "method": "POST", "backend": [{
  "host": ["ignore"], "url_pattern": "/ignore", "method": "POST",
  "extra_config": {"backend/lambda": {"function_name": "myLambdaFunction", "region": "us-east-1"}}}]}]}"#;

const GET: &[Entry] = &[
    Entry { name: DEFAULT, files: Files::Native(""), path: "/", twin: None },
    Entry {
        name: "native, `event: runway`, `answer: raw`",
        files: Files::Native("event: runway, answer: raw"),
        path: "/",
        twin: None,
    },
    Entry {
        name: "runway",
        files: Files::Example("runway", "runway.yaml"),
        path: "/api/compute",
        twin: Some("native, `event: runway`, `answer: raw`"),
    },
    Entry {
        name: "native, `event: krakend`, `answer: raw`",
        files: Files::Native("event: krakend, answer: raw"),
        path: "/",
        twin: None,
    },
    Entry {
        name: "native, `event: krakend`, `answer: krakend`: its JSON",
        files: Files::Native("event: krakend, answer: krakend"),
        path: "/",
        twin: Some("native, `event: krakend`, `answer: raw`"),
    },
    Entry {
        name: "KrakenD",
        files: Files::Example("krakend", "fixed.json"),
        path: "/call-a-lambda",
        twin: Some("native, `event: krakend`, `answer: krakend`: its JSON"),
    },
    Entry {
        name: "KrakenD, canary: its Lua",
        files: Files::Example("krakend", "canary.json"),
        path: "/call-a-lambda",
        twin: Some("KrakenD"),
    },
];

const POST: &[Entry] = &[
    Entry { name: DEFAULT, files: Files::Native(""), path: "/", twin: None },
    Entry {
        name: "native, `event: body`, `answer: raw`",
        files: Files::Native("event: body, answer: raw"),
        path: "/",
        twin: None,
    },
    Entry {
        name: "kgateway",
        files: Files::Example("kgateway", "manifests"),
        path: "/echo",
        twin: Some("native, `event: body`, `answer: raw`"),
    },
    Entry {
        name: "native, `event: body`, `answer: gloo_api_gateway`",
        files: Files::Native("event: body, answer: gloo_api_gateway"),
        path: "/",
        twin: None,
    },
    Entry {
        name: "Gloo Edge",
        files: Files::Example("gloo", "manifests"),
        path: "/",
        twin: Some("native, `event: body`, `answer: gloo_api_gateway`"),
    },
    Entry {
        name: "native, `event: body`, `answer: krakend`",
        files: Files::Native("event: body, answer: krakend"),
        path: "/",
        twin: None,
    },
    Entry {
        name: "KrakenD",
        files: Files::Text(KRAKEND_POST),
        path: "/call-a-lambda",
        twin: Some("native, `event: body`, `answer: krakend`"),
    },
];

/// The path is each contestant's own.
const LOADS: [(&str, Load<'static>, &[Entry]); 2] = [
    ("`GET`, small answer", Load { method: "GET", path: "", body: "0", requests: 20_000 }, GET),
    (
        "`POST` of 1 KB of JSON, small answer",
        Load { method: "POST", path: "", body: "json:1024", requests: 20_000 },
        POST,
    ),
];

/// Every load on every contestant that starts.
pub fn measure(rig: &Rig) -> Result<String, String> {
    let mut section = String::new();
    for (title, load, entries) in LOADS {
        let (_fake, upstream) = rig.fake("fake_lambda")?;
        let mut running = Vec::new();
        let mut absent = Vec::new();
        for (number, entry) in entries.iter().enumerate() {
            match start(rig, entry, &upstream, number) {
                Ok((process, url)) => {
                    running.push(Contestant { name: entry.name, process, url, prefix: entry.path });
                }
                Err(reason) => absent.push(Row::absent(entry.name, reason)),
            }
        }
        let mut rows = rig.in_turn(&running, load)?;
        rows.append(&mut absent);
        let twins: Vec<(&str, &str)> =
            entries.iter().filter_map(|entry| Some((entry.name, entry.twin?))).collect();
        section.push_str(&pairs(title, &rows, &twins, DEFAULT));
        section.push('\n');
    }
    Ok(section)
}

/// The gateway on an entry's files; what they leave out comes from the environment, as in production.
fn start(rig: &Rig, entry: &Entry, upstream: &str, number: usize) -> Result<(Process, String), String> {
    let port = free_port()?;
    let mut command = rig.pinned(TEST_CORE, &rig.program("lambridge"));
    command.arg("gateway");
    match entry.files {
        Files::Example(folder, file) => {
            // Where its user would start it: KrakenD looks for Lua in the working directory.
            command.current_dir(rig.examples.join(folder)).arg("-c").arg(file);
        }
        Files::Native(function) => {
            let text = format!(
                "lambridge: 1\nlisteners: [{{ address: 127.0.0.1:8080 }}]\naws: {{ region: us-east-1 }}\n\
                 functions: {{ f: {{ {function} }} }}\nroutes: [{{ match: {{ path_prefix: / }}, function: f }}]\n"
            );
            command.arg("-c").arg(rig.config(&format!("native-{number}.yaml"), &text)?);
        }
        Files::Text(text) => {
            command.arg("-c").arg(rig.config(&format!("document-{number}.json"), text)?);
        }
    }
    command.arg("-c").arg(rig.config("quiet.yaml", "lambridge: 1\nlog: { level: \"off\" }\n")?);
    if matches!(entry.files, Files::Example(_, "manifests")) {
        command.arg("-c").arg(rig.config("secret.yaml", SECRETS)?);
    }
    command
        .arg("--bind")
        .arg(format!("8080=127.0.0.1:{port}"))
        .args(["--bind", "8081=127.0.0.1:0"])
        .env("AWS_ENDPOINT_URL_LAMBDA", upstream)
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "example");
    Process::on_port(&mut command, &format!("dialects-{number}"), &rig.scratch, port)
}

/// What the manifests of kgateway and Gloo Edge refer to, under the keys of both.
const SECRETS: &str = "apiVersion: v1
kind: Secret
metadata: { name: aws-creds, namespace: kgateway-system }
stringData: { accessKey: AKIDEXAMPLE, secretKey: example }
---
apiVersion: v1
kind: Secret
metadata: { name: aws-creds, namespace: gloo-system }
stringData: { aws_access_key_id: AKIDEXAMPLE, aws_secret_access_key: example }
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twins_stand_in_the_same_table() {
        for (title, _, entries) in LOADS {
            assert!(entries.iter().any(|entry| entry.name == DEFAULT), "{title}");
            for entry in entries {
                let found = |name| entries.iter().any(|other| other.name == name);
                assert!(entry.twin.is_none_or(found), "{title}: {}", entry.name);
            }
        }
    }
}
