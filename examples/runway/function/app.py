"""A Lambda function behind runway's Lambda backend: it answers with the payload that it got.

A request for `/api/compute/fail` makes it fail, so that one can see what a client gets then.
"""


def handler(event, context):
    if event["path"] == "/api/compute/fail":
        raise ValueError("this path always fails")
    return {"got": event}
