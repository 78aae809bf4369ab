"""The action group of a Bedrock agent as a FastAPI application: the same routes serve a browser and the agent.

An agent's event names a path and a method of the OpenAPI document that the agent was given. `/events` takes such events, asks
the application itself, and answers in the agent's form.
"""

import json
import os
from urllib.parse import urlencode

import uvicorn
from fastapi import FastAPI, HTTPException, Request

app = FastAPI(title="Claims", version="1")

CLAIMS = {
    "claim-1": {"policy": "p-17", "documents": ["licence", "photos"]},
    "claim-2": {"policy": "p-3", "documents": []},
}


@app.get("/claims", description="Gets the numbers of all open claims.")
async def claims() -> list[str]:
    return list(CLAIMS)


@app.get("/claims/{claim}/documents", description="Gets the documents that a claim waits for.")
async def documents(claim: str) -> list[str]:
    if claim not in CLAIMS:
        raise HTTPException(404, "no such claim")
    return CLAIMS[claim]["documents"]


@app.post("/reminders", description="Reminds whoever filed a claim of its documents.")
async def remind(claim: str) -> dict:
    return {"claim": claim, "reminded": True}


@app.post("/events", include_in_schema=False)
async def event(request: Request):
    """The adapter posts here what is no HTTP request."""
    asked = await request.json()
    status, body = await ask(asked)
    action = {name: asked[name] for name in ("actionGroup", "apiPath", "httpMethod")}
    answer = {"httpStatusCode": status, "responseBody": {"application/json": {"body": body}}}
    return {"messageVersion": "1.0", "response": action | answer}


async def ask(asked):
    """Calls the application with the agent's parameters in the path's place, and all others in the query."""
    path, query = asked["apiPath"], []
    properties = asked.get("requestBody", {}).get("content", {}).get("application/json", {}).get("properties", [])
    for parameter in [*asked.get("parameters", []), *properties]:
        place = "{%s}" % parameter["name"]
        if place in path:
            path = path.replace(place, parameter["value"])
        else:
            query.append((parameter["name"], parameter["value"]))
    scope = {
        "type": "http",
        "method": asked["httpMethod"],
        "path": path,
        "query_string": urlencode(query).encode(),
        "headers": [],
    }
    status, body = 500, b""

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        nonlocal status, body
        status = message.get("status", status)
        body += message.get("body", b"")

    await app(scope, receive, send)
    return status, json.dumps(json.loads(body))


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=False)
