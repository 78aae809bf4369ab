//! What the gateway does when calls fail: retries and their budget, breakers, other regions, fewer calls at once.

use std::sync::Arc;
use std::time::Duration;

use lambridge_model::{
    Admin, Breaker, Concurrency, Credentials, Failover, Invocation, Percent, Retries, RetryBudget, Secret,
};
use lambridge_testkit::frames::{complete, piece, stream};
use lambridge_testkit::{Answer, FakeLambda};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::support::{get, verdict};
use crate::world::{Client, PATIENCE, World, answer, check, f, start};

const HOUR: Duration = Duration::from_secs(3600);

fn failure(status: u16, kind: &str) -> Answer {
    Answer::new(status).header("x-amzn-ErrorType", kind).body("{}")
}

fn throttle() -> Answer {
    failure(429, "TooManyRequestsException")
}

/// The admin's `/functions`.
async fn functions_page(world: &World) -> String {
    let address = world.gateway.admin_address().unwrap();
    let mut client = Client::over(TcpStream::connect(address).await.unwrap());
    client.send(b"GET /functions HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    client.answer().await
}

fn with_admin(model: &mut lambridge_model::Model) {
    model.admin = Some(Admin { address: "127.0.0.1:0".parse().unwrap() });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_that_would_end_too_late_is_not_waited_for() {
    let world = start(|model| f(model).retries = Retries::default()).await;
    world.lambda.push(throttle().header("retry-after", "3600"));
    let refused = get(world.address, "GET", "/").await;
    check(&world, &refused, 503, "throttled").await;
    assert!(refused.contains("retry-after: 3600\r\n"), "{refused}");
    assert_eq!(world.lambda.requests().len(), 1);
    // A short one is.
    world.lambda.push(throttle().header("retry-after", "0.1"));
    assert_eq!(verdict(&get(world.address, "POST", "/").await).0, 200);
    assert_eq!(world.lambda.requests().len(), 3);
}

/// A machine whose clock is an hour late: Lambda says what time it is, and is believed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_clock_is_corrected() {
    let world = start(|model| f(model).retries = Retries::default()).await;
    let date = httpdate::fmt_http_date(std::time::SystemTime::now() + HOUR);
    world.lambda.push(failure(403, "InvalidSignatureException").header("date", &date));
    assert_eq!(verdict(&get(world.address, "POST", "/").await).0, 200);
    assert_eq!(verdict(&get(world.address, "POST", "/").await).0, 200);
    let dates: Vec<_> = world.lambda.requests().iter().filter_map(|call| call.header("x-amz-date")).collect();
    let [late, right, after] = &dates[..] else { panic!("{dates:?}") };
    assert!(late < right && right <= after, "{dates:?}");
    // A refusal that the clock cannot be blamed for is final.
    world.lambda.push(failure(403, "InvalidSignatureException").header("date", &date));
    check(&world, &get(world.address, "POST", "/").await, 502, "access_denied").await;
    assert_eq!(world.lambda.requests().len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_that_is_made_ready_is_asked_again() {
    let world = start(|model| f(model).retries = Retries::default()).await;
    world.lambda.push(failure(409, "ResourceConflictException"));
    assert_eq!(verdict(&get(world.address, "POST", "/").await).0, 200);
    assert_eq!(world.lambda.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retries_do_not_multiply_an_outage() {
    for (ratio, expect) in [(0, 10), (100, 20)] {
        let world = start(|model| {
            let budget = RetryBudget { ratio: Percent::new(ratio), min_per_second: 0 };
            f(model).retries = Retries { max: 5, budget, ..Retries::default() };
        })
        .await;
        for _ in 0..20 {
            world.lambda.push(throttle());
        }
        for _ in 0..10 {
            assert_eq!(verdict(&get(world.address, "GET", "/").await).1, "throttled");
        }
        assert_eq!(world.lambda.requests().len(), expect, "{ratio}%");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_breaker_opens_and_closes() {
    let world = start(|model| {
        with_admin(model);
        let open = Duration::from_millis(50);
        f(model).breaker = Some(Breaker { min_calls: 3, over: HOUR, open, ..Breaker::default() });
    })
    .await;
    // Neither a throttle nor the function's own error is Lambda's failure.
    let own = || Answer::ok("{}").header("X-Amz-Function-Error", "Unhandled");
    for _ in 0..3 {
        for pushed in [throttle(), own()] {
            world.lambda.push(pushed);
            get(world.address, "GET", "/").await;
        }
    }
    assert!(functions_page(&world).await.contains(r#""breaker":"closed""#));
    let asked = world.lambda.requests().len();
    for pushed in [failure(500, "ServiceException"), Answer::reset(), failure(500, "ServiceException")] {
        world.lambda.push(pushed);
        get(world.address, "GET", "/").await;
    }
    assert_eq!(world.lambda.requests().len(), asked + 3);
    assert!(functions_page(&world).await.contains(r#""breaker":"open""#));
    // The next call that is let through works, whenever that is.
    let recovered = async {
        loop {
            let found = get(world.address, "GET", "/").await;
            if verdict(&found).0 == 200 {
                return;
            }
            check(&world, &found, 503, "circuit_open").await;
        }
    };
    tokio::time::timeout(PATIENCE, recovered).await.unwrap();
    assert_eq!(world.lambda.requests().len(), asked + 4);
    assert!(functions_page(&world).await.contains(r#""breaker":"closed""#));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_breaker_calls_nothing() {
    let world = start(|model| {
        let settings = Breaker { min_calls: 2, open: HOUR, function_errors: true, ..Breaker::default() };
        f(model).breaker = Some(settings);
    })
    .await;
    for _ in 0..2 {
        world.lambda.push(Answer::ok("{}").header("X-Amz-Function-Error", "Unhandled"));
        assert_eq!(verdict(&get(world.address, "GET", "/").await).1, "function_error");
    }
    for _ in 0..5 {
        let refused = get(world.address, "POST", "/").await;
        check(&world, &refused, 503, "circuit_open").await;
        let wait = refused.split("retry-after: ").nth(1).unwrap().split('\r').next().unwrap();
        assert!((3000..=3600).contains(&wait.parse::<u32>().unwrap()), "{wait}");
    }
    assert_eq!(world.lambda.requests().len(), 2);
}

/// A second Lambda, and what makes it the place to fail over to.
fn second() -> (FakeLambda, Failover) {
    let lambda = FakeLambda::answering(answer("from afar"));
    let failover = Failover {
        region: "eu-west-1".into(),
        endpoint: Some(lambda.endpoint()),
        name: "spare".parse().unwrap(),
        credentials: Credentials::Static {
            access_key_id: "AKFAR".into(),
            secret_access_key: Secret::new("far"),
            session_token: None,
        },
    };
    (lambda, failover)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_region_answers() {
    let (far, failover) = second();
    let world = start(|model| {
        with_admin(model);
        f(model).failover = vec![failover];
    })
    .await;
    // How the own region fails, the method, whether the other one is asked.
    let rows = [
        (None, "GET", false),
        (Some(failure(500, "ServiceException")), "GET", true),
        (Some(failure(500, "ServiceException")), "POST", false),
        (Some(failure(502, "ENINotReadyException")), "POST", true),
        (Some(throttle()), "POST", true),
        (Some(Answer::reset()), "PUT", true),
        (Some(Answer::reset()), "POST", false),
        (Some(failure(404, "ResourceNotFoundException")), "GET", false),
        (Some(failure(403, "AccessDeniedException")), "GET", false),
        (Some(Answer::ok("{}").header("X-Amz-Function-Error", "Unhandled")), "GET", false),
    ];
    let mut asked = 0;
    for (at, (own, method, elsewhere)) in rows.into_iter().enumerate() {
        let shown = format!("row {at} {method}");
        if let Some(own) = own {
            world.lambda.push(own);
        }
        let found = get(world.address, method, "/").await;
        asked += usize::from(elsewhere);
        assert_eq!(far.requests().len(), asked, "{shown}");
        assert_eq!(found.ends_with("from afar"), elsewhere, "{shown}: {found}");
        let line = world.lines.wait_for(at + 1).await.remove(at);
        let region = if elsewhere { " region=eu-west-1 " } else { " region=us-east-1 " };
        assert!(line.contains(region), "{shown}: {line}");
    }
    // Signed anew for the place it went to, as who may call there.
    let call = far.requests().remove(0);
    let signed = call.header("authorization").unwrap();
    assert!(signed.contains("Credential=AKFAR/") && signed.contains("/eu-west-1/lambda/"), "{signed}");
    assert!(call.path().contains("/functions/spare/"), "{}", call.path());
    let page = functions_page(&world).await;
    for part in [r#"{"region":"us-east-1","answered":2}"#, r#"{"region":"eu-west-1","answered":4}"#] {
        assert!(page.contains(part), "{part} in {page}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_that_hangs_leaves_time_for_another() {
    for invoke in [Invocation::Sync, Invocation::Stream] {
        let (far, failover) = second();
        let world = start(|model| {
            f(model).invoke = invoke;
            f(model).timeout = HOUR;
            f(model).attempt_timeout = Some(Duration::from_millis(50));
            f(model).failover = vec![failover];
        })
        .await;
        let never: Arc<Notify> = Arc::default();
        world.lambda.push(answer("too late").when(&never));
        if invoke == Invocation::Stream {
            let frames = [piece("{}\0\0\0\0\0\0\0\0"), piece("from afar"), complete(None)].concat();
            far.push(stream().chunks(&[&frames], Duration::ZERO));
        }
        let found = get(world.address, "GET", "/").await;
        assert!(found.contains("from afar"), "{invoke:?}: {found}");
        assert_eq!(far.requests().len(), 1, "{invoke:?}");
        // What may not run twice has the whole time.
        let told: Arc<Notify> = Arc::default();
        world.lambda.push(answer("in time").when(&told));
        let mut client = Client::connect(world.address).await;
        client.send(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n").await;
        world.lambda.wait_for(2).await;
        assert!(client.is_silent().await);
        told.notify_one();
        client.answer().await;
        assert_eq!(far.requests().len(), 1, "{invoke:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreachable_or_broken_region_is_left() {
    let (far, failover) = second();
    let world = start(|model| {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let function = f(model);
        function.endpoint = Some(format!("http://{closed}"));
        function.breaker = Some(Breaker { min_calls: 2, open: HOUR, ..Breaker::default() });
        function.failover = vec![failover];
    })
    .await;
    for _ in 0..5 {
        assert_eq!(verdict(&get(world.address, "POST", "/").await).0, 200);
    }
    assert_eq!(far.requests().len(), 5);
    // Two attempts while the breaker was closed, one since.
    let lines = world.lines.wait_for(5).await;
    let twice = lines.iter().filter(|line| line.contains("attempts=2")).count();
    assert_eq!(twice, 2, "{lines:#?}");
    // Both are broken.
    for _ in 0..2 {
        far.push(failure(500, "ServiceException"));
        assert_eq!(verdict(&get(world.address, "POST", "/").await).1, "service_error");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn throttles_lower_the_calls_in_flight() {
    let world = start(|model| {
        with_admin(model);
        f(model).concurrency = Concurrency { max: 100, queue: 100, wait: HOUR, adaptive: Some(4) };
        f(model).timeout = HOUR;
    })
    .await;
    let told: Vec<Arc<Notify>> = (0..10).map(|_| Arc::default()).collect();
    let mut running = Vec::new();
    for (at, told) in told.iter().enumerate() {
        world.lambda.push(answer("ok").when(told));
        let mut client = Client::connect(world.address).await;
        client.ask("/").await;
        running.push(client);
        world.lambda.wait_for(at + 1).await;
    }
    world.lambda.push(throttle());
    assert_eq!(verdict(&get(world.address, "GET", "/").await).1, "throttled");
    let page = functions_page(&world).await;
    assert!(page.contains(r#""in_flight":10,"limit":7,"waiting":0"#), "seven tenths of eleven: {page}");
    // The next one waits until there are fewer than that.
    let mut next = Client::connect(world.address).await;
    next.ask("/").await;
    for (at, told) in told.iter().enumerate().take(4) {
        assert!(next.is_silent().await, "{at} have ended");
        told.notify_one();
        assert_eq!(verdict(&running[at].answer().await).0, 200);
    }
    assert_eq!(verdict(&next.answer().await).0, 200);
}
