//! `credentials`: keys, a profile or a role, of `aws` and of a function.

use lambridge_model::{AssumeRole, Credentials, Secret};

use crate::leaf::Lower;
use crate::native::syntax;
use crate::values;

impl Lower<'_> {
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
            Some(role) => {
                let first = own.unwrap_or_else(|| base.clone());
                let base = role.via.iter().fold(first, |base, role| self.assume_role(role, base));
                self.assume_role(role, base)
            }
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
        let mut assumed = AssumeRole::new(arn.text.clone(), base);
        assumed.external_id = role.external_id.as_ref().map(|leaf| leaf.text.clone());
        if let Some(leaf) = &role.session_name {
            assumed.session_name.clone_from(&leaf.text);
        }
        self.tags(role, &mut assumed);
        Credentials::AssumeRole(Box::new(assumed))
    }

    /// Source: `Tags` and `TransitiveTagKeys` of AssumeRole in the service model of STS 2011-06-15, and "Passing session tags"
    /// in the IAM user guide: keys do not tell upper from lower case, and only a tag of this session can be transitive.
    fn tags(&mut self, role: &syntax::AssumeRole, assumed: &mut AssumeRole) {
        const MAX: usize = 50;
        let allowed = |text: &str| {
            text.chars().all(|c| c.is_alphabetic() || c.is_numeric() || c == ' ' || "_.:/=+-@".contains(c))
        };
        if let Some((key, _)) = role.tags.get(MAX) {
            self.report.error(&key.span, format!("a session has {MAX} tags at most"));
        }
        for (key, value) in role.tags.iter().take(MAX) {
            if !((1..=128).contains(&key.text.chars().count()) && allowed(&key.text)) {
                self.wrong(
                    key,
                    "is not the key of a tag",
                    "1 to 128 of: letters, digits, spaces, `_.:/=+-@`",
                );
            }
            if !(value.text.chars().count() <= 256 && allowed(&value.text)) {
                self.wrong(
                    value,
                    "is not the value of a tag",
                    "up to 256 of: letters, digits, spaces, `_.:/=+-@`",
                );
            }
            if assumed.tags.keys().any(|other| other.to_lowercase() == key.text.to_lowercase()) {
                self.wrong(key, "stands twice", "keys do not tell upper from lower case; remove one");
            }
            assumed.tags.insert(key.text.clone(), value.text.clone());
        }
        for key in &role.transitive_tags {
            if !assumed.tags.contains_key(&key.text) {
                self.wrong(key, "is no key of `tags`", "only a tag of this session can go on to the next");
            }
            if !assumed.transitive_tags.contains(&key.text) {
                assumed.transitive_tags.push(key.text.clone());
            }
        }
    }
}
