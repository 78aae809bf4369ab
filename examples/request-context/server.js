// What the adapter tells an Express application about a request, the invocation and the tenant.

const express = require("express");

const app = express();

app.get("/express", (request, response) => {
  // Both are JSON, and absent where the application runs elsewhere.
  const context = JSON.parse(request.get("x-amzn-request-context") ?? "null");
  const invocation = JSON.parse(request.get("x-amzn-lambda-context") ?? "null");
  response.json({
    tenant: request.get("x-amz-tenant-id") ?? null,
    client: context?.http?.sourceIp ?? null,
    request: context?.requestId ?? null,
    invocation: invocation?.request_id ?? null,
    function: invocation?.env_config?.function_name ?? null,
    deadline: invocation?.deadline ?? null,
  });
});

app.get("/", (request, response) => response.send("ready"));

app.listen(Number(process.env.PORT), "127.0.0.1");
