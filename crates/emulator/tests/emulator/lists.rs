//! ListFunctions and ListAliases, and the operations that are not there.

use crate::support::{House, plan};

const PATH: &str = "/2015-03-31/functions";

async fn house() -> House {
    let mut plan = plan("plain");
    let run = plan.run.clone();
    plan.run.versions = ["2", "10"].map(|version| (version.to_owned(), run.clone())).into();
    plan.run.timeout = std::time::Duration::from_millis(2500);
    plan.run.aliases = [("live", "10"), ("old", "2"), ("next", "$LATEST")]
        .map(|(alias, version)| (alias.to_owned(), version.to_owned()))
        .into();
    plan.others = vec!["g", "F"];
    plan.start().await
}

/// Follows the pages; gives each as the texts of its entries.
async fn pages(
    house: &House,
    path: &str,
    list: &str,
    show: fn(&serde_json::Value) -> String,
) -> Vec<Vec<String>> {
    let (mut pages, mut marker) = (Vec::new(), String::new());
    loop {
        let separator = if path.contains('?') { '&' } else { '?' };
        let answer = house.get(&format!("{path}{separator}Marker={}", marker.replace('=', "%3D"))).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let page = answer.json();
        pages.push(page[list].as_array().unwrap().iter().map(show).collect());
        match page["NextMarker"].as_str() {
            Some(next) => marker = next.to_owned(),
            None => return pages,
        }
    }
}

#[tokio::test]
async fn functions() {
    let house = house().await;
    let check = async |query: &str, expect: &[&[&str]]| {
        let show = |entry: &serde_json::Value| {
            format!("{} {}", entry["FunctionName"].as_str().unwrap(), entry["Version"].as_str().unwrap())
        };
        let found = pages(&house, &format!("{PATH}{query}"), "Functions", show).await;
        assert_eq!(found, expect, "{query}");
    };
    check("", &[&["F $LATEST", "f $LATEST", "g $LATEST"]]).await;
    check("/?MaxItems=2", &[&["F $LATEST", "f $LATEST"], &["g $LATEST"]]).await;
    check("?MaxItems=3", &[&["F $LATEST", "f $LATEST", "g $LATEST"]]).await;
    check(
        "/?FunctionVersion=ALL&MaxItems=4",
        &[&["F $LATEST", "F 2", "F 10", "f $LATEST"], &["f 2", "f 10", "g $LATEST", "g 2"], &["g 10"]],
    )
    .await;

    let arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
    let entry = &house.get(PATH).await.json()["Functions"][1];
    assert_eq!((&entry["FunctionArn"], &entry["Runtime"]), (&arn.into(), &"provided.al2023".into()));
    assert_eq!((&entry["Timeout"], &entry["MemorySize"]), (&3.into(), &128.into()));
    let entry = &house.get(&format!("{PATH}?FunctionVersion=ALL")).await.json()["Functions"][3];
    assert_eq!(entry["FunctionArn"], format!("{arn}:$LATEST"));
}

#[tokio::test]
async fn a_page_has_fifty_functions() {
    let mut plan = plan("plain");
    let run = plan.run.clone();
    plan.run.versions = (1..=60).map(|version: u32| (version.to_string(), run.clone())).collect();
    let house = plan.start().await;
    for query in ["", "&MaxItems=10000"] {
        let path = format!("{PATH}?FunctionVersion=ALL{query}");
        let found = pages(&house, &path, "Functions", |entry| entry["Version"].to_string()).await;
        let sizes: Vec<_> = found.iter().map(Vec::len).collect();
        assert_eq!(sizes, [50, 11], "{query}");
    }
}

#[tokio::test]
async fn aliases() {
    let house = house().await;
    let check = async |path: &str, expect: &[&[&str]]| {
        let show = |entry: &serde_json::Value| {
            format!("{} {}", entry["Name"].as_str().unwrap(), entry["FunctionVersion"].as_str().unwrap())
        };
        assert_eq!(pages(&house, &format!("{PATH}/{path}"), "Aliases", show).await, expect, "{path}");
    };
    check("f/aliases", &[&["live 10", "next $LATEST", "old 2"]]).await;
    check("f/aliases?MaxItems=2", &[&["live 10", "next $LATEST"], &["old 2"]]).await;
    check("f/aliases?FunctionVersion=2", &[&["old 2"]]).await;
    check("f/aliases?FunctionVersion=7", &[&[]]).await;
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
    check(&format!("{}/aliases", arn.replace(':', "%3A")), &[&["live 10", "next $LATEST", "old 2"]]).await;
    let entry = &house.get(&format!("{PATH}/f/aliases")).await.json()["Aliases"][0];
    assert_eq!(entry["AliasArn"], format!("{arn}:live"));
}

#[tokio::test]
async fn refusals() {
    let house = house().await;
    let check = async |path: &str, status: u16, kind: &str, text: &str| {
        let answer = house.get(path).await;
        assert_eq!((answer.status, answer.header("x-amzn-errortype")), (status, kind), "{path}");
        assert!(answer.body.contains(text), "{} has no {text}", answer.body);
        assert_eq!(answer.header("x-amzn-requestid").len(), 36);
    };
    let validation = "ValidationException";
    check(&format!("{PATH}?MaxItems=0"), 400, validation, "greater than or equal to 1").await;
    check(&format!("{PATH}?MaxItems=10001"), 400, validation, "less than or equal to 10000").await;
    check(&format!("{PATH}?FunctionVersion=2"), 400, validation, "enum value set: [ALL]").await;
    check(&format!("{PATH}?Marker=x"), 400, "InvalidParameterValueException", "marker").await;
    let missing = "Function not found: arn:aws:lambda:us-east-1:000000000000:function:h";
    check(&format!("{PATH}/h/aliases"), 404, "ResourceNotFoundException", missing).await;
    check(&format!("{PATH}/f%20/aliases"), 400, "InvalidParameterValueException", "not a function name")
        .await;
    check(&format!("{PATH}/f"), 501, "NotImplementedException", "`GetFunction` is not emulated").await;
    check(&format!("{PATH}/f/invocations"), 405, "UnknownOperationException", "only POST").await;
    check("/2015-03-31/nothing", 404, "UnknownOperationException", "no such operation").await;
    let answer = house.post(PATH, &[], "{}").await;
    assert_eq!(answer.status, 501);
    assert!(answer.body.contains("`CreateFunction`"));
}
