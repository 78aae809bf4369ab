//! `Upstream`: the functions of one region, and who may call them.
//!
//! Credentials are those of its Secret. Without one it takes what `Settings` allow: the AWS default chain, of which a
//! Pod's web identity is a part; `roleArn` is assumed from there. A role beside a Secret does not count, as in Gloo.
//!
//! Gloo's discovery writes every function of the account into `lambdaFunctions`, `NAME` for `$LATEST` and `NAME:VERSION`
//! for others, in place of what the user wrote. Here the user's entries count as they stand, aliases included, and any
//! other logical name is looked up when it is called: [`Function::discover`]. Nothing is written into the object.
//!
//! Source: solo-io/gloo, the plugin for AWS and its function discovery.

use std::collections::HashMap;

use lambridge_model::{AssumeRole, Credentials, Function};
use lambridge_wire::name::FunctionName;

use crate::document::Span;
use crate::kubernetes::lower::gateway_api::lower_of;
use crate::kubernetes::lower::kgateway::{function_name, of_account};
use crate::kubernetes::lower::secret::{self, Preferred};
use crate::kubernetes::set::{Reference, Set};
use crate::kubernetes::support::gloo::{SETTINGS, UPSTREAM, VIRTUAL_SERVICE};
use crate::kubernetes::syntax::gloo::{Aws, AwsDestination, Body as Gloo};
use crate::kubernetes::syntax::{Body, Object};
use crate::leaf::Lower;
use crate::reader::Leaf;
use crate::report::{Report, quoted};
use crate::suggest::nearest;
use crate::values;

/// Functions of one upstream: discovery writes all of an account's into it.
const MAX_FUNCTIONS: usize = 10_000;

/// An upstream that routes may name.
pub struct Upstream<'o> {
    pub reference: Reference<'o>,
    pub is_aws: bool,
    /// What routes do not say themselves.
    pub overrides: Option<&'o AwsDestination>,
    /// Whether a route without a logical name takes the first function.
    pub fallback: bool,
    /// `None` when they were reported.
    credentials: Option<Credentials>,
    region: Option<String>,
    account: Option<String>,
    /// By logical name; `None` when that one was reported.
    functions: Vec<Listed>,
}

/// A logical name, and the function with its qualifier; `None` when that was reported.
type Listed = (String, Option<(FunctionName, Option<String>)>);

/// An `Upstream` as it stands in a file.
#[derive(Debug, Clone)]
pub struct GlooUpstream {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `None` for upstreams that are no functions.
    pub aws: Option<GlooAws>,
}

/// Its `spec.aws`.
#[derive(Debug, Clone)]
pub struct GlooAws {
    /// The region of its functions.
    pub region: Option<String>,
    /// Namespace and name of its Secret.
    pub secret: Option<(String, String)>,
    /// The owner of its functions.
    pub account: Option<String>,
    /// The role that it assumes.
    pub role_arn: Option<String>,
    /// `lambdaFunctions`.
    pub functions: Vec<GlooFunction>,
    /// A function with the settings that all of them have; `None` when they are wrong.
    pub any: Option<Function>,
}

/// One of `lambdaFunctions`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlooFunction {
    /// How routes name it.
    pub logical_name: String,
    /// The function's name.
    pub name: String,
    /// Version or alias.
    pub qualifier: Option<String>,
}

/// Every `Upstream`, in the order of the files.
pub fn views(set: &Set<'_>, report: &mut Report) -> Vec<GlooUpstream> {
    let lowered = upstreams(set, report);
    let mut out = Vec::new();
    for object in set.objects() {
        let Body::Gloo(Gloo::Upstream(upstream)) = &object.body else { continue };
        let found = lowered.get(&format!("{}/{}", object.namespace, object.name.text));
        let aws = upstream.aws.as_ref().zip(found).map(|(aws, found)| view(aws, found, object));
        out.push(GlooUpstream { namespace: object.namespace.clone(), name: object.name.text.clone(), aws });
    }
    out
}

fn view(aws: &Aws, found: &Upstream<'_>, object: &Object) -> GlooAws {
    let text = |leaf: &Option<Leaf>| leaf.as_ref().map(|leaf| leaf.text.clone());
    let listed = found.functions.iter().filter_map(|(logical, function)| {
        let (name, qualifier) = function.as_ref()?;
        let (logical_name, name) = (logical.clone(), name.name().to_owned());
        Some(GlooFunction { logical_name, name, qualifier: qualifier.clone() })
    });
    // Any name will do: the list is that of the account and region.
    let any = "any".parse::<FunctionName>().ok().zip(found.credentials.clone());
    GlooAws {
        region: found.region.clone(),
        secret: aws.secret.as_ref().and_then(|secret| {
            Some((text(&secret.namespace).unwrap_or_else(|| object.namespace.clone()), text(&secret.name)?))
        }),
        account: found.account.clone(),
        role_arn: text(&aws.role_arn),
        functions: listed.collect(),
        any: any.map(|(name, credentials)| Function {
            region: found.region.clone(),
            credentials,
            ..Function::new(name)
        }),
    }
}

/// What `Settings` say about calls to Lambda.
#[derive(Debug, Default, Clone, Copy)]
struct Options {
    default_chain: bool,
    fallback: bool,
}

/// Every `Upstream` by `NAMESPACE/NAME`, each lowered once.
pub fn upstreams<'o>(set: &Set<'o>, report: &mut Report) -> HashMap<String, Upstream<'o>> {
    let options = options(set, report);
    let mut out = HashMap::new();
    for object in set.objects() {
        let Body::Gloo(Gloo::Upstream(upstream)) = &object.body else { continue };
        let mut lowered = Upstream {
            reference: object.reference(),
            is_aws: upstream.aws.is_some(),
            overrides: None,
            fallback: options.fallback,
            credentials: None,
            region: None,
            account: None,
            functions: Vec::new(),
        };
        if let Some(aws) = &upstream.aws {
            let mut lowering = Lowering { set, object, lower: lower_of(report, &UPSTREAM) };
            let region = aws.region.clone().filter(|leaf| !leaf.text.is_empty());
            lowered.region = lowering.lower.region(&region);
            lowered.credentials = lowering.credentials(aws, options);
            lowered.account = lowering.account(&aws.account);
            lowered.functions = lowering.functions(aws, lowered.account.as_deref());
            lowered.overrides = aws.overrides.as_ref();
        }
        out.insert(format!("{}/{}", object.namespace, object.name.text), lowered);
    }
    out
}

/// Of all `Settings`: there is one in an installation.
fn options(set: &Set<'_>, report: &mut Report) -> Options {
    let mut out = Options::default();
    for object in set.objects() {
        let Body::Gloo(Gloo::Settings(settings)) = &object.body else { continue };
        let mut lower = lower_of(report, &SETTINGS);
        let discovery = [&settings.discovery, &settings.discovery_too];
        let on = discovery.into_iter().filter(|leaf| lower.bool(leaf) == Some(true)).count() > 0;
        out.default_chain |= on || settings.service_account;
        out.fallback |= lower.bool(&settings.fallback) == Some(true);
    }
    out
}

impl Upstream<'_> {
    /// Logical name and function for a route that names `logical`; without a name `span` is to blame.
    pub fn function(
        &self,
        logical: Option<&Leaf>,
        span: &Span,
        report: &mut Report,
    ) -> Option<(String, Function)> {
        let credentials = self.credentials.clone();
        let function = |name: FunctionName, qualifier: Option<String>| {
            Some(Function {
                qualifier,
                region: self.region.clone(),
                credentials: credentials?,
                ..Function::new(name)
            })
        };
        let Some(leaf) = logical else {
            return match self.functions.first().filter(|_| self.fallback) {
                Some((logical, found)) => {
                    let (name, qualifier) = found.clone()?;
                    Some((logical.clone(), function(name, qualifier)?))
                }
                None if self.fallback => {
                    let message = format!("{} has no functions to take the first of", self.reference);
                    report.error(span, message).help("add `logicalName: …`");
                    None
                }
                None => {
                    report.error(span, "`logicalName` is missing in `aws`").help("add `logicalName: …`");
                    None
                }
            };
        };
        if let Some((_, found)) = self.functions.iter().find(|(known, _)| *known == leaf.text) {
            let (name, qualifier) = found.clone()?;
            return Some((leaf.text.clone(), function(name, qualifier)?));
        }
        let names = self.functions.iter().map(|(known, _)| known.as_str());
        // A version of a function that is listed without one is no slip of the pen.
        if let Some(near) = nearest(&leaf.text, names).filter(|_| !leaf.text.contains(':')) {
            let message =
                format!("{} does not list {}: it is called if Lambda does", self.reference, leaf.shown);
            report.warning(&leaf.span, message).help(format!("did you mean {}?", quoted(near)));
        }
        let name = discovered(leaf, &mut lower_of(report, &VIRTUAL_SERVICE))?;
        let name = of_account(name, self.account.as_deref())?;
        Some((leaf.text.clone(), Function { discover: true, ..function(name, None)? }))
    }
}

/// `NAME` or `NAME:VERSION`, as discovery makes logical names.
fn discovered(leaf: &Leaf, lower: &mut Lower<'_>) -> Option<FunctionName> {
    let name = function_name(leaf, lower)?;
    if name.account().is_some() || name.region().is_some() {
        let help = "write the function's name, or list it in `lambdaFunctions` of the upstream";
        lower.wrong(leaf, "is not a name that discovery gives a function", help);
        return None;
    }
    Some(name)
}

struct Lowering<'a, 'o> {
    set: &'a Set<'o>,
    object: &'o Object,
    lower: Lower<'a>,
}

impl Lowering<'_, '_> {
    /// `None` when they were reported as wrong.
    fn credentials(&mut self, aws: &Aws, options: Options) -> Option<Credentials> {
        if let Some(leaf) = aws
            .disable_role_chaining
            .as_ref()
            .filter(|_| self.lower.bool(&aws.disable_role_chaining) == Some(true))
        {
            self.lower
                .report
                .error(
                    &leaf.span,
                    "`disableRoleChaining: true` (a web identity for `roleArn` itself) is not supported yet",
                )
                .help("set `AWS_ROLE_ARN` to that role for the whole process, and remove `roleArn`");
        }
        let role = aws.role_arn.as_ref().filter(|leaf| !leaf.text.is_empty());
        if let Some(secret) = &aws.secret {
            if let Some(leaf) = role {
                self.lower
                    .report
                    .warning(&leaf.span, "`roleArn` is ignored: the keys of the Secret count")
                    .help("remove one of them");
            }
            return self.secret(secret);
        }
        if !options.default_chain {
            self.lower
                .report
                .error(&aws.span, format!("{} has no credentials: `secretRef` is missing", self.object.reference()))
                .help("add `secretRef`, or set `enableCredentialsDiscovey: true` in `spec.gloo.awsOptions` of the `Settings`");
            return None;
        }
        let Some(leaf) = role else { return Some(Credentials::Default) };
        if let Err(reason) = values::role_arn(&leaf.text) {
            let help = "write `arn:aws:iam::123456789012:role/name`";
            self.lower.wrong(leaf, format!("is not the ARN of a role: {reason}"), help);
            return None;
        }
        Some(Credentials::AssumeRole(Box::new(AssumeRole::new(leaf.text.clone(), Credentials::Default))))
    }

    fn secret(&mut self, secret: &crate::kubernetes::syntax::gloo::Reference) -> Option<Credentials> {
        let name = self.lower.required(&secret.name, &secret.span, "secretRef", "name")?;
        let namespace = secret.namespace.as_ref().map_or(self.object.namespace.as_str(), |leaf| &leaf.text);
        let reference = Reference { group: "", kind: "Secret", namespace, name: &name.text };
        match self.set.find(reference) {
            Some(found) => secret::credentials(found, Preferred::Gloo, self.lower.report),
            None => {
                let help = format!(
                    "{}; `lambridge create secret aws --name {} --namespace {namespace}` prints one",
                    self.set.help_for_missing(reference),
                    name.text
                );
                self.lower.report.error(&name.span, format!("{reference} does not exist")).help(help);
                None
            }
        }
    }

    fn account(&mut self, leaf: &Option<Leaf>) -> Option<String> {
        let leaf = leaf.as_ref().filter(|leaf| !leaf.text.is_empty())?;
        if leaf.text.len() != 12 || !leaf.text.bytes().all(|b| b.is_ascii_digit()) {
            self.lower.wrong(leaf, "is not an account", "write its twelve digits, in quotes");
            return None;
        }
        Some(leaf.text.clone())
    }

    fn functions(&mut self, aws: &Aws, account: Option<&str>) -> Vec<Listed> {
        if aws.functions.len() > MAX_FUNCTIONS {
            let message = format!("`lambdaFunctions` has {MAX_FUNCTIONS} entries at most");
            self.lower.report.error(&aws.span, message).help("list those that routes name");
        }
        let mut places: HashMap<String, Span> = HashMap::new();
        let mut out = Vec::new();
        for function in aws.functions.iter().take(MAX_FUNCTIONS) {
            let section = "lambdaFunctions";
            let Some(leaf) =
                self.lower.required(&function.name, &function.span, section, "lambdaFunctionName")
            else {
                continue;
            };
            let name = function_name(leaf, &mut self.lower).and_then(|name| of_account(name, account));
            let qualifier = self.lower.qualifier(&function.qualifier, name.as_ref());
            let logical = match (&function.logical_name, &qualifier) {
                (Some(logical), _) => logical.text.clone(),
                (None, Some(qualifier)) => format!("{}:{qualifier}", leaf.text),
                (None, None) => leaf.text.clone(),
            };
            let place = function.logical_name.as_ref().map_or(&leaf.span, |leaf| &leaf.span);
            if let Some(first) = places.get(&logical) {
                self.lower
                    .report
                    .error(place, format!("logical name {} stands twice: first at {first}", quoted(&logical)))
                    .help("give one of them another `logicalName`");
                continue;
            }
            places.insert(logical.clone(), place.clone());
            out.push((logical, name.map(|name| (name, qualifier))));
        }
        out
    }
}
