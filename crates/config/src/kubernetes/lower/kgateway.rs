//! kgateway's `Backend`: one Lambda function, or several that a `Parameter` filter tells apart.
//!
//! Its `spec.aws` has had five shapes, and each is read. Three matter here:
//!
//! - `lambdaFunctions`: a filter names one by `logicalName`, and gets its function and qualifier. This is the shape of
//!   kgateway's documentation of early 2025, which no release read whole.
//! - neither that nor `lambda`: the filter's name is the name of the function, as the code of that time had it.
//! - `lambda`: the one function of the backend, from version 2.0 on.
//!
//! All of them give the function the bytes of the body, and the client the bytes of its payload with status 200. The event
//! that 2.1 makes by default (`payloadTransformMode: Envoy`) is refused by name.
//!
//! Better than the original: the certificate of Lambda's API is verified, a function's failure is never 200, an
//! `endpointURL` needs no port, the region's partition is honoured. A missing `qualifier`, or an empty one, is none.
//!
//! Source: kgateway-dev/kgateway, `backend_types.go` of each release and the documentation's history.

use std::collections::HashMap;

use lambridge_event::Format;
use lambridge_model::{AnswerRule, AssumeRole, Credentials, Function, Invocation};
use lambridge_wire::name::FunctionName;

use super::gateway_api::{Referrer, check_grant, lower_of};
use super::secret::{self, Preferred};
use crate::document::Span;
use crate::kubernetes::set::{Reference, Set};
use crate::kubernetes::support::KGATEWAY;
use crate::kubernetes::support::kgateway::BACKEND;
use crate::kubernetes::syntax::kgateway::{Auth, Aws, Lambda, LambdaFunction, Role, SecretRef};
use crate::kubernetes::syntax::{Body, Object, kgateway as syntax};
use crate::leaf::Lower;
use crate::reader::Leaf;
use crate::report::{Report, quoted};
use crate::suggest::nearest;
use crate::values;

/// Functions of one backend.
const MAX_FUNCTIONS: usize = 1000;

/// A backend that routes may refer to.
#[derive(Debug)]
pub struct Backend<'o> {
    pub span: &'o Span,
    reference: Reference<'o>,
    functions: Functions,
}

#[derive(Debug)]
enum Functions {
    /// Reported: routes to it are not blamed too.
    Wrong,
    /// By logical name; `None` when that one was reported.
    Named(Vec<(String, Option<Function>)>),
    /// Any, with these settings.
    Any(Box<Settings>),
    One(Box<Function>),
}

/// What a backend says for its functions.
#[derive(Debug)]
struct Settings {
    region: String,
    credentials: Credentials,
}

impl Settings {
    fn function(&self, name: FunctionName, span: &Span) -> Function {
        Function {
            region: Some(self.region.clone()),
            credentials: self.credentials.clone(),
            event: Format::Body.into(),
            answer: AnswerRule::Raw,
            origin: span.origin(),
            ..Function::new(name)
        }
    }
}

/// Every `Backend`, each lowered once.
pub fn backends<'o>(set: &Set<'o>, report: &mut Report) -> HashMap<Reference<'o>, Backend<'o>> {
    let mut out = HashMap::new();
    for object in set.objects() {
        let Body::Backend(backend) = &object.body else { continue };
        let mut lowering = Lowering { set, object, lower: lower_of(report, &BACKEND) };
        let functions = lowering.backend(backend).unwrap_or(Functions::Wrong);
        let reference = object.reference();
        out.insert(reference, Backend { span: &object.span, reference, functions });
    }
    out
}

impl Backend<'_> {
    /// Key and settings of the function that `parameter` names. Without one, `span` is to blame.
    pub fn function(
        &self,
        parameter: Option<&Leaf>,
        span: &Span,
        report: &mut Report,
    ) -> Option<(String, Function)> {
        let Reference { namespace, name, .. } = self.reference;
        let key = |function: &str| format!("{namespace}/{name}/{function}");
        match (&self.functions, parameter) {
            (Functions::Wrong, _) => None,
            (Functions::One(function), None) => Some((key(function.name.name()), (**function).clone())),
            (Functions::One(function), Some(leaf)) => {
                let message =
                    format!("{} has one function, so that a `Parameter` names none", self.reference);
                report
                    .error(&leaf.span, message)
                    .help(format!("remove the filter; requests go to `{}`", function.name));
                None
            }
            (Functions::Named(_) | Functions::Any(_), None) => {
                let message = format!("{} is named without a function", self.reference);
                report.error(span, message).help(format!(
                    "add `filters: [{{ type: ExtensionRef, extensionRef: {{ group: {KGATEWAY}, kind: Parameter, name: \
                     {} }} }}]`",
                    self.first_name()
                ));
                None
            }
            (Functions::Named(functions), Some(leaf)) => {
                let Some((_, function)) = functions.iter().find(|(logical, _)| *logical == leaf.text) else {
                    let names = functions.iter().map(|(logical, _)| logical.as_str());
                    let help = match nearest(&leaf.text, names) {
                        Some(near) => format!("did you mean {}?", quoted(near)),
                        None => format!("add it to `lambdaFunctions` at {}", self.span),
                    };
                    report
                        .error(&leaf.span, format!("{} has no function {}", self.reference, leaf.shown))
                        .help(help);
                    return None;
                };
                Some((key(&leaf.text), function.clone()?))
            }
            (Functions::Any(settings), Some(leaf)) => {
                let name = function_name(leaf, &mut lower_of(report, &BACKEND))?;
                Some((key(&leaf.text), settings.function(name, self.span)))
            }
        }
    }

    fn first_name(&self) -> &str {
        match &self.functions {
            Functions::Named(functions) => functions.first().map_or("…", |(logical, _)| logical),
            _ => "…",
        }
    }
}

struct Lowering<'a, 'o> {
    set: &'a Set<'o>,
    object: &'o Object,
    lower: Lower<'a>,
}

impl Lowering<'_, '_> {
    fn backend(&mut self, backend: &syntax::Backend) -> Option<Functions> {
        self.word(&backend.kind, "spec.type", &[("AWS", ())]);
        let Some(aws) = &backend.aws else {
            if !backend.has_other {
                self.lower
                    .report
                    .error(&self.object.span, format!("{} has no `spec.aws`", self.object.reference()))
                    .help("add `aws` with `region` and `lambda`");
            }
            return None;
        };
        let region = self.lower.region(&aws.region).unwrap_or_else(|| "us-east-1".to_owned());
        let credentials = self.credentials(aws);
        let account = self.account(&aws.account);
        let wrong = credentials.is_none();
        let settings = Settings { region, credentials: credentials.unwrap_or_default() };
        let functions = match (&aws.functions, &aws.lambda) {
            (Some((span, _)), Some(_)) => {
                self.lower
                    .report
                    .error(span, "`lambdaFunctions` and `lambda` exclude each other")
                    .help("keep `lambda` for one function, or `lambdaFunctions` for several");
                return None;
            }
            (Some((span, functions)), None) => {
                Some(self.named(span, functions, account.as_deref(), &settings))
            }
            (None, Some(lambda)) => {
                self.one(lambda, account, &settings).map(|one| Functions::One(Box::new(one)))
            }
            (None, None) if aws.has_other => None,
            (None, None) => Some(Functions::Any(Box::new(settings))),
        };
        functions.filter(|_| !wrong)
    }

    fn named(
        &mut self,
        span: &Span,
        functions: &[LambdaFunction],
        account: Option<&str>,
        settings: &Settings,
    ) -> Functions {
        if functions.is_empty() || functions.len() > MAX_FUNCTIONS {
            let message = format!("`lambdaFunctions` has from 1 to {MAX_FUNCTIONS} entries");
            self.lower
                .report
                .error(span, message)
                .help("add `{ logicalName: echo, lambdaFunctionName: echo }`");
        }
        let mut out: Vec<(String, Option<Function>)> = Vec::new();
        for function in functions.iter().take(MAX_FUNCTIONS) {
            let section = "lambdaFunctions";
            let Some(leaf) =
                self.lower.required(&function.name, &function.span, section, "lambdaFunctionName")
            else {
                continue;
            };
            let logical = function.logical.as_ref().unwrap_or(leaf);
            if out.iter().any(|(other, _)| *other == logical.text) {
                self.lower.wrong(
                    logical,
                    "stands twice in `lambdaFunctions`",
                    "give one of them another `logicalName`",
                );
            }
            let name = function_name(leaf, &mut self.lower).and_then(|name| of_account(name, account));
            let qualifier = self.lower.qualifier(&function.qualifier, name.as_ref());
            let lowered = name.map(|name| Function { qualifier, ..settings.function(name, &function.span) });
            out.push((logical.text.clone(), lowered));
        }
        Functions::Named(out)
    }

    fn one(&mut self, lambda: &Lambda, account: Option<String>, settings: &Settings) -> Option<Function> {
        let account = self.account(&lambda.account).or(account);
        let endpoint = self.lower.endpoint(&lambda.endpoint);
        let modes = [("Sync", Invocation::Sync), ("Async", Invocation::Async)];
        let invoke = self.lower.word(&lambda.mode, "spec.aws.lambda.invocationMode", &modes);
        self.transform(lambda);
        let leaf = self.lower.required(&lambda.name, &lambda.span, "lambda", "functionName")?;
        let name = function_name(leaf, &mut self.lower).and_then(|name| of_account(name, account.as_deref()));
        let qualifier = self.lower.qualifier(&lambda.qualifier, name.as_ref());
        Some(Function {
            qualifier,
            endpoint,
            invoke: invoke.unwrap_or_default(),
            ..settings.function(name?, &lambda.span)
        })
    }

    /// The default is refused too, since it would not behave as kgateway reads it.
    fn transform(&mut self, lambda: &Lambda) {
        if lambda.transform.is_some() {
            self.lower.word(&lambda.transform, "spec.aws.lambda.payloadTransformMode", &[("None", ())]);
            return;
        }
        let message = "`payloadTransformMode: Envoy` (the event of Envoy's Lambda filter), the default, is not supported yet";
        self.lower
            .report
            .error(&lambda.span, message)
            .help("add `payloadTransformMode: None`: the function is given the body, the client its payload");
    }

    fn account(&mut self, leaf: &Option<Leaf>) -> Option<String> {
        let leaf = leaf.as_ref()?;
        if leaf.text.len() != 12 || !leaf.text.bytes().all(|b| b.is_ascii_digit()) {
            self.lower.wrong(leaf, "is not an account", "write its twelve digits, in quotes");
            return None;
        }
        Some(leaf.text.clone())
    }

    /// `None` when they were reported as wrong.
    fn credentials(&mut self, aws: &Aws) -> Option<Credentials> {
        match (&aws.secret, &aws.auth) {
            (Some(secret), Some(_)) => {
                self.lower
                    .report
                    .error(&secret.span, "`secretRef` and `auth` exclude each other")
                    .help("keep `auth: { type: Secret, secretRef: … }`");
                None
            }
            (Some(secret), None) => self.secret(secret),
            (None, Some(auth)) => self.auth(auth),
            (None, None) => Some(Credentials::Default),
        }
    }

    fn auth(&mut self, auth: &Auth) -> Option<Credentials> {
        let kinds =
            [("Secret", "secretRef"), ("AssumeRole", "assumeRole"), ("irsa", "irsa"), ("default", "")];
        let kind = match &auth.kind {
            Some(_) => self.word(&auth.kind, "spec.aws.auth.type", &kinds)?,
            None if auth.secret.is_some() => "secretRef",
            None if auth.role.is_some() => "assumeRole",
            None => "",
        };
        match (kind, &auth.secret, &auth.role) {
            ("secretRef", Some(secret), None) => self.secret(secret),
            ("assumeRole" | "irsa", None, Some(role)) => self.role(role),
            ("", None, None) => Some(Credentials::Default),
            ("", ..) | (_, Some(_), Some(_)) => {
                let message = "`auth` says several things: `secretRef` and `assumeRole` each have a `type` of their own";
                self.lower.report.error(&auth.span, message).help("keep the key that `type` names");
                None
            }
            (needed, ..) => {
                self.lower
                    .report
                    .error(&auth.span, format!("`{needed}` is missing in `auth`"))
                    .help(format!("add `{needed}`, or write another `type`"));
                None
            }
        }
    }

    fn role(&mut self, role: &Role) -> Option<Credentials> {
        let arn = self.lower.required(&role.arn, &role.span, "auth", role.key)?;
        if let Err(reason) = values::role_arn(&arn.text) {
            let help = "write `arn:aws:iam::123456789012:role/name`";
            self.lower.wrong(arn, format!("is not the ARN of a role: {reason}"), help);
            return None;
        }
        Some(Credentials::AssumeRole(Box::new(AssumeRole::new(arn.text.clone(), Credentials::Default))))
    }

    fn secret(&mut self, secret: &SecretRef) -> Option<Credentials> {
        let name = self.lower.required(&secret.name, &secret.span, "secretRef", "name")?;
        let namespace = secret.namespace.as_ref().map_or(self.object.namespace.as_str(), |leaf| &leaf.text);
        let reference = Reference { group: "", kind: "Secret", namespace, name: &name.text };
        let Some(found) = self.set.find(reference) else {
            let help = format!(
                "{}; `lambridge create secret aws --name {} --namespace {namespace}` prints one",
                self.set.help_for_missing(reference),
                name.text
            );
            self.lower.report.error(&name.span, format!("{reference} does not exist")).help(help);
            return None;
        };
        let from = Referrer { group: KGATEWAY, kind: "Backend", namespace: &self.object.namespace };
        let span = secret.namespace.as_ref().map_or(&name.span, |leaf| &leaf.span);
        check_grant(self.set, from, reference, span, self.lower.report)?;
        secret::credentials(found, Preferred::Kgateway, self.lower.report)
    }

    /// A word whose case does not matter: the first releases wrote these small.
    fn word<T: Clone>(&mut self, leaf: &Option<Leaf>, path: &str, known: &[(&str, T)]) -> Option<T> {
        let table = self.lower.table;
        let leaf = leaf.as_ref().map(|leaf| {
            let same = table.words(path).find(|(word, _)| word.eq_ignore_ascii_case(&leaf.text));
            Leaf { text: same.map_or(leaf.text.as_str(), |(word, _)| word).to_owned(), ..leaf.clone() }
        });
        self.lower.word(&leaf, path, known)
    }
}

pub fn function_name(leaf: &Leaf, lower: &mut Lower<'_>) -> Option<FunctionName> {
    match leaf.text.parse::<FunctionName>() {
        Ok(name) => Some(name),
        Err(error) => {
            let help = "write the function's name, up to 64 letters, digits, `-` and `_`";
            lower.wrong(leaf, format!("is not a function name: {}", error.reason), help);
            None
        }
    }
}

/// The name with its owner: the function may be of another account, and of any partition.
pub fn of_account(name: FunctionName, account: Option<&str>) -> Option<FunctionName> {
    match account.filter(|_| name.account().is_none()) {
        Some(account) => format!("{account}:function:{name}").parse().ok().or(Some(name)),
        None => Some(name),
    }
}
