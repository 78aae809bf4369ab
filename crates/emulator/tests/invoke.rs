//! The Invoke API over HTTP, with real children behind it.

// What only a part of the tests needs stands there, too.
#[expect(dead_code)]
mod support;

use support::plan;

#[tokio::test]
async fn a_command_answers() {
    let house = plan("plain").start().await;
    let answer = house.invoke(r#"{"a":1}"#).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"a": 1}"#));
    assert_eq!(answer.header("x-amz-executed-version"), "$LATEST");
    assert_eq!(answer.header("x-amz-function-error"), "");
    let recorded = house.emulator.as_ref().unwrap().recorded(answer.header("x-amzn-requestid")).unwrap();
    assert_eq!((recorded.function.as_str(), recorded.event.as_slice()), ("f", br#"{"a":1}"#.as_slice()));
    assert!(recorded.cold);
    let again = house.invoke("").await;
    assert_eq!(again.body, "{}");
    let recorder = house.emulator.as_ref().unwrap().recorder();
    assert!(!recorder(again.header("x-amzn-requestid")).unwrap().cold);
}

#[tokio::test]
async fn function_errors() {
    let house = plan("plain").start().await;
    let exit = |how: &str| format!("Runtime exited {how}");
    for (event, kind, message) in [
        (r#"{"do":"raise"}"#, "Luck", "no luck".to_owned()),
        (r#"{"do":"exit","code":1}"#, "Runtime.ExitError", exit("with error: exit status 1")),
        (r#"{"do":"exit","code":0}"#, "Runtime.ExitError", exit("without providing a reason")),
        (r#"{"do":"signal","signal":9}"#, "Runtime.ExitError", exit("with error: signal: killed")),
        (
            r#"{"do":"flood"}"#,
            "Function.ResponseSizeTooLarge",
            "Response payload size exceeded maximum allowed payload size (6291556 bytes).".to_owned(),
        ),
    ] {
        let answer = house.invoke(event).await;
        assert_eq!(answer.status, 200, "{event}");
        assert_eq!(answer.header("x-amz-function-error"), "Unhandled", "{event}");
        let body = answer.json();
        assert_eq!(body["errorType"], kind, "{event}");
        let message = match kind {
            "Runtime.ExitError" => {
                format!("RequestId: {} Error: {message}", answer.header("x-amzn-requestid"))
            }
            _ => message,
        };
        assert_eq!(body["errorMessage"], message, "{event}");
        assert!(!house.invoke("{}").await.failed(), "the next one works after {event}");
    }
    assert_eq!(house.notes(), ["413"]);
}
