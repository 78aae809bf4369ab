//! `lambridge create upstream aws`: an `Upstream` of Gloo Edge, with the options of `glooctl`.

use lambridge_config::is_object_name;
use serde_json::json;

use crate::args::{CreateAwsUpstream, Manifest};
use crate::output;
use crate::upstream::yaml;

/// The manifest, or why there is none.
pub fn manifest(options: &CreateAwsUpstream) -> Result<String, String> {
    for (option, name) in [
        ("--name", &options.name),
        ("--namespace", &options.namespace),
        ("--aws-secret-name", &options.aws_secret_name),
        ("--aws-secret-namespace", &options.aws_secret_namespace),
    ] {
        if !is_object_name(name) {
            return Err(format!(
                "`{name}` is no name for `{option}`: lower-case letters, digits, `-` and `.`"
            ));
        }
    }
    if !options.dry_run {
        output::complain("note: nothing was applied; `| kubectl apply -f -` does that");
    }
    let object = json!({
        "apiVersion": "gloo.solo.io/v1",
        "kind": "Upstream",
        "metadata": { "name": options.name, "namespace": options.namespace },
        "spec": { "aws": {
            "region": options.aws_region,
            "secretRef": { "name": options.aws_secret_name, "namespace": options.aws_secret_namespace },
        } },
    });
    Ok(match options.output {
        Manifest::Yaml => yaml(&object),
        Manifest::Json => format!("{object:#}\n"),
    })
}
