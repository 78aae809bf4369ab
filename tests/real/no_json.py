"""A Runtime API client that answers what is not JSON; no client of AWS's would."""

import http.client
import os

host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].rsplit(":", 1)
connection = http.client.HTTPConnection(host, int(port))
while True:
    connection.request("GET", "/2018-06-01/runtime/invocation/next")
    invocation = connection.getresponse()
    invocation.read()
    request_id = invocation.headers["Lambda-Runtime-Aws-Request-Id"]
    connection.request("POST", f"/2018-06-01/runtime/invocation/{request_id}/response", b"{ this is not JSON")
    connection.getresponse().read()
