"""The events of Lambda's sources, as small as the sources send them."""

import base64


def v2(method="GET", target="/", headers=(), body=None, **more):
    """An HTTP API's event, which is also a function URL's; `body` as bytes goes as base64."""
    path, _, query = target.partition("?")
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"host": "api.example.com", **dict(headers)},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api-id",
            "domainName": "api.example.com",
            "domainPrefix": "api",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "agent",
            },
            "requestId": "id",
            "routeKey": "$default",
            "stage": "$default",
            "time": "12/Mar/2020:19:03:58 +0000",
            "timeEpoch": 1583348638390,
        },
    }
    return event | payload(body) | more


def rest(method="GET", path="/", headers=(), query=(), body=None, **more):
    """A REST API's event: every header and parameter in both maps, as API Gateway writes them."""
    headers = [("Host", "api.example.com"), *headers]
    event = {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": dict(headers),
        "multiValueHeaders": many(headers),
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": many(query) or None,
        "pathParameters": {"proxy": path[1:]},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api-id",
            "httpMethod": method,
            "identity": {"sourceIp": "192.0.2.1", "userAgent": "agent"},
            "path": f"/prod{path}",
            "protocol": "HTTP/1.1",
            "requestId": "id",
            "requestTimeEpoch": 1583348638390,
            "resourceId": "abc",
            "resourcePath": "/{proxy+}",
            "stage": "prod",
        },
    }
    return event | payload(body) | more


ELB = {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/t/1"}}


def alb(method="GET", path="/", headers=(), query=(), body=None, **more):
    """A load balancer's event with one value a header; parameters stand there as the client escaped them."""
    headers = dict([("host", "lb.example.com"), *headers])
    event = {"requestContext": ELB, "httpMethod": method, "path": path}
    event |= {"queryStringParameters": dict(query), "headers": headers}
    return event | payload("" if body is None else body) | more


def alb_many(method="GET", path="/", headers=(), query=(), body=None, **more):
    """A load balancer's event where its target group has multi-value headers on."""
    headers = many([("host", "lb.example.com"), *headers])
    event = {"requestContext": ELB, "httpMethod": method, "path": path}
    event |= {"multiValueQueryStringParameters": many(query), "multiValueHeaders": headers}
    return event | payload("" if body is None else body) | more


LATTICE = {
    "version": "2.0",
    "path": "/users/1?x=1",
    "method": "GET",
    "headers": {"host": ["svc.example.com"]},
    "queryStringParameters": {"x": ["1"]},
    "isBase64Encoded": False,
    "requestContext": {
        "serviceNetworkArn": "arn:aws:vpc-lattice:us-east-1:123456789012:servicenetwork/sn-1",
        "serviceArn": "arn:aws:vpc-lattice:us-east-1:123456789012:service/svc-1",
        "targetGroupArn": "arn:aws:vpc-lattice:us-east-1:123456789012:targetgroup/tg-1",
        "identity": {"sourceVpcArn": "arn:aws:ec2:us-east-1:123456789012:vpc/vpc-1"},
        "region": "us-east-1",
        "timeEpoch": "1690497599177430",
    },
}

LATTICE_V1 = {
    "raw_path": "/users/1?x=1",
    "method": "GET",
    "headers": {"host": "svc.example.com"},
    "query_string_parameters": {"x": "1"},
    "body": "",
    "is_base64_encoded": False,
}

WEBSOCKET = {
    "requestContext": {
        "routeKey": "$default",
        "messageId": "m",
        "eventType": "MESSAGE",
        "messageDirection": "IN",
        "stage": "prod",
        "connectedAt": 1583348638390,
        "requestTimeEpoch": 1583348638390,
        "requestId": "id",
        "domainName": "ws.example.com",
        "connectionId": "c=",
        "apiId": "api-id",
    },
    "body": "hello",
    "isBase64Encoded": False,
}

# One event of each source that is no HTTP, cut to what tells it from the others.
SOURCES = {
    "SQS": {"Records": [{"messageId": "1", "receiptHandle": "r", "body": "ü", "eventSource": "aws:sqs"}]},
    "SNS": {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": {"Message": "hello"}}]},
    "S3": {"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"name": "b"}, "object": {"key": "a+b"}}}]},
    "DynamoDB": {"Records": [{"eventSource": "aws:dynamodb", "dynamodb": {"SequenceNumber": "111"}}]},
    "Kinesis": {"Records": [{"eventSource": "aws:kinesis", "kinesis": {"sequenceNumber": "4959", "data": "aGk="}}]},
    "Kafka": {"eventSource": "aws:kafka", "records": {"t-0": [{"offset": 15, "value": "aGk="}]}},
    "EventBridge": {"version": "0", "source": "aws.ec2", "detail-type": "x", "detail": {"state": "running"}},
    "Bedrock agent": {"messageVersion": "1.0", "apiPath": "/x", "httpMethod": "GET", "agent": {"name": "a"}},
    "Cognito": {"version": "1", "triggerSource": "PreSignUp_SignUp", "request": {}, "response": {}},
    "AppSync": {"info": {"fieldName": "f"}, "arguments": {}, "request": {"headers": {"a": "b"}}},
    "a direct call": {"key": "value"},
}


def payload(body):
    if body is None:
        return {"isBase64Encoded": False}
    if isinstance(body, bytes):
        return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    return {"body": body, "isBase64Encoded": False}


def many(pairs):
    values = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values
