//! Which function of a weighted set a request goes to, where more than its weights count.
//!
//! First the client's own word: the header that the route names may ask for one of its functions, by key or by qualifier, one
//! without weight too, so that a new version can be tried before anyone else gets it. A word that names none is refused:
//! a tester must not take the old version for the new one. Then the client: the same header or cookie leads to the same
//! function, on every replica, as long as its weight stays. Otherwise the weights are drawn.
//!
//! A rule may take a function's share away when it fails too often, see [`Rollback`].

mod rollback;

use std::fmt::Write as _;
use std::sync::Arc;

use http::HeaderName;
use http::header::{COOKIE, HeaderMap, HeaderValue};
use lambridge_model::{Route, Sticky};

use crate::function::FunctionState;
use crate::problem::{Reason, Refusal};
use crate::weights;

pub(crate) use rollback::Rollback;

/// The shares of a route, as compiled.
type Shares = [(u32, Arc<FunctionState>)];

/// Chooses for one route.
#[derive(Debug)]
pub(crate) struct Chooser {
    options: Vec<Choice>,
    override_by: Option<HeaderName>,
    sticky: Option<By>,
    /// The rule, and which of the options it watches.
    pub(crate) rollback: Option<(usize, Arc<Rollback>)>,
}

/// One function of the set.
#[derive(Debug)]
struct Choice {
    weight: u32,
    /// By which weighted rendezvous hashing knows it.
    seed: u64,
    key: Arc<str>,
    qualifier: Option<String>,
}

/// By what a client is known.
#[derive(Debug)]
enum By {
    Header(HeaderName),
    Cookie {
        name: String,
        /// Behind the value: the attributes.
        attributes: String,
    },
}

/// What was chosen.
#[derive(Debug)]
pub(crate) struct Chosen {
    /// Among the route's functions.
    pub(crate) index: usize,
    /// For a client that had no cookie yet.
    pub(crate) set_cookie: Option<HeaderValue>,
    /// Who wants to know what comes of it.
    pub(crate) watch: Option<Arc<Rollback>>,
}

impl Chooser {
    /// The chooser of `route`; `None` where its weights alone count. A rule that has struck in `earlier` stays so while
    /// the route and the function are the same.
    pub(crate) fn new(
        route: &Route,
        shares: &Shares,
        earlier: Option<&Self>,
    ) -> Result<Option<Box<Self>>, String> {
        let canary = &route.canary;
        if *canary == lambridge_model::Canary::default() {
            return Ok(None);
        }
        let header = |name: &String| {
            HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| format!("`{name}` is not the name of a header"))
        };
        let sticky = match &canary.sticky {
            None => None,
            Some(Sticky::Header(name)) => Some(By::Header(header(name)?)),
            Some(Sticky::Cookie { name, max_age }) => Some(By::Cookie {
                name: name.clone(),
                attributes: format!("; Path=/; Max-Age={}; HttpOnly; SameSite=Lax", max_age.as_secs()),
            }),
        };
        let rollback = canary.rollback.as_ref().map(|rule| {
            let at = shares.iter().position(|(_, function)| *function.key == *rule.function);
            let at = at.ok_or_else(|| {
                format!("`rollback` names `{}`, which is not among its functions", rule.function)
            })?;
            let (_, function) = &shares[at];
            let known = earlier.and_then(|earlier| earlier.rollback.as_ref());
            Ok::<_, String>((at, Rollback::of(rule, route, function, known.map(|(_, known)| known))))
        });
        let options = shares.iter().map(|(weight, function)| Choice {
            weight: *weight,
            seed: weights::hash(function.key.as_bytes()),
            key: Arc::clone(&function.key),
            qualifier: function
                .settings
                .name
                .qualifier()
                .or(function.settings.qualifier.as_deref())
                .map(str::to_owned),
        });
        Ok(Some(Box::new(Self {
            options: options.collect(),
            override_by: canary.override_by.as_ref().map(header).transpose()?,
            sticky,
            rollback: rollback.transpose()?,
        })))
    }

    /// Chooses for a request with these headers. `draw` gives random bits.
    pub(crate) fn choose(
        &self,
        headers: &HeaderMap,
        tls: bool,
        draw: impl Fn() -> u64,
    ) -> Result<Chosen, Refusal> {
        if let Some(named) = self.named(headers)? {
            return Ok(self.chosen(named, None));
        }
        // Read once: whether the rule has struck must not change between two looks at the weights.
        let rolled_back = self.rollback.as_ref().filter(|(_, rule)| rule.has_struck()).map(|(at, _)| *at);
        let weights = self
            .options
            .iter()
            .enumerate()
            .map(|(at, option)| (if rolled_back == Some(at) { 0 } else { option.weight }, option.seed));
        let (index, set_cookie) = match self.client(headers) {
            Known::By(client) => (weights::pick_for(weights, weights::hash(client)), None),
            Known::NotYet { name, attributes } => {
                let id = draw();
                let mut cookie = String::with_capacity(name.len() + attributes.len() + 32);
                // Writing to a `String` cannot fail.
                let _ = write!(cookie, "{name}={id:016x}{attributes}{}", if tls { "; Secure" } else { "" });
                let value = &cookie.as_bytes()[name.len() + 1..name.len() + 17];
                (weights::pick_for(weights, weights::hash(value)), HeaderValue::from_str(&cookie).ok())
            }
            Known::No => (weights::pick(weights.map(|(weight, _)| weight), draw()), None),
        };
        let index = index.ok_or(Reason::NoTarget)?;
        Ok(self.chosen(index, set_cookie))
    }

    fn chosen(&self, index: usize, set_cookie: Option<HeaderValue>) -> Chosen {
        let watch = self.rollback.as_ref().filter(|(at, _)| *at == index).map(|(_, rule)| Arc::clone(rule));
        Chosen { index, set_cookie, watch }
    }

    /// The function that the client asks for.
    fn named(&self, headers: &HeaderMap) -> Result<Option<usize>, Refusal> {
        let Some(value) = self.override_by.as_ref().and_then(|name| headers.get(name)) else {
            return Ok(None);
        };
        let wanted = value.as_bytes();
        let by_key = self.options.iter().position(|option| option.key.as_bytes() == wanted);
        let by_qualifier = || {
            let is =
                |option: &Choice| option.qualifier.as_ref().is_some_and(|name| name.as_bytes() == wanted);
            self.options.iter().position(is)
        };
        let found = by_key.or_else(by_qualifier);
        let unknown =
            || Refusal::from(Reason::NoName).with_detail("the override names no function of the route");
        found.map(Some).ok_or_else(unknown)
    }

    fn client<'a>(&'a self, headers: &'a HeaderMap) -> Known<'a> {
        match &self.sticky {
            None => Known::No,
            Some(By::Header(name)) => match headers.get(name).map(HeaderValue::as_bytes) {
                None | Some([]) => Known::No,
                Some(value) => Known::By(value),
            },
            Some(By::Cookie { name, attributes }) => match cookie(headers, name) {
                None | Some([]) => Known::NotYet { name, attributes },
                Some(value) => Known::By(value),
            },
        }
    }
}

enum Known<'a> {
    By(&'a [u8]),
    /// It gets a cookie.
    NotYet {
        name: &'a str,
        attributes: &'a str,
    },
    No,
}

/// The value of the first cookie of that name, RFC 6265 section 5.4.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    let lines = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
    let mut pairs = lines.flat_map(|line| line.split(|byte| *byte == b';')).map(<[u8]>::trim_ascii);
    pairs.find_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
}

#[cfg(test)]
mod tests;
