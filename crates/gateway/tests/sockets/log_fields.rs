//! The fields of the access log are those of the table that operators read.

use std::collections::BTreeSet;

use lambridge_model::{LogFormat, PathMatch, Prices, TraceSettings};
use lambridge_testkit::Answer;
use serde_json::{Map, Value};
use tokio::sync::Notify;

use crate::world::{Client, answer, f, start};

/// Names in the first column of the table.
fn documented() -> Vec<String> {
    let page = include_str!("../../../../docs/operations.md");
    let (_, section) = page.split_once("## The access log").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let names = rows.flat_map(|row| row.split('|').nth(1).unwrap().split(','));
    names.map(|name| name.trim().trim_matches('`').to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_field_is_documented_and_written() {
    let world = start(|model| {
        model.log.format = LogFormat::Json;
        model.trace = TraceSettings { generate: true, ..TraceSettings::default() };
        model.routes[0].matcher.path = PathMatch::Prefix("/f".into());
        let function = f(model);
        function.concurrency.max = 1;
        function.retries.max = 1;
        function.log_tail = Some(Prices::default());
    })
    .await;
    let report = "REPORT RequestId: r\tDuration: 2.00 ms\tBilled Duration: 3 ms\tMemory Size: 128 MB\tMax Memory Used: 65 MB\tInit Duration: 9.00 ms\t\n";
    let told = Notify::new().into();
    world.lambda.push(answer("late").when(&told));
    let mut first = Client::connect(world.address).await;
    first.ask("/f?first").await;
    world.lambda.wait_for(1).await;
    // The second waits for the first, is throttled once, and then starts an instance.
    world.lambda.push(Answer::new(429).header("retry-after", "0"));
    world
        .lambda
        .push(answer("ok").header("x-amz-log-result", base64_simd::STANDARD.encode_to_string(report)));
    let mut second = Client::connect(world.address).await;
    second.ask("/f?second").await;
    tokio::time::sleep(crate::world::MOMENT).await;
    told.notify_one();
    assert!(first.answer().await.ends_with("late") && second.answer().await.ends_with("ok"));
    world.lambda.push(Answer::ok("{}").header("x-amz-function-error", "Unhandled"));
    first.get("/f?third").await;
    first.get("/nowhere").await;
    let lines = world.lines.wait_for(4).await;
    let lines: Vec<Map<String, Value>> =
        lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let written: BTreeSet<&str> = lines.iter().flat_map(Map::keys).map(String::as_str).collect();
    // Functions that fail over or are named by requests, and HTTP services, have tests of their own.
    let elsewhere = ["region", "invoked", "upstream"];
    let documented = documented();
    let documented: BTreeSet<&str> =
        documented.iter().map(String::as_str).filter(|name| !elsewhere.contains(name)).collect();
    assert_eq!(written, documented);
    let find =
        |query: &str| lines.iter().find(|line| line["target"].as_str().unwrap().ends_with(query)).unwrap();
    let second = find("second");
    for (name, value) in
        [("status", 200), ("attempts", 2), ("init_us", 9000), ("billed_ms", 3), ("memory_used_mb", 65)]
    {
        assert_eq!(second[name], value, "{name}");
    }
    assert!(second["queue_us"].as_u64().unwrap() > 0);
    assert_eq!(
        (&find("third")["reason"], &find("nowhere")["status"]),
        (&"function_error".into(), &404.into())
    );
}
