"""A Lambda function in Python, as AWS documents it."""

import json


def handler(event, context):
    print("got", event.get("rawPath", "an event without a path"))
    answer = {"hello": "Python", "event": event, "request_id": context.aws_request_id}
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(answer),
    }
