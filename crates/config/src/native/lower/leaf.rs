//! Single values, each with its complaint and its way out.

use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lambridge_model::{AssumeRole, Cidr, Credentials, Secret};

use super::joined;
use crate::document::{ScalarKind, Span};
use crate::native::support::{Support, words};
use crate::native::syntax::{self, Leaf};
use crate::native::values;
use crate::report::Report;
use crate::suggest::nearest;

const DURATION_HELP: &str = "a duration is a number and a unit: `400ms`, `30s`, `1m30s`";
const SIZE_HELP: &str = "a size is `64KiB`, `6MiB`, `1GiB`, or a plain number of bytes";

/// What lowering needs beside the document.
pub struct Lower<'a> {
    pub folder: &'a Path,
    pub report: &'a mut Report,
}

impl Lower<'_> {
    pub fn wrong(&mut self, leaf: &Leaf, message: impl Display, help: &str) {
        self.report.error(&leaf.span, format!("{} {message}", leaf.shown)).help(help);
    }

    pub fn required<'l>(
        &mut self,
        leaf: &'l Option<Leaf>,
        span: &Span,
        section: &str,
        name: &str,
    ) -> Option<&'l Leaf> {
        if leaf.is_none() {
            self.report
                .error(span, format!("`{name}` is missing in `{section}`"))
                .help(format!("add `{name}: …`"));
        }
        leaf.as_ref()
    }

    /// The leaf's own place, or that of the section around it.
    pub fn span_of(&self, leaf: &Option<Leaf>, section: &Span) -> Span {
        leaf.as_ref().map_or_else(|| section.clone(), |leaf| leaf.span.clone())
    }

    pub fn number(&mut self, leaf: &Option<Leaf>, range: RangeInclusive<usize>) -> Option<usize> {
        let leaf = leaf.as_ref()?;
        let (low, high) = (*range.start(), *range.end());
        let help = format!("write a whole number from {low} to {high}");
        if leaf.kind == ScalarKind::Text && !leaf.referred && leaf.text.bytes().all(|b| b.is_ascii_digit()) {
            self.wrong(leaf, "is text, not a number", "write it without quotes");
            return None;
        }
        match leaf.text.parse::<usize>() {
            Ok(number) if range.contains(&number) => Some(number),
            _ if leaf.kind == ScalarKind::Number => {
                self.wrong(leaf, "is out of range", &help);
                None
            }
            _ => {
                self.wrong(leaf, "is not a number", &help);
                None
            }
        }
    }

    pub fn duration(&mut self, leaf: &Option<Leaf>, range: RangeInclusive<Duration>) -> Option<Duration> {
        let leaf = leaf.as_ref()?;
        match values::duration(&leaf.text) {
            Ok(duration) if range.contains(&duration) => Some(duration),
            Ok(_) => {
                let (low, high) =
                    (values::show_duration(*range.start()), values::show_duration(*range.end()));
                self.wrong(leaf, "is out of range", &format!("write a duration from {low} to {high}"));
                None
            }
            Err(reason) => {
                self.wrong(leaf, format!("is not a duration: {reason}"), DURATION_HELP);
                None
            }
        }
    }

    pub fn size(&mut self, leaf: &Option<Leaf>, range: RangeInclusive<usize>) -> Option<usize> {
        let leaf = leaf.as_ref()?;
        match values::size(&leaf.text) {
            Ok(size) if range.contains(&size) => Some(size),
            Ok(_) => {
                let (low, high) = (values::show_size(*range.start()), values::show_size(*range.end()));
                self.wrong(leaf, "is out of range", &format!("write a size from {low} to {high}"));
                None
            }
            Err(reason) => {
                self.wrong(leaf, format!("is not a size: {reason}"), SIZE_HELP);
                None
            }
        }
    }

    /// One of the words that the table has for the key at `path`.
    pub fn word<T: Copy>(&mut self, leaf: &Option<Leaf>, path: &str, known: &[(&str, T)]) -> Option<T> {
        let leaf = leaf.as_ref()?;
        if let Some((_, value)) = known.iter().find(|(word, _)| *word == leaf.text) {
            return Some(*value);
        }
        let name = path.rsplit('.').next().unwrap_or(path);
        if let Some((word, key)) = words(path).find(|(word, _)| *word == leaf.text) {
            if let Support::Refused { way_out } = key.support {
                let message = format!("`{name}: {word}` ({}) is not supported yet", key.about);
                self.report.error(&leaf.span, message).help(way_out);
            }
            return None;
        }
        let supported: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
        let help = match nearest(&leaf.text, supported.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write one of `{}`", supported.join("`, `")),
        };
        self.wrong(leaf, format!("is not known to `{name}`"), &help);
        None
    }

    pub fn address(&mut self, leaf: &Leaf) -> Option<SocketAddr> {
        let address = leaf.text.parse().ok();
        if address.is_none() {
            let help = if leaf.text.contains("localhost") {
                "write the address, `127.0.0.1:8080`; names are not looked up"
            } else {
                "write an IP address and a port: `0.0.0.0:8080`, `[::]:8080`"
            };
            self.wrong(leaf, "is not an address and a port", help);
        }
        address
    }

    pub fn network(&mut self, leaf: &Leaf) -> Option<Cidr> {
        let network = leaf.text.parse().ok();
        if network.is_none() {
            self.wrong(leaf, "is not a network", "write `10.0.0.0/8`, `2001:db8::/32` or one address");
        }
        network
    }

    pub fn path(&mut self, leaf: Option<&Leaf>) -> Option<PathBuf> {
        let leaf = leaf?;
        if leaf.text.is_empty() || leaf.text.contains('\0') {
            self.wrong(leaf, "is not a path", "write a path; relative ones start at this file's folder");
            return None;
        }
        Some(joined(self.folder, &leaf.text))
    }

    pub fn not_empty(&mut self, leaf: &Leaf) -> Option<String> {
        if leaf.text.is_empty() {
            self.wrong(leaf, "is empty", "write a value, or remove the key");
            return None;
        }
        Some(leaf.text.clone())
    }

    pub fn region(&mut self, leaf: &Option<Leaf>) -> Option<String> {
        let leaf = leaf.as_ref()?;
        if !values::is_region(&leaf.text) {
            self.wrong(leaf, "is not a region", "write a region's name, as `us-east-1`");
            return None;
        }
        Some(leaf.text.clone())
    }

    pub fn endpoint(&mut self, leaf: &Option<Leaf>) -> Option<String> {
        let leaf = leaf.as_ref()?;
        match values::endpoint(&leaf.text) {
            Ok(endpoint) => Some(endpoint),
            Err(reason) => {
                let help = "write the base URL of the Lambda API, as `http://127.0.0.1:9000`";
                self.wrong(leaf, format!("is not a base URL: {reason}"), help);
                None
            }
        }
    }

    pub fn key_id(&mut self, leaf: &Leaf) -> Option<String> {
        let good = (1..=128).contains(&leaf.text.len())
            && leaf.text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !good {
            // Not quoted: a secret may have been put here by mistake.
            self.report
                .error(&leaf.span, "the value of `access_key_id` is not an access key id")
                .help("it has letters, digits and `_` only; the longer value is `secret_access_key`");
            return None;
        }
        Some(leaf.text.clone())
    }

    /// `base` is who assumes a role when nothing beside `assume_role` says so.
    pub fn credentials(&mut self, credentials: &syntax::Credentials, base: &Credentials) -> Credentials {
        let syntax::Credentials {
            span,
            access_key_id,
            secret_access_key,
            session_token,
            profile,
            assume_role,
        } = credentials;
        let is_static = access_key_id.is_some() || secret_access_key.is_some() || session_token.is_some();
        if let (true, Some(profile)) = (is_static, profile) {
            self.report
                .error(&profile.span, "`profile` and keys exclude each other")
                .help("keep `profile`, or keep `access_key_id` and `secret_access_key`");
            return Credentials::Default;
        }
        let own = if is_static {
            let id = self.required(access_key_id, span, "credentials", "access_key_id");
            let id = id.and_then(|leaf| self.key_id(leaf));
            let secret = self.required(secret_access_key, span, "credentials", "secret_access_key");
            let secret = secret.and_then(|leaf| self.not_empty(leaf));
            let token = session_token.as_ref().and_then(|leaf| self.not_empty(leaf)).map(Secret::new);
            id.zip(secret).map(|(access_key_id, secret)| Credentials::Static {
                access_key_id,
                secret_access_key: Secret::new(secret),
                session_token: token,
            })
        } else {
            profile.as_ref().and_then(|leaf| self.not_empty(leaf)).map(Credentials::Profile)
        };
        if !is_static && profile.is_none() && assume_role.is_none() {
            self.report.error(span, "`credentials` is empty").help(
                "write `access_key_id` and `secret_access_key`, `profile` or `assume_role`; without the key \
                 `credentials` the AWS default chain is used",
            );
        }
        match assume_role {
            None => own.unwrap_or_default(),
            Some(role) => self.assume_role(role, own.unwrap_or_else(|| base.clone())),
        }
    }

    fn assume_role(&mut self, role: &syntax::AssumeRole, base: Credentials) -> Credentials {
        let Some(arn) = self.required(&role.arn, &role.span, "assume_role", "arn") else {
            return Credentials::Default;
        };
        if let Err(reason) = values::role_arn(&arn.text) {
            let help = "write `arn:aws:iam::123456789012:role/name`";
            self.wrong(arn, format!("is not the ARN of a role: {reason}"), help);
        }
        let plain = |text: &str, more: &[u8]| {
            text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b) || more.contains(&b))
        };
        // Source: the patterns of `externalId` and `RoleSessionName` in the service model of STS 2011-06-15.
        if let Some(leaf) = &role.external_id
            && !((2..=1224).contains(&leaf.text.len()) && plain(&leaf.text, b":/"))
        {
            self.wrong(leaf, "is not an external id", "2 to 1224 of: letters, digits, `_+=,.@:/-`");
        }
        if let Some(leaf) = &role.session_name
            && !((2..=64).contains(&leaf.text.len()) && plain(&leaf.text, b""))
        {
            self.wrong(leaf, "is not a session name", "2 to 64 of: letters, digits, `_+=,.@-`");
        }
        Credentials::AssumeRole(Box::new(AssumeRole {
            arn: arn.text.clone(),
            external_id: role.external_id.as_ref().map(|leaf| leaf.text.clone()),
            session_name: role.session_name.as_ref().map_or("lambridge", |leaf| &leaf.text).to_owned(),
            base,
        }))
    }
}
