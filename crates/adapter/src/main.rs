//! The `lambda-adapter` binary: what goes to `/opt/extensions`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let env = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())));
    lambridge_adapter::run(env)
}
