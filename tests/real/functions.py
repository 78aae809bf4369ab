"""The functions that the tests run on AWS's Python runtime client."""

import json
import os
import socket
import sys
import time


def echo(event, context):
    """What it was given, and who it is."""
    print("a line of log")
    client = context.client_context
    return {
        "event": event,
        "pid": os.getpid(),
        "request_id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb,
        "left_ms": context.get_remaining_time_in_millis(),
        "custom": client.custom if client else None,
        "environment": {name: os.environ.get(name) for name in ("AWS_LAMBDA_FUNCTION_NAME", "AWS_REGION", "GREETING")},
    }


def constant(_event, _context):
    """Always the same."""
    return os.environ["CONSTANT"]


def meet(event, _context):
    """Tells the test that it runs, then waits for its word."""
    host, port = event["meet"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), 30) as connection:
        connection.sendall(json.dumps({"pid": os.getpid()}).encode() + b"\n")
        connection.recv(1)
    return "met"


def web(event, _context):
    """A function behind a gateway; the path says what it does."""
    path = event["rawPath"]
    if path == "/crash":
        os._exit(7)
    if path == "/raise":
        raise ValueError("secret detail")
    if path == "/hang":
        time.sleep(20)
    if path == "/list":
        return ["not", "an", "answer"]
    if path == "/status":
        return {"statusCode": "many", "body": "x"}
    if path == "/large":
        return {"statusCode": 200, "body": "x" * (7 * 1024 * 1024)}
    query = event.get("queryStringParameters") or {}
    body = json.dumps({"id": query.get("id"), "pid": os.getpid()})
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": body}


def fail(event, _context):
    """Fails in the way that the event names."""
    if event["how"] == "raise":
        raise ValueError("no good")
    if event["how"] == "exit":
        sys.stdout.flush()
        os._exit(3)
    if event["how"] == "hang":
        time.sleep(20)
    return "well"
