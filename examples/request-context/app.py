"""What the adapter tells a FastAPI application about a request, the invocation and the tenant."""

import json
import os
from typing import Annotated

import uvicorn
from fastapi import FastAPI, Header

app = FastAPI()


@app.get("/fastapi")
def who(
    x_amzn_request_context: Annotated[str, Header()] = "null",
    x_amzn_lambda_context: Annotated[str, Header()] = "null",
    x_amz_tenant_id: Annotated[str | None, Header()] = None,
):
    # Both are JSON, and absent where the application runs elsewhere.
    request = json.loads(x_amzn_request_context) or {}
    invocation = json.loads(x_amzn_lambda_context) or {}
    return {
        "tenant": x_amz_tenant_id,
        "client": request.get("http", {}).get("sourceIp"),
        "request": request.get("requestId"),
        "invocation": invocation.get("request_id"),
        "function": invocation.get("env_config", {}).get("function_name"),
        "deadline": invocation.get("deadline"),
    }


@app.get("/")
def ready():
    return "ready"


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=False)
