//! `lambridge convert`: a configuration of any dialect as a native one, which then behaves the same.
//!
//! Secrets do not go where the rest goes: each is written to a file of its own that only its owner may read, and the
//! document refers to it by `${file:…}`. Relative paths become absolute, since what is printed may lie elsewhere.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lambridge_model::{Model, Run, Secret};

use crate::args::Convert;
use crate::{configuration, output};

pub fn run(options: &Convert) -> ExitCode {
    let Some((mut model, _)) = configuration::load_or_complain(&options.paths.config) else {
        return ExitCode::FAILURE;
    };
    make_absolute(&mut model);
    match convert(options, &model) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&format!("lambridge: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn convert(options: &Convert, model: &Model) -> Result<(), String> {
    let folder = match &options.secrets {
        Some(folder) => folder.clone(),
        None => options.output.as_deref().and_then(Path::parent).unwrap_or(Path::new("")).join("secrets"),
    };
    let folder = absolute(&folder);
    let mut files: Vec<(PathBuf, Secret)> = Vec::new();
    let text = lambridge_config::print(model, &mut |owner, key, secret| {
        if options.show_secrets {
            return secret.expose().replace("${", "$${");
        }
        let path = folder.join(format!("{}.{key}", file_name(owner)));
        let path = free_name(path, secret, &files);
        files.push((path.clone(), secret.clone()));
        format!("${{file:{}}}", path.display())
    });
    match &options.output {
        None => output::say(text.trim_end()),
        Some(path) => {
            fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        }
    }
    for (path, secret) in &files {
        write_secret(path, secret).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    if !files.is_empty() {
        output::complain(&format!(
            "{} secret{} written to {}; only you may read them",
            files.len(),
            if files.len() == 1 { " was" } else { "s were" },
            folder.display()
        ));
    }
    Ok(())
}

/// Two owners may come to the same name once odd characters are replaced.
fn free_name(path: PathBuf, secret: &Secret, taken: &[(PathBuf, Secret)]) -> PathBuf {
    let clashes = |path: &Path| taken.iter().any(|(other, theirs)| other == path && theirs != secret);
    let mut found = path.clone();
    let mut number = 2;
    while clashes(&found) {
        found = path
            .with_extension(format!("{}-{number}", path.extension().unwrap_or_default().to_string_lossy()));
        number += 1;
    }
    found
}

fn file_name(owner: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
    owner.chars().map(plain).collect()
}

/// A file that exists is replaced, so that its permissions are ours.
fn write_secret(path: &Path, secret: &Secret) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(secret.expose().as_bytes())?;
    // A reader drops one line break at the end; a secret that ends in one keeps it so.
    if secret.expose().ends_with('\n') { file.write_all(b"\n") } else { Ok(()) }
}

fn make_absolute(model: &mut Model) {
    for tls in model.listeners.iter_mut().filter_map(|listener| listener.tls.as_mut()) {
        tls.cert_file = absolute(&tls.cert_file);
        tls.key_file = absolute(&tls.key_file);
        tls.client_ca_file = tls.client_ca_file.as_deref().map(absolute);
    }
    for run in model.functions.values_mut().filter_map(|function| function.run.as_mut()) {
        run_absolute(run);
    }
}

fn run_absolute(run: &mut Run) {
    run.dir = absolute(&run.dir);
    run.opt = run.opt.as_deref().map(absolute);
    run.versions.values_mut().for_each(run_absolute);
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}
