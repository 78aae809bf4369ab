"""From an event to the request that the application gets."""

from .events import ELB, LATTICE, LATTICE_V1, SOURCES, WEBSOCKET, alb, alb_many, rest, v2
from .row import Row

KEYS = [(name, "1") for name in "zyxwvutsrqpo"]

FRESH_METHODS = [
    Row(f"method {method}", v2(method, "/"), expect={"method": method})
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"]
]

KINDS = [
    Row(
        "HTTP API, GET",
        v2("GET", "/a%2Fb?x=1&x=%20&y"),
        expect={"target": "/a%2Fb?x=1&x=%20&y", "body": "", "header host": "api.example.com", "outcome": "200"},
    ),
    Row("HTTP API, text", v2("POST", "/", body="grüße"), expect={"body": "grüße", "header content-length": "7"}),
    Row("HTTP API, bytes", v2("POST", "/", body=b"\x00\xff"), expect={"body": "00 ff"}),
    Row("HTTP API, 5 MB", v2("POST", "/", body="x" * 5_000_000), expect={"header content-length": "5000000"}),
    Row(
        "REST API",
        rest("POST", "/users/1", [("Accept", "*/*")], [("x", "1")], '{"a":1}'),
        expect={"method": "POST", "target": "/users/1?x=1", "body": '{"a":1}', "header accept": "*/*"},
    ),
    Row("load balancer", alb("PUT", "/users/1", query=[("x", "1")], body="text"), expect={"target": "/users/1?x=1"}),
    Row(
        "load balancer, several values a header",
        alb_many("GET", "/x", [("a", "1"), ("a", "2")], [("x", "1"), ("x", "2")]),
        expect={"target": "/x?x=1&x=2", "header a": "1 | 2", "outcome": "200"},
    ),
    Row("load balancer, health check", alb("GET", "/") | {"headers": {}}, expect={"header host": "127.0.0.1:PORT"}),
    Row(
        "load balancer, null for no query",
        alb() | {"queryStringParameters": None},
        expect={"target": "/"},
        why="an HTTP event must not turn up where events of queues are taken from",
    ),
    Row(
        "VPC Lattice",
        LATTICE,
        expect={"target": "/users/1?x=1", "outcome": "200"},
        why="they are HTTP, and a client waits",
    ),
    Row(
        "VPC Lattice, version 1",
        LATTICE_V1,
        expect={"target": "/users/1?x=1", "outcome": "200"},
        why="they are HTTP, and a client waits",
    ),
    Row("WebSocket API", WEBSOCKET, expect={"method": "POST", "target": "/events"}),
    Row(
        "WebSocket API, with a path for it",
        WEBSOCKET,
        settings={"AWS_LWA_WEBSOCKET_PATH": "/socket"},
        expect={"method": "POST", "target": "/socket", "body": "hello"},
        why="an addition: without the setting both pass the event through whole",
    ),
    Row(
        "`path` beside `rawPath`",
        v2("GET", "/x", path="/x"),
        expect={"method": "GET", "target": "/x"},
        why="an HTTP event must not turn up where events of queues are taken from",
    ),
    Row("a REST API's null maps", rest() | {"multiValueHeaders": None, "headers": None}, expect={"target": "/"}),
    Row("no body key", {k: v for k, v in v2().items() if k != "isBase64Encoded"}, expect={"body": ""}),
    Row(
        "`isBase64Encoded` is null",
        v2(isBase64Encoded=None),
        expect={"method": "GET", "target": "/"},
        why="an HTTP event must not turn up where events of queues are taken from",
    ),
    Row(
        "a method that is no token",
        v2("G T", "/x"),
        expect={"outcome": "400"},
        why="an HTTP event must not turn up where events of queues are taken from",
    ),
    Row(
        "CONNECT",
        v2("CONNECT", "/x"),
        expect={"outcome": "400"},
        why="a tunnel cannot be answered with an envelope; RFC 9110 section 9.3.6",
    ),
]

PATHS = [
    Row(
        "path /a/../b",
        v2("GET", "/a/../b"),
        expect={"target": "/a/../b"},
        why="whoever authorised the path saw the one that was sent",
    ),
    Row(
        "path /a/%2e%2e/b",
        v2("GET", "/a/%2e%2e/b"),
        expect={"target": "/a/%2e%2e/b"},
        why="whoever authorised the path saw the one that was sent",
    ),
    Row(
        "path /a/./b",
        v2("GET", "/a/./b"),
        expect={"target": "/a/./b"},
        why="whoever authorised the path saw the one that was sent",
    ),
    Row(
        "path with a backslash",
        v2("GET", "/a\\b"),
        expect={"target": "/a%5Cb"},
        why="whoever authorised the path saw the one that was sent",
    ),
    Row(
        "path with a tab",
        v2("GET", "/a\tb"),
        expect={"target": "/a%09b"},
        why="whoever authorised the path saw the one that was sent",
    ),
    Row("path //a", v2("GET", "//a"), expect={"target": "//a"}),
    Row("path with blanks, quotes, braces", v2("GET", '/a b"<>{}`'), expect={"target": "/a%20b%22%3C%3E%7B%7D%60"}),
    Row("path with a number sign", v2("GET", "/a#b"), expect={"target": "/a%23b"}),
    Row("path with umlauts", v2("GET", "/Año"), expect={"target": "/A%C3%B1o"}),
    Row(
        "path with a bare percent sign",
        v2("GET", "/100%/%zz"),
        expect={"target": "/100%25/%25zz"},
        why="an HTTP API decodes `rawPath`: a percent sign in it was `%25`",
    ),
    Row("path with brackets", v2("GET", "/a[1]"), expect={"target": "/a[1]"}),
    Row(
        "path with | and ^",
        v2("GET", "/a|b^c"),
        expect={"target": "/a%7Cb%5Ec"},
        why="neither can stand in a path; RFC 3986 section 3.3",
    ),
    Row("path without a slash", v2("GET", "a"), expect={"target": "/a"}),
    Row("path empty", v2("GET", ""), expect={"target": "/"}),
    Row(
        "path null",
        rest(path="/") | {"path": None},
        expect={"target": "/events"},
        why="no HTTP source leaves its path out: this is no request",
    ),
    Row(
        "path on a REST API with ..",
        rest("GET", "/a/../b"),
        expect={"target": "/a/../b"},
        why="whoever authorised the path saw the one that was sent",
    ),
]

QUERIES = [
    Row(
        'query with a quotation mark, `?a="b"`',
        v2("GET", '/x?a="b"'),
        expect={"target": "/x?a=%22b%22"},
        why="any client can send it; from 1.0.0 the process ends",
    ),
    Row("query with < and >", v2("GET", "/x?a=<b>"), expect={"target": "/x?a=%3Cb%3E"}, why="any client can send it"),
    Row("query with a blank", v2("GET", "/x?a=b c"), expect={"target": "/x?a=b%20c"}, why="any client can send it"),
    Row(
        "query with a number sign",
        v2("GET", "/x?a=1#b=2"),
        expect={"target": "/x?a=1%23b=2"},
        why="the rest would be lost",
    ),
    Row(
        "query with an apostrophe",
        v2("GET", "/x?a='b'"),
        expect={"target": "/x?a='b'"},
        why="it may stand in a query; RFC 3986 section 3.4",
    ),
    Row("query with umlauts", v2("GET", "/x?a=ü"), expect={"target": "/x?a=%C3%BC"}),
    Row("query with + and %20", v2("GET", "/x?a=b+c%20d"), expect={"target": "/x?a=b+c%20d"}),
    Row("query with ?", v2("GET", "/x?a=?&b"), expect={"target": "/x?a=?&b"}),
    Row("query empty", v2("GET", "/x?"), expect={"target": "/x"}),
    Row(
        "order of parameters, REST API",
        rest("GET", "/x", query=KEYS),
        expect={"target": "/x?" + "&".join(f"{k}=1" for k, _ in KEYS)},
        why="signed addresses and caches count on the order",
        instead="in an order of chance",
    ),
    Row(
        "order of parameters, load balancer",
        alb("GET", "/x", query=KEYS),
        expect={"target": "/x?" + "&".join(f"{k}=1" for k, _ in KEYS)},
        why="signed addresses and caches count on the order",
        instead="in an order of chance",
    ),
    Row(
        "a parameter without a value, REST API", rest("GET", "/x", query=[("flag", "")]), expect={"target": "/x?flag="}
    ),
    Row(
        "a parameter with a blank, REST API",
        rest("GET", "/x", query=[("a", "b c&d")]),
        expect={"target": "/x?a=b%20c%26d"},
        why="`+` is a blank in forms only",
    ),
    Row(
        "a repeated parameter, REST API",
        rest("GET", "/x", query=[("a", "1"), ("a", "2")]),
        expect={"target": "/x?a=1&a=2"},
    ),
    Row(
        "the single map alone, REST API",
        rest("GET", "/x", query=[("a", "1")]) | {"multiValueQueryStringParameters": None},
        expect={"target": "/x?a=1"},
    ),
    Row(
        "a parameter that a simulator has decoded, load balancer",
        alb("GET", "/x", query=[("a", "b c")]),
        expect={"target": "/x?a=b%20c"},
        why="`+` is a blank in forms only",
    ),
    Row(
        "an escaped parameter, load balancer",
        alb("GET", "/x", query=[("a", "b%20c%26d")]),
        expect={"target": "/x?a=b%20c%26d"},
        why="as the client sent it",
    ),
    Row(
        "a parameter that is not UTF-8, load balancer",
        alb("GET", "/x", query=[("a", "%E4")]),
        expect={"target": "/x?a=%E4"},
        why="as the client sent it",
    ),
]

HEADERS = [
    Row(
        "cookies of an HTTP API",
        v2(cookies=["a=1", "b=2"]),
        expect={"header cookie": "a=1; b=2"},
        why="RFC 6265 section 4.2.1; strict parsers lose the second",
    ),
    Row("one cookie", v2(cookies=["a=1"]), expect={"header cookie": "a=1"}),
    Row(
        "cookies beside a cookie header",
        v2(headers=[("cookie", "c=3")], cookies=["a=1"]),
        expect={"header cookie": "a=1"},
    ),
    Row(
        "a repeated header, REST API",
        rest(headers=[("X-Many", "a"), ("X-Many", "b")]),
        expect={"header x-many": "a | b"},
        why="all of them were sent",
    ),
    Row("a header joined by an HTTP API", v2(headers=[("x-many", "a,b")]), expect={"header x-many": "a,b"}),
    Row("a header that is not ASCII", v2(headers=[("x-name", "grüße")]), expect={"header x-name": "grüße"}),
    Row("a header without a value", v2(headers=[("x-empty", "")]), expect={"header x-empty": ""}),
    Row(
        "a header whose name is no token",
        v2("GET", "/x", [("foo[bar]", "1")]),
        expect={"method": "GET", "target": "/x"},
        why="any client of a load balancer could send events of its own making to where those of queues are taken from",
    ),
    Row(
        "a header value with a control byte",
        v2("GET", "/x", [("a", "b\x01c")]),
        expect={"method": "GET", "target": "/x"},
        why="any client of a load balancer could send events of its own making to where those of queues are taken from",
    ),
    Row(
        "`connection: close` of the client",
        v2(headers=[("connection", "close")]),
        expect={"method": "GET", "header connection": None},
        why="it is for the client's own connection; RFC 9110 section 7.6.1",
    ),
    Row(
        "`te`, `keep-alive`, `upgrade` of the client",
        v2(headers=[("te", "trailers"), ("keep-alive", "timeout=1"), ("upgrade", "h2c")]),
        expect={"header te": None, "header keep-alive": None, "header upgrade": None},
        why="it is for the client's own connection; RFC 9110 section 7.6.1",
    ),
    Row(
        "`transfer-encoding` of the client",
        v2("POST", "/", [("transfer-encoding", "chunked")], "hello"),
        expect={"body": "hello", "header content-length": "5", "header transfer-encoding": None},
        why="the body at hand has a length",
    ),
    Row(
        "`expect` of the client",
        v2("POST", "/", [("expect", "100-continue")], "hello"),
        expect={"body": "hello", "header expect": None},
        why="the body is at hand: nobody waits for 100",
    ),
    Row(
        "a `content-length` above the body's",
        v2("POST", "/", [("content-length", "9")], "hello"),
        expect={"body": "hello", "header content-length": "5"},
        never=True,
        why="the application would wait for bytes that never come",
    ),
    Row(
        "a `content-length` below the body's",
        v2("POST", "/", [("content-length", "2")], "hello"),
        expect={"body": "hello", "header content-length": "5"},
        why="the length is the body's",
    ),
    Row(
        "`host: foo.123` at a load balancer",
        alb(headers=[("host", "foo.123")]),
        expect={"header host": "foo.123"},
        why="any client can send it; from 1.0.0 the process ends",
    ),
    Row(
        "`host: a^b` at a load balancer",
        alb(headers=[("host", "a^b"), ("x-forwarded-proto", "http")]),
        expect={"header host": "a^b"},
        why="any client can send it; from 1.0.0 the process ends",
    ),
    Row(
        "`host: h:99999` at a load balancer",
        alb(headers=[("host", "h:99999"), ("x-forwarded-proto", "http")]),
        expect={"header host": "h:99999"},
        why="any client can send it; from 1.0.0 the process ends",
    ),
    Row(
        "a GET without a body",
        v2(),
        shown=("content-length of nothing",),
        expect={"header content-length": None},
        why="RFC 9110 section 8.6",
    ),
    Row(
        "a POST without a body",
        v2("POST", "/"),
        shown=("content-length of nothing",),
        expect={"header content-length": "0"},
    ),
]

CONTEXT = [
    Row(
        "trace id of the invocation",
        v2(headers=[("x-amzn-trace-id", "client")]),
        expect={"header x-amzn-trace-id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1"},
    ),
    Row("no trace id", v2(), invocation={"Lambda-Runtime-Trace-Id": None}, expect={"header x-amzn-trace-id": None}),
    Row(
        "a client's own context headers",
        v2(headers=[("x-amzn-request-context", "{}"), ("x-amzn-lambda-context", "{}")]),
        expect={"lambda context env_config.function_name": '"f"', "request context apiId": '"api-id"'},
    ),
    Row(
        "Lambda context",
        v2(),
        expect={
            "lambda context deadline": '"a number"',
            "lambda context env_config.memory": "128",
            "lambda context env_config.version": '"$LATEST"',
            "lambda context env_config.log_group": '"/aws/lambda/f"',
            "lambda context invoked_function_arn": '"arn:aws:lambda:us-east-1:123456789012:function:f"',
        },
    ),
    Row(
        "tenant",
        v2(),
        invocation={"Lambda-Runtime-Aws-Tenant-Id": "blue"},
        expect={"header x-amz-tenant-id": "blue", "lambda context tenant_id": '"blue"'},
    ),
    Row(
        "tenant, and another from the client",
        v2(headers=[("x-amz-tenant-id", "red")]),
        invocation={"Lambda-Runtime-Aws-Tenant-Id": "blue"},
        expect={"header x-amz-tenant-id": "blue"},
    ),
    Row(
        "no tenant, one from the client",
        v2(headers=[("x-amz-tenant-id", "red")]),
        expect={"header x-amz-tenant-id": None},
        why="a client must not choose its tenant; AWS's main branch removes it too",
    ),
    Row(
        "request context of a REST API",
        rest() | {"requestContext": rest()["requestContext"] | {"extendedRequestId": "e", "deploymentId": "d"}},
        expect={"request context extendedRequestId": '"e"', "request context deploymentId": '"d"'},
        why="nothing that API Gateway adds is lost",
    ),
    Row(
        "request context of an HTTP API, its text",
        v2("GET", "/") | {"requestContext": {"http": {"method": "GET", "path": "/"}}},
        shown=("raw context",),
        expect={"header x-amzn-request-context": '{"http": {"method": "GET", "path": "/"}}'},
        why="the event's own text: nothing added, nothing lost",
    ),
    Row(
        "request context with a Lambda authorizer",
        v2()
        | {
            "requestContext": v2()["requestContext"] | {"authorizer": {"lambda": {"user": "a", "n": 1, "deep": [True]}}}
        },
        expect={"request context authorizer.lambda.user": '"a"'},
    ),
    Row(
        "request context with a claim that is a list",
        v2("GET", "/x")
        | {
            "requestContext": v2()["requestContext"]
            | {"authorizer": {"jwt": {"claims": {"groups": ["a"]}, "scopes": None}}}
        },
        expect={"method": "GET", "target": "/x"},
        why="claims have lists; an HTTP event must not turn up where events of queues are taken from",
    ),
    Row(
        "request context with 0x7F",
        v2("GET", "/x") | {"requestContext": v2("GET", "/x")["requestContext"] | {"stage": "a\x7fb"}},
        expect={"outcome": "200", "request context stage": '"a\x7fb"'},
        why="any client can cause it; 1.0.1 mends it too",
    ),
    Row(
        "request context of a load balancer",
        alb(),
        expect={"request context elb.targetGroupArn": f'"{ELB["elb"]["targetGroupArn"]}"'},
    ),
    Row(
        "client context",
        SOURCES["a direct call"],
        invocation={
            "Lambda-Runtime-Client-Context": '{"client":{"installation_id":"i"},"custom":{"a":"b"},"env":{"make":"m"}}'
        },
        expect={
            "lambda context client_context": '{"client": {"installationId": "i", "installation_id": "i"}, "custom": {"a": "b"}, "env": {"make": "m"}}'
        },
        why="whoever invokes the function could end its process",
    ),
    Row(
        "client context, as the mobile SDKs send it",
        SOURCES["a direct call"],
        invocation={
            "Lambda-Runtime-Client-Context": '{"client":{"installation_id":"i","app_title":"t","app_version_name":"1","app_version_code":"2","app_package_name":"p"},"custom":{"a":"b"},"env":{"make":"m"}}'
        },
        # Under the names that the caller wrote, and under those that AWS's adapter writes.
        expect={
            "lambda context client_context": '{"client": {"appPackageName": "p", "appTitle": "t", "appVersionCode": "2", '
            '"appVersionName": "1", "app_package_name": "p", "app_title": "t", "app_version_code": "2", '
            '"app_version_name": "1", "installationId": "i", "installation_id": "i"}, '
            '"custom": {"a": "b"}, "env": {"make": "m"}}'
        },
        why="as the caller sent it, and under these names too",
    ),
    Row(
        "client context with a list in `custom`",
        SOURCES["a direct call"],
        invocation={"Lambda-Runtime-Client-Context": '{"custom":{"a":["b"]}}'},
        expect={"method": "POST", "lambda context client_context": '{"custom": {"a": ["b"]}}'},
        why="whoever invokes the function could end its process",
    ),
    Row(
        "client context that is no JSON",
        SOURCES["a direct call"],
        invocation={"Lambda-Runtime-Client-Context": "{"},
        expect={"method": "POST", "then": "takes the next event"},
        why="whoever invokes the function could end its process",
    ),
    Row(
        "Cognito identity",
        SOURCES["a direct call"],
        invocation={"Lambda-Runtime-Cognito-Identity": '{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}'},
        expect={
            "lambda context identity": '{"cognitoIdentityId": "i", "cognitoIdentityPoolId": "p", "identityId": "i", "identityPoolId": "p"}'
        },
        why="as Lambda sent it, and under these names too",
    ),
    Row(
        "Cognito identity without its members",
        SOURCES["a direct call"],
        invocation={"Lambda-Runtime-Cognito-Identity": "{}"},
        expect={"method": "POST", "then": "takes the next event"},
        why="a header that is odd costs that header, not the process",
    ),
    Row(
        "no deadline",
        v2(),
        invocation={"Lambda-Runtime-Deadline-Ms": None},
        expect={"outcome": "200"},
        why="a header that is missing costs that header, not the process",
    ),
    Row(
        "a deadline that is no number",
        v2(),
        invocation={"Lambda-Runtime-Deadline-Ms": "soon"},
        expect={"outcome": "200"},
        why="a header that is odd costs that header, not the process",
    ),
    Row(
        "no function ARN",
        v2(),
        invocation={"Lambda-Runtime-Invoked-Function-Arn": None},
        expect={"outcome": "200"},
        why="a sentence is no ARN",
    ),
]

BODIES = [
    Row(
        "a body that is no base64",
        v2("POST", "/", body="*") | {"isBase64Encoded": True},
        expect={"outcome": "400", "then": "takes the next event"},
        why="a client waits for the answer; from 1.0.0 the process ends",
    ),
    Row(
        "a body with every escape",
        v2("POST", "/", body='"\\\b\f\n\r\t/\x01\u2028😀'),
        expect={"body": '"\\\b\f\n\r\t/\x01\u2028😀'},
    ),
    Row(
        "a body with a lone surrogate",
        b'{"version":"2.0","rawPath":"/x","requestContext":{"http":{"method":"POST"}},"headers":{},"body":"a\\ud800b"}',
        expect={"outcome": "200"},
        why="an HTTP event must not turn up where events of queues are taken from",
    ),
    Row("an event that is no JSON", b"{", expect={"outcome": "fails", "then": "takes the next event"}),
    Row("an empty event", b"", expect={"outcome": "fails", "then": "takes the next event"}),
]

OTHERS = [
    *(
        Row(
            f"event of {name}",
            event,
            expect={"method": "POST", "target": "/events", "header content-type": "application/json"},
        )
        for name, event in SOURCES.items()
    ),
    Row("event 42", 42, expect={"body": "42"}),
    Row("event null", None, expect={"body": "null"}),
    Row(
        "an event's own text",
        b' {"b": 1.0, "a": 1e400, "b": 12345678901234567890}\n',
        expect={"body": ' {"b": 1.0, "a": 1e400, "b": 12345678901234567890}\n'},
        why="the event, byte for byte",
    ),
    Row(
        "an authorizer's request",
        {"type": "REQUEST", "methodArn": "arn"} | rest("GET", "/x"),
        expect={},
        why="it asks for a policy, not for a page",
    ),
]

ROWS = {
    "Kinds of events": KINDS + FRESH_METHODS,
    "Paths": PATHS,
    "Queries": QUERIES,
    "Headers": HEADERS,
    "Contexts": CONTEXT,
    "Bodies": BODIES,
    "Other events": OTHERS,
}
