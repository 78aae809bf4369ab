//! What a script's error is to the client and to the log.

use lambridge_model::ScriptSource;

use crate::problem::{Reason, Refusal};

/// `custom_error(message, status)`, on its way through Lua.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Raised {
    pub(super) message: String,
    pub(super) status: Option<u16>,
}

/// The sources of a route, which run as one text: a `local` of one file is seen in the next.
#[derive(Debug)]
pub(super) struct Sources {
    /// Name, first line, text.
    files: Vec<(String, usize, String)>,
}

impl Sources {
    pub(super) fn new(sources: &[ScriptSource]) -> Self {
        let mut line = 1;
        let mut files = Vec::with_capacity(sources.len());
        for source in sources {
            files.push((source.name.clone(), line, source.text.clone()));
            line += source.text.matches('\n').count() + 1;
        }
        Self { files }
    }

    /// How Lua knows the text.
    pub(super) const fn name(&self) -> &'static str {
        "sources"
    }

    pub(super) fn text(&self) -> String {
        let texts: Vec<&str> = self.files.iter().map(|(.., text)| text.as_str()).collect();
        texts.join("\n")
    }

    /// `canary.lua:3` for the third line of all.
    fn place(&self, line: usize) -> Option<String> {
        let (name, first, _) = self.files.iter().rev().find(|(_, first, _)| *first <= line)?;
        Some(format!("{name}:{}", line - first + 1))
    }
}

/// The refusal of a request whose script ended so.
pub(super) fn refusal(error: &mlua::Error, sources: &Sources) -> Refusal {
    let refusal = Refusal::from(Reason::Script);
    match error.downcast_ref::<Raised>() {
        Some(raised) => {
            let refusal = refusal.with_detail(raised.message.clone());
            match raised.status.filter(|status| (200..=599).contains(status)) {
                Some(status) => refusal.with_status(status),
                None => refusal,
            }
        }
        None => refusal.with_detail(message(error, sources)),
    }
}

/// The first line of Lua's words, with the file's own name and line.
pub(super) fn message(error: &mlua::Error, sources: &Sources) -> String {
    let text = match error {
        mlua::Error::SyntaxError { message, .. } | mlua::Error::RuntimeError(message) => message.clone(),
        mlua::Error::CallbackError { cause, .. } => return message(cause, sources),
        other => other.to_string(),
    };
    let line = text.lines().next().unwrap_or_default();
    let Some((before, after)) = line.split_once("sources:") else { return line.to_owned() };
    let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    match after[..digits].parse().ok().and_then(|line| sources.place(line)) {
        Some(place) => format!("{before}{place}{}", &after[digits..]),
        None => line.to_owned(),
    }
}
