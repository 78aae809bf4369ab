//! `event: template`: an event that the configuration writes itself, as JSON with values of the request in it.
//!
//! The language is Jinja's, by `minijinja`, with one difference that makes it fit for JSON: **what a `{{ … }}` writes depends
//! on where it stands**. Between quotes it writes text with JSON's escapes; elsewhere it writes a whole JSON value, quotes
//! included. So no value of a client can end its string, begin a key or change the shape of the event, whether the writer
//! thought of it or not, and there is nothing to switch that off: `safe`, `escape` and `tojson` do not exist.
//!
//! ```jinja
//! { "id": {{ params.id }}, "note": "from {{ source_ip }}", "all": {{ json }} }
//! ```
//!
//! A template is compiled once, when the configuration is loaded; a syntax error, a name that no request has and a filter that
//! does not exist are errors of the configuration, with their place. What a request can make go wrong has two answers:
//!
//! * 400 `bad_request`: it lacks what the template reads without `is defined` or `default`, or its body is not the JSON
//!   or the text that is asked for;
//! * 500 `template_error`: everything else, an event that is no JSON for one. The log says what and in which line.
//!
//! Rendering is bounded in steps, in the size of the event (413 `event_too_large`), and in nesting.

mod inputs;
mod place;
mod value;

use std::collections::BTreeMap;

use bytes::Bytes;
use lambridge_event::{Context, Request};
use lambridge_model::{Event, EventTemplate, Origin};
use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value};

use crate::Problem;
use crate::problem::{Reason, Refusal};
use place::{Place, Written};

/// Steps of one rendering: a loop over some ten thousand items.
const FUEL: u64 = 500_000;
/// Blocks and calls inside each other.
const NESTING: usize = 64;
const NAME: &str = "event";
/// Holds [`Place`] among the names: no template can spell it.
const PLACE: &str = "\0place";

/// A compiled template.
pub(crate) struct Template {
    environment: Environment<'static>,
    /// Names that the template reads, so that no other is made.
    used: Vec<&'static str>,
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Template").field("used", &self.used).finish_non_exhaustive()
    }
}

impl Template {
    /// Compiles `source`; what is wrong comes with its place in the file.
    pub(crate) fn compile(source: &EventTemplate) -> Result<Self, Problem> {
        let problem = |at: Option<(usize, usize)>, message: String| problem(source, at, message);
        let mut environment = environment();
        environment.add_template_owned(NAME, source.text.clone()).map_err(|error| wrong(source, &error))?;
        let used = {
            let template = environment.get_template(NAME).map_err(|error| wrong(source, &error))?;
            let read = template.undeclared_variables(false);
            let functions: Vec<&str> = environment.globals().map(|(name, _)| name).collect();
            let mut unknown: Vec<&String> = read
                .iter()
                .filter(|name| !inputs::NAMES.contains(&name.as_str()) && !functions.contains(&name.as_str()))
                .collect();
            unknown.sort();
            if let Some(name) = unknown.first() {
                let message =
                    format!("`{name}` is no name of a request; there are `{}`", inputs::NAMES.join("`, `"));
                return Err(problem(find(&source.text, name), message));
            }
            inputs::NAMES.into_iter().filter(|name| read.contains(*name)).collect()
        };
        let template = Self { environment, used };
        template.probe().map_err(|error| wrong(source, &error))?;
        Ok(template)
    }

    /// Filters and tests are looked up when they are reached, so an empty request is rendered once: what does not exist at
    /// all is found before a client finds it. Anything else may well come of the request being empty.
    fn probe(&self) -> Result<(), minijinja::Error> {
        let mut environment = self.environment.clone();
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        let place = Place::default();
        let names: BTreeMap<&str, Value> = [(PLACE, Value::from_object(place))].into();
        let template = environment.get_template(NAME)?;
        match template.render(Value::from(names)) {
            Err(error) if is_unknown(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// What reading a body of `length` bytes may take beside it: small values of a parsed body are thirty times their text.
    pub(crate) fn memory(&self, length: usize) -> usize {
        if self.used.contains(&"json") { length.saturating_mul(32) } else { 0 }
    }

    /// The event of a request, of `limit` bytes at most.
    pub(crate) fn render(
        &self,
        request: &Request<'_>,
        context: &Context<'_>,
        limit: usize,
    ) -> Result<Bytes, Refusal> {
        let place = Place::default();
        let mut written = Written::new(place.clone(), limit);
        let mut names: BTreeMap<&str, Value> =
            self.used.iter().map(|name| (*name, inputs::value(name, request, context))).collect();
        names.insert(PLACE, Value::from_object(place));
        let rendered = self
            .environment
            .get_template(NAME)
            .and_then(|template| template.render_captured_to(Value::from(names), &mut written).map(|_| ()));
        if written.is_full() {
            return Err(Reason::EventTooLarge.into());
        }
        rendered.map_err(|error| refusal(&error))?;
        let event = written.into_bytes();
        match serde_json::from_slice::<serde::de::IgnoredAny>(&event) {
            Ok(_) => Ok(Bytes::from(event)),
            Err(error) => Err(Refusal::from(Reason::Template)
                .with_detail(format!("what the template gives is no JSON: {error}"))),
        }
    }
}

/// The language: Jinja's filters, tests and functions but for those that escape or show what is inside.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    for filter in ["safe", "escape", "e", "pprint"] {
        environment.remove_filter(filter);
    }
    for test in ["safe", "escaped"] {
        environment.remove_test(test);
    }
    environment.remove_global("debug");
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(NESTING);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_formatter(|out, state, value| {
        let place = state.lookup(PLACE);
        let place = place.as_ref().and_then(|place| place.downcast_object_ref::<Place>());
        let place = place.map_or(place::Kind::Value, Place::now);
        value::write(value, place, out)
    });
    environment
}

fn is_unknown(error: &minijinja::Error) -> bool {
    matches!(error.kind(), ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction)
}

/// An error of the configuration: `error` without the place that it would name itself.
fn wrong(source: &EventTemplate, error: &minijinja::Error) -> Problem {
    let line = error.line().unwrap_or(1);
    let column = error.range().map_or(1, |range| column(&source.text, range.start));
    problem(source, Some((line, column)), said(error))
}

/// `at` is line and column in the template, from 1.
fn problem(source: &EventTemplate, at: Option<(usize, usize)>, message: String) -> Problem {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let Origin { file, line, column } = source.origin.clone();
    match at {
        Some((down, right)) if source.in_place => {
            let line = line.saturating_add(count(down - 1));
            let column = column.saturating_add(count(right - 1));
            Problem { origin: Origin { file, line, column }, message: format!("the template: {message}") }
        }
        Some((down, right)) => {
            let message = format!("line {down}, column {right} of the template: {message}");
            Problem { origin: source.origin.clone(), message }
        }
        None => Problem { origin: source.origin.clone(), message: format!("the template: {message}") },
    }
}

/// What went wrong, without the source that `Display` repeats.
fn said(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

/// Where a name stands first as a word.
fn find(text: &str, name: &str) -> Option<(usize, usize)> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let (at, _) = text.match_indices(name).find(|(at, _)| {
        !text[..*at].ends_with(|c| word(c) || c == '.') && !text[at + name.len()..].starts_with(word)
    })?;
    Some((text[..at].matches('\n').count() + 1, column(text, at)))
}

fn column(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    before.rsplit('\n').next().unwrap_or_default().chars().count() + 1
}

/// What a client is told. A name that is not there is the client's to give; so is a body of the right kind.
fn refusal(error: &minijinja::Error) -> Refusal {
    let reason = match error.kind() {
        ErrorKind::UndefinedError | ErrorKind::CannotDeserialize => Reason::Incomplete,
        _ => Reason::Template,
    };
    let line = error.line().map_or(String::new(), |line| format!(" in line {line}"));
    let mut detail = format!("the event's template{line}: {}", said(error));
    if let Some(end) = detail.char_indices().nth(512).map(|(end, _)| end) {
        detail.truncate(end);
    }
    Refusal::from(reason).with_detail(detail)
}

/// The compiled template of a function, if its event is one.
pub(crate) fn of(event: &Event) -> Result<Option<Template>, Problem> {
    match event {
        Event::Format(_) => Ok(None),
        Event::Template(source) => Template::compile(source).map(Some),
    }
}

#[cfg(test)]
mod tests;
