// A web application that shows what reaches it: the request as JSON, and those that came before the first of them.
// It listens on LISTEN (ports by commas); `/status/N` is answered with N, and so is every path that begins with one of
// ANSWERS (`/=503,/ready=200`, the longest counts). `/bytes/HEX` is answered with these bytes. `/meet/N` is answered once N requests wait for that. On PROXY it stands
// before Lambda's Runtime API, as a tracer does, and leaves a mark in each event.
import { createServer } from "node:http";

const answers = (process.env.ANSWERS ?? "").split(",").filter(Boolean).map((rule) => rule.split("="));
answers.sort(([one], [other]) => other.length - one.length);
const before = [];
const waiting = [];

const server = (port) =>
  createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const { method, url } = request;
      const rule = answers.find(([path]) => url.startsWith(path));
      const status = Number(rule?.[1] ?? url.match(/^\/status\/(\d+)/)?.[1] ?? 200);
      const headers = {};
      for (const [name, value] of Object.entries(request.headers)) if (name !== "host") headers[name] = value;
      const body = Buffer.concat(chunks).toString("base64");
      if (url.startsWith("/bytes/")) {
        // Bytes in hex, said to be text; and a header twice.
        response.writeHead(200, [["content-type", "text/csv"], ["x-many", "a"], ["x-many", "b"]]);
        return response.end(Buffer.from(url.slice(7), "hex"));
      }
      response.writeHead(status, [
        ["content-type", url.endsWith(".bin") ? "application/octet-stream" : "application/json"],
        ["set-cookie", "a=1; Path=/"],
        ["set-cookie", "b=2; Expires=Wed, 21 Oct 2037 07:28:00 GMT"],
      ]);
      const answer = () => response.end(JSON.stringify({ port, method, url, headers, body, before }));
      const many = url.match(/^\/meet\/(\d+)/)?.[1];
      if (many) waiting.push(answer);
      else answer();
      if (many && waiting.length >= Number(many)) waiting.splice(0).forEach((one) => one());
      if (rule || !request.headers["x-amzn-lambda-context"]) before.push(`${method} ${port} ${url}`);
    });
  }).listen(port, "127.0.0.1");

if (process.env.PROXY) {
  createServer(async (request, response) => {
    const { method, url } = request;
    const body = method === "GET" ? undefined : Buffer.concat(await request.toArray());
    const headers = { ...request.headers };
    for (const name of ["connection", "content-length", "host", "transfer-encoding"]) delete headers[name];
    const answer = await fetch(`http://${process.env.AWS_LAMBDA_RUNTIME_API}${url}`, { method, headers, body });
    let text = await answer.text();
    if (url.endsWith("/invocation/next")) {
      const event = JSON.parse(text);
      event.headers["x-marked"] = "by the proxy";
      text = JSON.stringify(event);
    }
    const kept = [...answer.headers].filter(([name]) => name.startsWith("lambda-") || name === "content-type");
    response.writeHead(answer.status, Object.fromEntries(kept)).end(text);
  }).listen(Number(process.env.PROXY), "127.0.0.1");
}

(process.env.LISTEN ?? process.env.PORT).split(",").map(Number).forEach(server);
