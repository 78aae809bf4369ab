//! What a sandbox starts: the words of its extensions and of its runtime, by the form in which the function is packed.
//!
//! A web app or a runtime client is named in the configuration; an image names its own command; a folder without either
//! is a custom runtime's, with a `bootstrap`. Refusals are of the init phase, as type and message.

use std::ffi::OsString;
use std::path::PathBuf;

use lambridge_model::Program;

use super::image::Image;
use super::opt;
use crate::context::Context;

/// The name under which a web app's adapter registers: that of its file.
const ADAPTER: &str = "lambda-adapter";
/// Names a program that is started in the runtime's place, with the runtime's words as its arguments.
const WRAPPER: &str = "AWS_LAMBDA_EXEC_WRAPPER";

pub(super) type Refusal = (&'static str, String);

/// An external extension.
pub(super) struct Extension {
    /// Its file's.
    pub(super) name: String,
    /// What starts it.
    pub(super) words: Vec<OsString>,
    /// In the image, where there is one.
    pub(super) inside: bool,
}

/// The external extensions: those in `/opt/extensions`, and the adapter of a web app, unless one of its name lies there.
pub(super) fn extensions(context: &Context, image: Option<&Image>) -> Result<Vec<Extension>, Refusal> {
    let refuse = |message: String| ("Extension.LaunchError", message);
    let found = match image {
        Some(image) => Some(image.extensions()),
        None => context.run.opt.as_deref().map(opt::extensions),
    };
    let found = found.transpose().map_err(refuse)?;
    let extension = |(name, path): (String, PathBuf)| Extension {
        name,
        words: vec![path.into_os_string()],
        inside: true,
    };
    let mut all: Vec<_> = found.into_iter().flatten().map(extension).collect();
    let web = matches!(context.run.program, Program::Web(_));
    if web && all.iter().all(|extension| extension.name != ADAPTER) {
        if context.adapter.is_empty() {
            return Err(refuse("no adapter is configured".to_owned()));
        }
        let words = context.adapter.clone();
        all.push(Extension { name: ADAPTER.to_owned(), words, inside: false });
    }
    Ok(all)
}

/// The words that start the runtime, behind its wrapper if it has one. A web app is the command of an image, where
/// `AWS_LAMBDA_EXEC_WRAPPER` means nothing. Source: Lambda developer guide, "Using a wrapper script".
pub(super) fn runtime(context: &Context, image: Option<&Image>) -> Result<Vec<OsString>, Refusal> {
    let run = &context.run;
    let refuse = |message: String| ("Runtime.InvalidEntrypoint", message);
    let words = match (&run.program, image) {
        (Program::Web(words) | Program::Command(words), _) => words,
        (Program::Packed, Some(image)) => &image.command,
        (Program::Packed, None) => return Ok(vec![bootstrap(context).map_err(refuse)?.into_os_string()]),
    };
    if words.is_empty() {
        let why = if image.is_some() {
            "the image names no command: add `command`"
        } else {
            "no command is configured"
        };
        return Err(refuse(why.to_owned()));
    }
    let words = words.iter().map(Into::into);
    let wrapper = run.env.get(WRAPPER).filter(|path| !path.is_empty());
    match (wrapper, &run.program) {
        // In an image it is the image's own runtime that looks for it.
        (Some(wrapper), Program::Command(_)) if image.is_none() => {
            let path = opt::inside(wrapper, run.opt.as_deref());
            if !path.is_file() {
                return Err(refuse(format!("{WRAPPER}: `{wrapper}` is no file at `{}`", path.display())));
            }
            Ok(std::iter::once(path.into_os_string()).chain(words).collect())
        }
        _ => Ok(words.collect()),
    }
}

/// The program of a custom runtime. Source: Lambda developer guide, "Building a custom runtime": the function's own comes
/// before a layer's.
fn bootstrap(context: &Context) -> Result<PathBuf, String> {
    let folders = || std::iter::once(&context.run.dir).chain(&context.run.opt);
    let found = folders().map(|folder| folder.join("bootstrap")).find(|path| path.is_file());
    let path = found.ok_or_else(|| {
        let named: Vec<String> = folders().map(|folder| format!("`{}`", folder.display())).collect();
        format!("there is no `bootstrap` in {}", named.join(" or "))
    })?;
    std::path::absolute(path).map_err(|error| error.to_string())
}
