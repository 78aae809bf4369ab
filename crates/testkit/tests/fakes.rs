//! The fakes do what they say, seen by the plainest client there is.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use lambridge_testkit::{Answer, FakeApp, FakeLambda, FakeRuntime, Invocation};

/// Sends bytes and reads until the connection ends.
fn talk(address: std::net::SocketAddr, send: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(send.as_bytes())?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut all = Vec::new();
    stream.read_to_end(&mut all)?;
    Ok(String::from_utf8_lossy(&all).into_owned())
}

#[test]
fn answers_in_order_over_one_connection_and_records() {
    let lambda = FakeLambda::echo();
    lambda.push(Answer::new(429).header("x-amzn-ErrorType", "TooManyRequestsException"));
    let got = talk(
        lambda.address(),
        "POST /a HTTP/1.1\r\nContent-Length: 1\r\n\r\nxPOST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
         3\r\nabc\r\n0\r\nT: 1\r\n\r\n",
    )
    .unwrap();
    assert_eq!(
        got,
        "HTTP/1.1 429 Fake\r\nx-amzn-ErrorType: TooManyRequestsException\r\nContent-Length: 0\r\n\r\n\
         HTTP/1.1 200 Fake\r\nContent-Length: 3\r\n\r\nabc"
    );
    let requests = lambda.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!((requests[1].target.as_str(), requests[1].text().as_str()), ("/b", "abc"));
    assert_eq!(requests[1].trailers, [("T".to_owned(), b"1".to_vec())]);
    assert_eq!((requests[0].connection, requests[1].connection), (0, 0));
}

#[test]
fn faults_are_faults() {
    let app = FakeApp::answering(Answer::ok("fine"));
    let request = "GET / HTTP/1.1\r\n\r\n";
    let row = |answer: Answer| {
        app.push(answer);
        talk(app.address(), request).map_err(|e| e.kind())
    };
    assert_eq!(row(Answer::reset_unread()), Err(std::io::ErrorKind::ConnectionReset));
    assert_eq!(row(Answer::reset()), Err(std::io::ErrorKind::ConnectionReset));
    assert_eq!(row(Answer::close()).as_deref(), Ok(""));
    assert_eq!(row(Answer::raw("nonsense")).as_deref(), Ok("nonsense"));
    assert_eq!(row(Answer::ok("abcdef").close_in_body(2)).map(|s| s.ends_with("\r\n\r\nab")), Ok(true));
    assert_eq!(row(Answer::ok("abc").then_close()).map(|s| s.ends_with("\r\n\r\nabc")), Ok(true));
    assert!(talk(app.address(), request).unwrap().ends_with("fine"));
}

#[test]
fn the_runtime_hands_out_events_and_takes_answers() {
    let runtime = FakeRuntime::start();
    let mut outcome = runtime.queue(Invocation::new("{}"));
    let next = talk(
        runtime.address(),
        "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\nGET /2018-06-01/ping HTTP/1.1\r\n\r\n",
    )
    .unwrap();
    let id = next
        .lines()
        .find_map(|line| line.strip_prefix("Lambda-Runtime-Aws-Request-Id: "))
        .expect("an id came along")
        .to_owned();
    let post =
        format!("POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nContent-Length: 2\r\n\r\nok");
    assert!(talk(runtime.address(), &post).unwrap().starts_with("HTTP/1.1 202"));
    assert_eq!(outcome.try_recv().map(|o| (o.answered, o.text())), Ok((true, "ok".into())));
    assert!(talk(runtime.address(), &post).unwrap().starts_with("HTTP/1.1 400"));
}
