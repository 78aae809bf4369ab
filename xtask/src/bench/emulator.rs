//! The emulator's suite: the Invoke API of `lambridge emulator` and of serverless-offline, before a function that
//! answers its event.
//!
//! serverless-offline runs a JavaScript handler in a worker thread of its own process; lambridge runs the function as a
//! child process that speaks the Runtime API, as Lambda does. So the CPU time counted is that of the whole family of
//! processes, the function included. Peak memory is the server's own process.

use super::peers;
use super::process::Process;
use super::report::{Row, table};
use super::rig::{Contestant, Load, Rig, TEST_CORE, free_port};

const PEER: &str = "serverless-offline 13";
const LOADS: [(&str, Load<'static>); 2] = [
    ("1 KB event, echoed", Load { method: "POST", path: "/invocations", body: "json:1024", requests: 5_000 }),
    (
        "100 KB event, echoed",
        Load { method: "POST", path: "/invocations", body: "json:102400", requests: 1_000 },
    ),
];

/// Every load on every contestant that starts.
pub fn measure(rig: &Rig) -> Result<String, String> {
    let mut section = String::new();
    for (title, load) in LOADS {
        let mut running = Vec::new();
        let mut absent = Vec::new();
        match lambridge(rig) {
            Ok(contestant) => running.push(contestant),
            Err(reason) => absent.push(Row::absent("lambridge emulator", reason)),
        }
        match serverless(rig) {
            Ok(contestant) => running.push(contestant),
            Err(reason) => absent.push(Row::absent(PEER, reason)),
        }
        let mut rows = rig.in_turn(&running, load)?;
        rows.append(&mut absent);
        section.push_str(&table(title, &rows, &[PEER]));
        section.push('\n');
    }
    Ok(section)
}

fn lambridge(rig: &Rig) -> Result<Contestant, String> {
    let port = free_port()?;
    let function = rig.bench("echo_function");
    let file = rig.config(
        "emulator.yaml",
        &format!(
            "lambridge: 1\n\
             log: {{ level: \"off\" }}\n\
             emulator: {{ address: \"127.0.0.1:{port}\" }}\n\
             functions:\n  h: {{ run: {{ command: \"{}\", instances: 1 }} }}\n",
            function.display()
        ),
    )?;
    let mut command = rig.pinned(TEST_CORE, &rig.program("lambridge"));
    let (process, url) = Process::on_port(
        command.arg("emulator").arg("-c").arg(file),
        "lambridge-emulator",
        &rig.scratch,
        port,
    )?;
    Ok(Contestant { name: "lambridge emulator", process, url, prefix: "/2015-03-31/functions/h" })
}

fn serverless(rig: &Rig) -> Result<Contestant, String> {
    let program = peers::serverless(&rig.tools)?;
    let folder = rig.tools.join("sls");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.join(name), text).map_err(|error| format!("cannot write `{name}`: {error}"))
    };
    write(
        "serverless.yml",
        "service: s\nframeworkVersion: '3'\nprovider: { name: aws, runtime: nodejs20.x, region: us-east-1 }\n\
         plugins: [serverless-offline]\nfunctions: { h: { handler: index.handler } }\n",
    )?;
    write("index.js", "exports.handler = async (event) => event;\n")?;
    let (port, other, third) = (free_port()?, free_port()?, free_port()?);
    let node = std::path::Path::new("node");
    let mut command = rig.pinned(TEST_CORE, node);
    command
        .arg(program)
        .args(["offline", "start", "--host", "127.0.0.1", "--httpPort", &other.to_string()])
        .args(["--lambdaPort", &port.to_string(), "--albPort", &third.to_string()])
        .env("SLS_TELEMETRY_DISABLED", "1")
        .env("SLS_NOTIFICATIONS_MODE", "off")
        .current_dir(&folder);
    let (process, url) = Process::on_port(&mut command, "serverless-offline", &rig.scratch, port)?;
    Ok(Contestant { name: PEER, process, url, prefix: "/2015-03-31/functions/s-dev-h" })
}
