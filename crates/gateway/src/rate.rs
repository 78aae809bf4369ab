//! How often one may ask: a token bucket for each client of a route, or one for all.
//!
//! A bucket is one number, the moment at which it will be full again (the virtual scheduling form of ATM's generic cell rate
//! algorithm, ITU-T I.371): a request moves it on by the time that one token takes to come back, and is refused if
//! that would take it further than `burst` tokens into the future. A bucket that is full is the same as none, and is
//! forgotten.
//!
//! Clients choose their keys, so the table is bounded: full buckets go first, then, of a few that stand there, the one that
//! is nearest to being full. Keys are hashed with a secret, so that no client finds another's bucket.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::header::{HeaderMap, HeaderName, HeaderValue};
use lambridge_model::{RateKey, RateLimit};

use crate::compile::CompiledRoute;

/// Buckets of one route.
const BUCKETS: usize = 65_536;
/// Buckets that are looked at to find one to give up.
const LOOKED_AT: usize = 16;

/// The buckets of one route.
#[derive(Debug)]
pub(crate) struct Limiter {
    settings: RateLimit,
    /// Between two tokens, in nanoseconds.
    interval: u64,
    /// What all tokens together take.
    depth: u64,
    epoch: Instant,
    secrets: [RandomState; 2],
    buckets: Mutex<Buckets>,
}

#[derive(Debug, Default)]
struct Buckets {
    /// When each is full again, in nanoseconds since the epoch.
    full_at: HashMap<u128, u64>,
    /// Before this, full buckets are not looked for again.
    swept_until: u64,
}

/// How a client stands after its request; what its answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) allowed: bool,
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// Until the next token where there is none, else until all are back.
    pub(crate) reset: Duration,
}

impl Standing {
    /// Writes it as most gateways do, runway among them; `now` and the reset are seconds since 1970.
    pub(crate) fn tell(&self, headers: &mut HeaderMap, now: u64) {
        let reset = now.saturating_add(self.reset.as_secs_f64().ceil() as u64);
        headers.insert(LIMIT, HeaderValue::from(self.limit));
        headers.insert(REMAINING, HeaderValue::from(self.remaining));
        headers.insert(RESET, HeaderValue::from(reset));
    }
}

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

impl Limiter {
    /// The buckets of a route: those it has in `earlier`, the same route before a reload, if its limit is the same.
    pub(crate) fn of(settings: &RateLimit, earlier: Option<&CompiledRoute>) -> Arc<Self> {
        let kept =
            earlier.and_then(|route| route.limiter.clone()).filter(|limiter| limiter.settings == *settings);
        kept.unwrap_or_else(|| Arc::new(Self::new(settings)))
    }

    fn new(settings: &RateLimit) -> Self {
        let period = u64::try_from(settings.period.as_nanos()).unwrap_or(u64::MAX);
        let interval = (period / u64::from(settings.rate.max(1))).max(1);
        Self {
            settings: settings.clone(),
            interval,
            depth: interval.saturating_mul(u64::from(settings.burst.max(1))),
            epoch: Instant::now(),
            secrets: [RandomState::new(), RandomState::new()],
            buckets: Mutex::default(),
        }
    }

    /// Takes a token for this request.
    pub(crate) fn take(&self, client: &str, headers: &HeaderMap, now: Instant) -> Standing {
        let key = match &self.settings.by {
            RateKey::Route => 0,
            RateKey::Ip => self.of_address(client),
            RateKey::Header(name) => match headers.get(name).filter(|value| !value.is_empty()) {
                Some(value) => self.hash((1, value.as_bytes())),
                None => self.of_address(client),
            },
            RateKey::Cookie(name) => match cookie(headers, name) {
                Some(value) => self.hash((1, value)),
                None => self.of_address(client),
            },
        };
        let now = u64::try_from(now.saturating_duration_since(self.epoch).as_nanos()).unwrap_or(u64::MAX);
        self.spend(key, now)
    }

    /// One who has a network of 64 bits has all its addresses.
    fn of_address(&self, client: &str) -> u128 {
        match client.parse::<IpAddr>() {
            Ok(IpAddr::V6(address)) => self.hash((2, &address.octets()[..8])),
            _ => self.hash((0, client.as_bytes())),
        }
    }

    fn hash(&self, key: (u8, &[u8])) -> u128 {
        let [high, low] = &self.secrets;
        (u128::from(high.hash_one(key)) << 64) | u128::from(low.hash_one(key))
    }

    fn spend(&self, key: u128, now: u64) -> Standing {
        let mut buckets = self.buckets();
        let full_at = buckets.full_at.get(&key).copied().unwrap_or(now).max(now);
        let after = full_at.saturating_add(self.interval);
        let ahead = after - now;
        let limit = self.settings.burst;
        if ahead > self.depth {
            let reset = Duration::from_nanos(ahead - self.depth);
            return Standing { allowed: false, limit, remaining: 0, reset };
        }
        if buckets.full_at.len() >= BUCKETS && !buckets.full_at.contains_key(&key) {
            buckets.make_room(now, self.interval);
        }
        buckets.full_at.insert(key, after);
        let remaining = u32::try_from((self.depth - ahead) / self.interval).unwrap_or(u32::MAX);
        Standing { allowed: true, limit, remaining, reset: Duration::from_nanos(ahead) }
    }

    fn buckets(&self) -> MutexGuard<'_, Buckets> {
        // A poisoned lock holds a whole table: each change is one call.
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buckets {
    fn make_room(&mut self, now: u64, interval: u64) {
        if now >= self.swept_until {
            self.full_at.retain(|_, full_at| *full_at > now);
            // A whole walk pays only once a token has come back to someone.
            self.swept_until = now.saturating_add(interval.max(1_000_000));
        }
        while self.full_at.len() >= BUCKETS {
            let nearest = self.full_at.iter().take(LOOKED_AT).min_by_key(|(_, full_at)| **full_at);
            let Some((&key, _)) = nearest else { return };
            self.full_at.remove(&key);
        }
    }
}

/// The value of the first cookie of that name. RFC 6265 section 4.2.1.
fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h [u8]> {
    headers.get_all(http::header::COOKIE).iter().find_map(|line| {
        line.as_bytes().split(|&b| b == b';').find_map(|pair| {
            let (key, value) = pair.trim_ascii().split_at_checked(name.len())?;
            let value = value.strip_prefix(b"=")?;
            (key == name.as_bytes() && !value.is_empty()).then_some(value)
        })
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use http::HeaderMap;
    use lambridge_model::{RateKey, RateLimit};

    use super::{BUCKETS, Limiter};

    fn limiter(rate: u32, burst: u32, by: RateKey) -> Limiter {
        Limiter::new(&RateLimit { rate, period: Duration::from_secs(1), burst, by })
    }

    #[test]
    fn tokens_go_and_come_back() {
        let limiter = limiter(10, 3, RateKey::Route);
        let start = limiter.epoch;
        let check = |ms: u64, allowed: bool, remaining: u32, reset_ms: u64| {
            let now = start + Duration::from_millis(ms);
            let standing = limiter.take("1.2.3.4", &HeaderMap::new(), now);
            let found = (standing.allowed, standing.remaining, standing.reset.as_millis() as u64);
            assert_eq!(found, (allowed, remaining, reset_ms), "at {ms}");
            assert_eq!(standing.limit, 3);
        };
        check(0, true, 2, 100);
        check(0, true, 1, 200);
        check(0, true, 0, 300);
        check(0, false, 0, 100);
        check(99, false, 0, 1);
        check(100, true, 0, 300);
        check(100, false, 0, 100);
        check(10_000, true, 2, 100);
    }

    #[test]
    fn clients_are_told_apart() {
        let now = Instant::now();
        let one = |by: RateKey, pairs: [(&str, &str, &str); 2]| {
            let limiter = limiter(1, 1, by);
            pairs.map(|(client, name, value)| {
                let mut headers = HeaderMap::new();
                if !name.is_empty() {
                    headers.insert(
                        http::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                        value.parse().unwrap(),
                    );
                }
                limiter.take(client, &headers, now).allowed
            })
        };
        let (apart, together) = ([true, true], [true, false]);
        let plain = |client| (client, "", "");
        assert_eq!(one(RateKey::Route, [plain("1.1.1.1"), plain("2.2.2.2")]), together);
        assert_eq!(one(RateKey::Ip, [plain("1.1.1.1"), plain("2.2.2.2")]), apart);
        assert_eq!(one(RateKey::Ip, [plain("1.1.1.1"), plain("1.1.1.1")]), together);
        assert_eq!(one(RateKey::Ip, [plain("2001:db8::1"), plain("2001:db8::2")]), together);
        assert_eq!(one(RateKey::Ip, [plain("2001:db8::1"), plain("2001:db8:0:1::1")]), apart);
        let key = || RateKey::Header("x-key".into());
        assert_eq!(one(key(), [("1.1.1.1", "x-key", "a"), ("1.1.1.1", "x-key", "b")]), apart);
        assert_eq!(one(key(), [("1.1.1.1", "x-key", "a"), ("2.2.2.2", "x-key", "a")]), together);
        assert_eq!(one(key(), [plain("1.1.1.1"), plain("1.1.1.1")]), together);
        assert_eq!(one(key(), [plain("1.1.1.1"), ("2.2.2.2", "x-key", "1.1.1.1")]), apart);
        let key = || RateKey::Cookie("id".into());
        let pair = [("1.1.1.1", "cookie", "x=1; id=a"), ("2.2.2.2", "cookie", "id=a")];
        assert_eq!(one(key(), pair), together);
        let pair = [("1.1.1.1", "cookie", "xid=a"), ("2.2.2.2", "cookie", "xid=a")];
        assert_eq!(one(key(), pair), apart);
    }

    #[test]
    fn the_table_is_bounded_and_keeps_who_asks_too_much() {
        let limiter = limiter(1, 2, RateKey::Header("x-key".into()));
        let mut now = 0;
        for _ in 0..2 {
            assert!(limiter.spend(u128::MAX, now).allowed);
        }
        for key in 0..(BUCKETS as u128 + 1000) {
            limiter.spend(key, now);
        }
        assert_eq!(limiter.buckets().full_at.len(), BUCKETS);
        assert!(!limiter.spend(u128::MAX, now).allowed, "others are nearer to being full");
        now = 10_000_000_000;
        assert!(limiter.spend(u128::MAX - 1, now).allowed);
        assert_eq!(limiter.buckets().full_at.len(), 1, "full buckets are forgotten");
    }
}
