//! `lambridge get upstream`: the `Upstream`s of Gloo Edge in a configuration, with the functions that Lambda lists.
//!
//! Gloo's discovery writes the list into the object; here it is shown as if it had, while the file stays as it is. What
//! the user wrote comes first. A list that cannot be had is a note, not the end.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use lambridge_config::{GlooAws, GlooFunction, GlooUpstream};
use lambridge_invoke::Pool;
use lambridge_model::{ConnectionSettings, Function};
use serde_json::{Map, Value, json};

use crate::args::{GetUpstream, Listing};
use crate::{configuration, gateway, output};

/// One listing, all pages.
const PATIENCE: Duration = Duration::from_secs(20);

pub fn run(options: &GetUpstream) -> ExitCode {
    let env = |name: &str| std::env::var(name).ok();
    let (all, diagnostics) = lambridge_config::upstreams(&options.paths.config, &env);
    configuration::complain(&diagnostics);
    let wanted = |one: &GlooUpstream| {
        one.namespace == options.namespace && options.name.as_ref().is_none_or(|name| one.name == *name)
    };
    let mut found: Vec<GlooUpstream> = all.into_iter().filter(wanted).collect();
    if let Some(name) = options.name.as_ref().filter(|_| found.is_empty()) {
        output::complain(&format!("error: there is no Upstream `{}/{name}`", options.namespace));
        return ExitCode::FAILURE;
    }
    let discovered = gateway::block_on(async {
        for one in &mut found {
            discover(one, options.endpoint_url.as_deref()).await;
        }
        Ok(())
    });
    if let Err(message) = discovered {
        output::complain(&format!("note: {message}"));
    }
    let objects = || found.iter().map(object).collect::<Vec<Value>>();
    let whole = || match (&options.name, objects()) {
        (Some(_), mut objects) if objects.len() == 1 => objects.remove(0),
        (_, objects) => json!({ "apiVersion": "v1", "kind": "List", "items": objects }),
    };
    match options.output {
        Listing::Table => output::say(table(&found).trim_end()),
        Listing::Yaml => output::say(yaml(&whole()).trim_end()),
        Listing::Json => output::say(&format!("{:#}", whole())),
    }
    ExitCode::SUCCESS
}

/// Adds what Lambda lists to what the file says.
async fn discover(upstream: &mut GlooUpstream, endpoint: Option<&str>) {
    let name = format!("{}/{}", upstream.namespace, upstream.name);
    let Some(aws) = &mut upstream.aws else { return };
    let Some(any) = &aws.any else { return };
    match listed(any, endpoint).await {
        Ok(functions) => {
            for function in functions {
                if !aws.functions.iter().any(|known| known.logical_name == function.logical_name) {
                    aws.functions.push(function);
                }
            }
        }
        Err(message) => {
            output::complain(&format!("note: the functions of `{name}` were not listed: {message}"))
        }
    }
}

async fn listed(any: &Function, endpoint: Option<&str>) -> Result<Vec<GlooFunction>, String> {
    let mut function = any.clone();
    function.endpoint = endpoint.map(str::to_owned);
    let pool = Pool::new(Arc::new(|name| std::env::var(name).ok()), ConnectionSettings::default());
    let lambda = pool.client(&function).map_err(|error| error.to_string())?;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let listed = lambda.list_functions(deadline).await.map_err(|error| error.to_string())?;
    let mut out: Vec<GlooFunction> = listed
        .into_iter()
        .map(|one| GlooFunction {
            logical_name: match one.version.as_str() {
                "$LATEST" => one.name.clone(),
                version => format!("{}:{version}", one.name),
            },
            name: one.name,
            qualifier: Some(one.version),
        })
        .collect();
    out.sort_by(|a, b| a.logical_name.cmp(&b.logical_name));
    Ok(out)
}

fn object(upstream: &GlooUpstream) -> Value {
    let spec = match &upstream.aws {
        Some(aws) => json!({ "aws": spec(aws) }),
        None => json!({}),
    };
    json!({
        "apiVersion": "gloo.solo.io/v1",
        "kind": "Upstream",
        "metadata": { "name": upstream.name, "namespace": upstream.namespace },
        "spec": spec,
    })
}

fn spec(aws: &GlooAws) -> Value {
    let functions = aws.functions.iter().map(|function| {
        let mut entry = Map::new();
        entry.insert("lambdaFunctionName".to_owned(), json!(function.name));
        entry.insert("logicalName".to_owned(), json!(function.logical_name));
        if let Some(qualifier) = &function.qualifier {
            entry.insert("qualifier".to_owned(), json!(qualifier));
        }
        Value::Object(entry)
    });
    let mut out = Map::new();
    let texts = [("awsAccountId", &aws.account), ("region", &aws.region), ("roleArn", &aws.role_arn)];
    for (key, text) in texts {
        if let Some(text) = text {
            out.insert(key.to_owned(), json!(text));
        }
    }
    out.insert("lambdaFunctions".to_owned(), functions.collect());
    if let Some((namespace, name)) = &aws.secret {
        out.insert("secretRef".to_owned(), json!({ "name": name, "namespace": namespace }));
    }
    Value::Object(out)
}

/// As `glooctl` prints it.
fn table(upstreams: &[GlooUpstream]) -> String {
    let mut rows: Vec<[String; 4]> = Vec::new();
    for one in upstreams {
        let (kind, status, details) = match &one.aws {
            Some(aws) => {
                let status = if aws.any.is_some() { "Accepted" } else { "Rejected" };
                let mut details = vec![format!("region: {}", aws.region.as_deref().unwrap_or_default())];
                if let Some((namespace, name)) = &aws.secret {
                    details.push(format!("secret: {namespace}.{name}"));
                }
                details.push("functions:".to_owned());
                details.extend(aws.functions.iter().map(|function| format!("- {}", function.logical_name)));
                ("AWS Lambda", status, details)
            }
            None => ("", "", vec!["not AWS".to_owned()]),
        };
        for (at, detail) in details.into_iter().enumerate() {
            let first = |text: &str| if at == 0 { text.to_owned() } else { String::new() };
            rows.push([first(&one.name), first(kind), first(status), detail]);
        }
    }
    let head = ["UPSTREAM", "TYPE", "STATUS", "DETAILS"].map(str::to_owned);
    let mut widths = head.clone().map(|cell| cell.chars().count());
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &[String; 4]| {
        let cells = cells.iter().zip(widths).map(|(cell, width)| format!(" {cell:<width$} "));
        format!("|{}|\n", cells.collect::<Vec<_>>().join("|"))
    };
    let rule = format!("+{}+\n", widths.map(|width| "-".repeat(width + 2)).join("+"));
    let body: String = rows.iter().map(line).collect();
    format!("{rule}{}{rule}{body}{rule}", line(&head))
}

/// A value as YAML in blocks, keys in order.
pub fn yaml(value: &Value) -> String {
    let mut out = String::new();
    block(value, 0, &mut out);
    out
}

/// Values come from our own objects, a few levels deep.
fn block(value: &Value, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::Object(inner) if !inner.is_empty() => {
                        out.push_str(&format!("{pad}{key}:\n"));
                        block(value, indent + 2, out);
                    }
                    Value::Array(list) if !list.is_empty() => {
                        out.push_str(&format!("{pad}{key}:\n"));
                        block(value, indent, out);
                    }
                    other => out.push_str(&format!("{pad}{key}: {}\n", scalar(other))),
                }
            }
        }
        Value::Array(list) => {
            for item in list {
                let mut inner = String::new();
                block(item, indent + 2, &mut inner);
                out.push_str(&format!("{pad}- {}", inner.trim_start()));
            }
        }
        other => out.push_str(&format!("{pad}{}\n", scalar(other))),
    }
}

/// Text without quotes where YAML reads it as that text.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => {
            let word =
                matches!(text.as_str(), "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n");
            let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b));
            if plain && !word { text.clone() } else { value.to_string() }
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use lambridge_config::{GlooAws, GlooFunction, GlooUpstream};

    use super::{object, table, yaml};

    fn upstream() -> GlooUpstream {
        GlooUpstream {
            namespace: "gloo-system".into(),
            name: "aws-upstream".into(),
            aws: Some(GlooAws {
                region: Some("us-east-1".into()),
                secret: Some(("gloo-system".into(), "aws-creds".into())),
                account: None,
                role_arn: None,
                functions: vec![GlooFunction {
                    logical_name: "echo".into(),
                    name: "echo".into(),
                    qualifier: Some("$LATEST".into()),
                }],
                any: None,
            }),
        }
    }

    #[test]
    fn manifests() {
        let expect = "apiVersion: gloo.solo.io/v1
kind: Upstream
metadata:
  name: aws-upstream
  namespace: gloo-system
spec:
  aws:
    lambdaFunctions:
    - lambdaFunctionName: echo
      logicalName: echo
      qualifier: \"$LATEST\"
    region: us-east-1
    secretRef:
      name: aws-creds
      namespace: gloo-system
";
        assert_eq!(yaml(&object(&upstream())), expect);
    }

    #[test]
    fn tables() {
        let text = table(&[upstream()]);
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows[3], "| aws-upstream | AWS Lambda | Rejected | region: us-east-1             |");
        assert_eq!(rows[6], "|              |            |          | - echo                        |");
    }
}
