//! The tenant of a call, for functions with tenant isolation: Lambda keeps their instances apart by it.
//!
//! It comes from where the configuration says and from nowhere else: a client's own `X-Amz-Tenant-Id` does not pass (see
//! [`headers`](crate::headers)). A request without one, or with one that Lambda would refuse, is refused here with 400.
//! A name that stands in two header fields is no name: who wrote the first of them is not known.
//!
//! Source: "Tenant isolation" in the Lambda developer guide.

use std::borrow::Cow;

use http::request::Parts;
use lambridge_model::TenantId;
use lambridge_wire::invoke::is_tenant_id;
use percent_encoding::percent_decode_str;

use crate::function::FunctionState;
use crate::problem::{Reason, Refusal};

/// The tenant that `function` is called for. `parameters` are those of the path, as sent.
pub(super) fn of(
    function: &FunctionState,
    head: &Parts,
    parameters: &[(&str, &str)],
) -> Result<Option<String>, Refusal> {
    let Some(source) = &function.settings.tenant_id else { return Ok(None) };
    let found = match source {
        TenantId::Value(value) => Cow::Borrowed(value.as_str()),
        TenantId::Header(name) => header(name, head)?,
        TenantId::Path(wanted) => {
            let (_, value) = parameters
                .iter()
                .find(|(name, _)| name == wanted)
                .ok_or_else(|| refusal("the parameter is not set"))?;
            percent_decode_str(value).decode_utf8().map_err(|_| refusal("the parameter is no text"))?
        }
    };
    // A header has no space at its ends, so Lambda would see another name than the one that was signed.
    if found.trim() == found && is_tenant_id(&found) {
        Ok(Some(found.into_owned()))
    } else {
        Err(refusal("not the id of a tenant"))
    }
}

fn header<'h>(name: &str, head: &'h Parts) -> Result<Cow<'h, str>, Refusal> {
    let mut values = head.headers.get_all(name).iter();
    let value = values.next().ok_or_else(|| refusal("the header is missing"))?;
    if values.next().is_some() {
        return Err(refusal("the header stands twice"));
    }
    let text = value.to_str().map_err(|_| refusal("the header is no text"))?;
    Ok(Cow::Borrowed(text.trim()))
}

fn refusal(why: &str) -> Refusal {
    Refusal::from(Reason::NoTenant).with_detail(format!("no tenant: {why}"))
}
