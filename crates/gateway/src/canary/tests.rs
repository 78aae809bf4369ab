use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderMap;
use lambridge_invoke::Pool;
use lambridge_model::{
    Canary, ConnectionSettings, Function, Matcher, PathMatch, Percent, Rollback as Rule, Route, Sticky,
    Target, Weighted,
};

use super::Chooser;
use crate::function::FunctionState;
use crate::problem::Reason;

type Shares = Vec<(u32, Arc<FunctionState>)>;

fn shares() -> Shares {
    let pool = Pool::new(Arc::new(|_| None), ConnectionSettings::default());
    let function = |key: &str, weight: u32, name: &str, qualifier: Option<&str>| {
        let qualifier = qualifier.map(str::to_owned);
        let region = Some("us-east-1".into());
        let settings = Function { qualifier, region, ..Function::new(name.parse().unwrap()) };
        let state = FunctionState::new(key, &settings, &pool, std::iter::empty(), Arc::default()).unwrap();
        (weight, Arc::new(state))
    };
    vec![
        function("old", 90, "shop:1", None),
        function("new", 10, "shop", Some("2")),
        function("next", 0, "shop", None),
    ]
}

fn route(canary: Canary) -> Route {
    let weighted = ["old", "new", "next"].map(|key| Weighted { function: key.into(), weight: 1 });
    let target = Target::Functions(weighted.to_vec());
    Route { id: "r".into(), canary, ..Route::new(Matcher::path(PathMatch::Prefix("/".into())), target) }
}

fn chooser(canary: Canary) -> Chooser {
    *Chooser::new(&route(canary), &shares(), None).unwrap().unwrap()
}

fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
    fields.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

fn rule() -> Rule {
    Rule { function: "new".into(), errors: Percent::new(50), over: Duration::from_secs(60), min_calls: 4 }
}

#[test]
fn plain_weights_need_no_chooser() {
    assert!(Chooser::new(&route(Canary::default()), &shares(), None).unwrap().is_none());
}

#[test]
fn overrides() {
    let by = Canary { override_by: Some("x-canary".into()), ..Canary::default() };
    let chooser = chooser(by);
    let rows = [
        ("old", Some(0)),
        ("new", Some(1)),
        ("next", Some(2)),
        ("1", Some(0)),
        ("2", Some(1)),
        ("shop", None),
        ("", None),
    ];
    for (value, expect) in rows {
        let found = chooser.choose(&headers(&[("x-canary", value)]), false, || 0);
        match expect {
            Some(index) => assert_eq!(found.unwrap().index, index, "{value}"),
            None => assert_eq!(found.unwrap_err().reason, Reason::NoName, "{value}"),
        }
    }
    // Without the header the weights are drawn.
    assert_eq!(chooser.choose(&HeaderMap::new(), false, || 95).unwrap().index, 1);
}

#[test]
fn a_header_leads_to_one_function() {
    let chooser = chooser(Canary { sticky: Some(Sticky::Header("x-user".into())), ..Canary::default() });
    let mut news = 0;
    for user in 0..500 {
        let fields = headers(&[("x-user", &format!("user-{user}"))]);
        let first = chooser.choose(&fields, false, || 0).unwrap();
        let again = chooser.choose(&fields, false, || 95).unwrap();
        assert_eq!(first.index, again.index);
        assert_eq!(first.set_cookie, None);
        news += usize::from(first.index == 1);
    }
    assert!((15..=100).contains(&news), "{news} of 500 at 10 of 100");
    for without in [headers(&[]), headers(&[("x-user", "")])] {
        assert_eq!(chooser.choose(&without, false, || 95).unwrap().index, 1);
    }
}

#[test]
fn a_client_without_a_cookie_gets_one_and_stays() {
    let sticky = Sticky::Cookie { name: "lb".into(), max_age: Duration::from_secs(3600) };
    let chooser = chooser(Canary { sticky: Some(sticky), ..Canary::default() });
    let mut seen = [0; 3];
    for draw in 0..200_u64 {
        let first =
            chooser.choose(&headers(&[("cookie", "a=1; xlb=2; lb=")]), draw % 2 == 0, || draw).unwrap();
        let cookie = first.set_cookie.unwrap().to_str().unwrap().to_owned();
        let (value, attributes) = cookie.split_once(';').unwrap();
        let secure = if draw % 2 == 0 { "; Secure" } else { "" };
        assert_eq!(attributes, format!(" Path=/; Max-Age=3600; HttpOnly; SameSite=Lax{secure}"));
        let fields = headers(&[("cookie", "a=1"), ("cookie", &format!("b=2;{value} "))]);
        let again = chooser.choose(&fields, false, || 0).unwrap();
        assert_eq!((again.index, again.set_cookie), (first.index, None));
        seen[first.index] += 1;
    }
    assert!(seen[1] > 0 && seen[0] > seen[1] && seen[2] == 0, "{seen:?}");
}

#[test]
fn a_rule_strikes_once_and_only_its_function() {
    let chooser =
        chooser(Canary { rollback: Some(rule()), override_by: Some("x-canary".into()), ..Canary::default() });
    let now = Instant::now();
    let fail = |failed: bool| {
        let chosen = chooser.choose(&HeaderMap::new(), false, || 95).unwrap();
        assert_eq!(chosen.index, 1);
        chosen.watch.unwrap().note(failed, now);
    };
    assert!(chooser.choose(&HeaderMap::new(), false, || 0).unwrap().watch.is_none());
    fail(true);
    fail(false);
    fail(true);
    assert!(!chooser.rollback.as_ref().unwrap().1.has_struck(), "three calls say nothing");
    fail(true);
    assert!(chooser.rollback.as_ref().unwrap().1.has_struck());
    for draw in 0..100 {
        assert_eq!(chooser.choose(&HeaderMap::new(), false, || draw).unwrap().index, 0);
    }
    // A tester still reaches it.
    assert_eq!(chooser.choose(&headers(&[("x-canary", "new")]), false, || 0).unwrap().index, 1);
}

#[test]
fn failures_of_long_ago_do_not_count() {
    let chooser = chooser(Canary { rollback: Some(rule()), ..Canary::default() });
    let (_, rule) = chooser.rollback.as_ref().unwrap();
    let now = Instant::now();
    (0..3).for_each(|_| rule.note(true, now));
    let later = now + Duration::from_secs(120);
    (0..9).for_each(|_| rule.note(false, later));
    rule.note(true, later);
    assert!(!rule.has_struck());
}

#[test]
fn a_rule_outlives_a_reload_that_does_not_concern_it() {
    let canary = Canary { rollback: Some(rule()), ..Canary::default() };
    let shares = shares();
    let first = Chooser::new(&route(canary.clone()), &shares, None).unwrap().unwrap();
    (0..4).for_each(|_| first.rollback.as_ref().unwrap().1.note(true, Instant::now()));
    let struck = |route: &Route, shares: &Shares| {
        let next = Chooser::new(route, shares, Some(&first)).unwrap().unwrap();
        next.rollback.as_ref().unwrap().1.has_struck()
    };
    let mut moved = route(canary.clone());
    moved.origin.line = 9;
    assert!(struck(&moved, &shares));
    let mut changed = moved.clone();
    changed.order = 1;
    assert!(!struck(&changed, &shares));
    assert!(!struck(&moved, &{
        let mut other = shares.clone();
        other[1] = self::shares().swap_remove(2);
        other[1].1 = {
            let pool = Pool::new(Arc::new(|_| None), ConnectionSettings::default());
            let region = Some("us-east-1".into());
            let settings = Function { region, ..Function::new("shop:3".parse().unwrap()) };
            Arc::new(FunctionState::new("new", &settings, &pool, std::iter::empty(), Arc::default()).unwrap())
        };
        other
    }));
}
