//! Where functions are called, by whom, and at what price, taken apart: what `aws` and each function may say.

use crate::document::Span;
use crate::reader::{Fields, Leaf, Reader};

#[derive(Debug)]
pub struct Aws {
    pub span: Span,
    pub region: Option<Leaf>,
    pub endpoint: Option<Leaf>,
    pub credentials: Option<Credentials>,
    pub prices: Option<Prices>,
    pub use_fips: Option<Leaf>,
    pub use_dualstack: Option<Leaf>,
    pub connections: Option<Connections>,
}

#[derive(Debug)]
pub struct Connections {
    pub span: Span,
    pub max: Option<Leaf>,
    pub protocol: Option<Leaf>,
}

#[derive(Debug)]
pub struct Credentials {
    pub span: Span,
    pub access_key_id: Option<Leaf>,
    pub secret_access_key: Option<Leaf>,
    pub session_token: Option<Leaf>,
    pub profile: Option<Leaf>,
    pub assume_role: Option<AssumeRole>,
}

#[derive(Debug)]
pub struct AssumeRole {
    pub span: Span,
    pub arn: Option<Leaf>,
    pub external_id: Option<Leaf>,
    pub session_name: Option<Leaf>,
    pub tags: Vec<(Leaf, Leaf)>,
    pub transitive_tags: Vec<Leaf>,
    pub via: Vec<AssumeRole>,
}

#[derive(Debug)]
pub struct Prices {
    pub span: Span,
    pub gb_second: Option<Leaf>,
    pub request: Option<Leaf>,
}

pub fn aws(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Aws {
    Aws {
        span: fields.span.clone(),
        region: reader.leaf(fields, "region"),
        endpoint: reader.leaf(fields, "endpoint"),
        credentials: reader.section(fields, "credentials", credentials),
        prices: reader.section(fields, "prices", prices),
        use_fips: reader.leaf(fields, "use_fips"),
        use_dualstack: reader.leaf(fields, "use_dualstack"),
        connections: reader.section(fields, "connections", |reader, fields| Connections {
            span: fields.span.clone(),
            max: reader.leaf(fields, "max"),
            protocol: reader.leaf(fields, "protocol"),
        }),
    }
}

pub fn credentials(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Credentials {
    Credentials {
        span: fields.span.clone(),
        access_key_id: reader.leaf(fields, "access_key_id"),
        secret_access_key: reader.secret(fields, "secret_access_key"),
        session_token: reader.secret(fields, "session_token"),
        profile: reader.leaf(fields, "profile"),
        assume_role: reader.section(fields, "assume_role", |reader, fields| {
            let via = reader.list_of_maps(fields, "via", assume_role);
            AssumeRole { via, ..assume_role(reader, fields) }
        }),
    }
}

fn assume_role(reader: &mut Reader<'_>, fields: &Fields<'_>) -> AssumeRole {
    AssumeRole {
        span: fields.span.clone(),
        arn: reader.leaf(fields, "arn"),
        external_id: reader.leaf(fields, "external_id"),
        session_name: reader.leaf(fields, "session_name"),
        tags: reader.pairs(fields, "tags").unwrap_or_default(),
        transitive_tags: reader.leaves(fields, "transitive_tags").map(|(_, keys)| keys).unwrap_or_default(),
        via: Vec::new(),
    }
}

pub fn prices(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Prices {
    Prices {
        span: fields.span.clone(),
        gb_second: reader.leaf(fields, "gb_second"),
        request: reader.leaf(fields, "request"),
    }
}
