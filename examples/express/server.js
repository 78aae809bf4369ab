// A small Express application. It knows nothing of Lambda.

const express = require("express");

const app = express();
app.disable("x-powered-by");
const raw = express.raw({ type: "*/*", limit: "20mb" });

app.get("/", (request, response) => {
  response.type("html").send("<!doctype html><title>Express on lambridge</title><h1>Hello from Express</h1>");
});

app.get("/json", (request, response) => {
  response.json({ path: request.path, args: [].concat(request.query.x ?? []), host: request.headers.host });
});

app.post("/form", express.urlencoded({ extended: false }), (request, response) => {
  const fields = Object.entries(request.body).map(([name, value]) => [name, [].concat(value)]);
  response.json(Object.fromEntries(fields));
});

// Gives the body back, byte for byte.
app.post("/echo", raw, (request, response) => {
  response.setHeader("content-type", request.headers["content-type"]);
  response.end(request.body);
});

app.get("/download/:size", (request, response) => {
  const bytes = Uint8Array.from({ length: Number(request.params.size) }, (_, i) => i % 256);
  response.type("application/octet-stream").send(Buffer.from(bytes));
});

app.get("/text/:size", (request, response) => {
  response.type("text/plain").send("x".repeat(Number(request.params.size)));
});

app.get("/headers", (request, response) => {
  response.append("x-repeated", "one");
  response.append("x-repeated", "two");
  const many = request.headers["x-many"] ?? "";
  response.json(many.split(", ").filter(Boolean));
});

app.get("/cookies", (request, response) => {
  const pairs = (request.headers.cookie ?? "").split("; ").filter(Boolean).map((pair) => pair.split("="));
  response.cookie("first", "1");
  response.cookie("second", "a b", { expires: new Date("2037-10-21T07:28:00Z") });
  response.json(Object.fromEntries(pairs));
});

app.get("/redirect", (request, response) => response.redirect(302, "/json"));

app.delete("/nothing", (request, response) => response.status(204).end());

// Ends the whole application, as a fault in native code would.
app.get("/crash", () => process.kill(process.pid, "SIGKILL"));

app.listen(Number(process.env.PORT), "127.0.0.1");
