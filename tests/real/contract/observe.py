"""What is to be seen of an invocation from outside, as a flat dictionary: what the application got, and what Lambda got.

Two adapters behave the same where their observations are equal. What is the same thing in other words is made equal here,
and has a row of its own that shows it: see `SHOWN`.
"""

import base64
import gzip
import json

from .sandbox import RUNTIME

SEPARATOR = b"\0" * 8

# Left out of an observation unless its row asks for it: each has a row that does.
SHOWN = {"content-length of nothing", "error", "maps", "connection", "raw context", "log", "invocation id"}


def observe(sandbox, request, posted, then, shown=()):
    """One invocation's observation. `request` is the first that the application got, if any."""
    seen = {"outcome": "no answer", "then": then}
    if request:
        seen |= arrived(request, sandbox, shown)
    if posted:
        seen |= answered(posted, shown)
        if "invocation id" in shown:
            seen["invocation id"] = posted.one("lambda-runtime-invocation-id")
        if "statusCode" not in seen.get("is", "") and request and seen["outcome"] == "answered":
            seen["outcome"] = f"answered by {request.target}"
        seen.pop("is", None)
    return seen


def arrived(request, sandbox, shown):
    """What the application got."""
    seen = {"method": request.method, "target": request.target, "body": text(request.body)}
    if not request.whole:
        seen["body"] += " (cut off)"
    for name in dict.fromkeys(name.lower() for name, _ in request.headers):
        values = request.all(name)
        if name == "content-length" and values == ["0"] and "content-length of nothing" not in shown:
            continue
        if name == "x-amzn-lambda-context" or name == "x-amzn-request-context" and "raw context" not in shown:
            seen |= context(name, values)
            continue
        value = " | ".join(values).replace(str(sandbox.port), "PORT")
        seen[f"header {name}"] = value.encode("latin-1").decode(errors="replace")
    return seen


def context(name, values):
    """A context header member by member, without those that are null."""
    assert len(values) == 1, values
    value = json.loads(values[0].encode("latin-1"))
    if name == "x-amzn-lambda-context":
        assert value.pop("request_id") is not None
        value["deadline"] = "a number" if isinstance(value.get("deadline"), int) and value["deadline"] else "none"
        callers = {name: value.pop(name, None) for name in ("client_context", "identity")}
        seen = {f"lambda context {path}": leaf for path, leaf in leaves(value)}
        return seen | {f"lambda context {name}": sorted_json(whole) for name, whole in callers.items() if whole}
    return {f"request context {path}".strip(): leaf for path, leaf in leaves(value)}


def leaves(value, path=""):
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, f"{path}.{name}" if path else name)
    elif value is not None:
        yield path, json.dumps(value, ensure_ascii=False)


def sorted_json(value):
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def answered(posted, shown):
    """What Lambda got."""
    path = posted.target.removeprefix(f"{RUNTIME}/")
    if path.endswith("/error"):
        phase = path.split("/")[0]
        seen = {"outcome": "fails" if phase == "invocation" else f"{phase} fails"}
        if "error" in shown:
            report = json.loads(posted.body)
            header = posted.one("lambda-runtime-function-error-type")
            seen |= {"error type": report["errorType"], "error message": report["errorMessage"], "error header": header}
        return seen
    assert path.endswith("/response"), path
    if posted.one("lambda-runtime-function-response-mode") == "streaming":
        return streamed(posted, shown)
    try:
        value = json.loads(posted.body)
    except ValueError:
        return {"outcome": "answered", "JSON": f"none: {text(posted.body)}"}
    if not isinstance(value, dict) or "statusCode" not in value:
        return {"outcome": "answered", "JSON": text(posted.body)}
    body = value.get("body", "").encode(errors="surrogatepass")
    if value.get("isBase64Encoded"):
        body = base64.b64decode(body)
    seen = {"is": "statusCode", "outcome": str(value["statusCode"]), "base64": str(value.get("isBase64Encoded"))}
    if "statusDescription" in value:
        seen["statusDescription"] = value["statusDescription"]
    if "maps" in shown:
        seen["maps"] = ", ".join(
            f"{name} {json.dumps(value[name], sort_keys=True)}"
            for name in ("headers", "multiValueHeaders", "cookies")
            if name in value
        )
        return seen
    return seen | headed(value, shown) | {"answer body": unpacked(body, value)}


def streamed(posted, shown):
    prelude, found, body = posted.body.partition(SEPARATOR)
    seen = {"mode": f"streamed as {posted.one('content-type')}"}
    if not found:
        return seen | {"outcome": "a stream without a head", "answer body": text(posted.body)}
    value = json.loads(prelude)
    seen |= {"is": "statusCode", "outcome": str(value["statusCode"])} | headed(value, shown)
    broken = {name.lower(): value for name, value in posted.trailers}
    if error := broken.get("lambda-runtime-function-error-type"):
        seen["broken off"] = error
    if not posted.whole:
        seen["broken off"] = "the connection ends"
    # Where an error stands in the body, its text is base64 that nobody wants to read.
    body, mark, _ = body.partition(b"Lambda-Runtime-Function-Error-Type: ")
    return seen | {"answer body": unpacked(body, value) + (" and then text about an error" if mark else "")}


def headed(value, shown):
    """Headers by name, whichever map they are in."""
    seen = {}
    for name, item in (value.get("headers") or {}).items():
        # A balancer that takes one value a header is given a second cookie under another spelling of the name.
        known = seen.get(name.lower(), [])
        seen[name.lower()] = known + (item if isinstance(item, list) else [item])
    for name, items in (value.get("multiValueHeaders") or {}).items():
        seen[name.lower()] = items
    if value.get("cookies"):
        seen["set-cookie"] = value["cookies"]
    if "connection" not in shown:
        for name in ("connection", "keep-alive"):
            seen.pop(name, None)
    return {f"answer {name}": " | ".join(items) for name, items in seen.items()}


def unpacked(body, value):
    coding = headed(value, ()).get("answer content-encoding")
    if coding == "gzip" and body[:2] == b"\x1f\x8b":
        body = gzip.decompress(body)
    elif coding == "br" and not body.isascii():
        return "brotli"
    return text(body)


def text(body):
    """Bytes for people: long ones by their length and their sum."""
    if len(body) > 600:
        import hashlib

        return f"{len(body)} bytes, {hashlib.sha256(body).hexdigest()[:12]}"
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.hex(" ")
