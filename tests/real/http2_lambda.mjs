// A Lambda over HTTP/2 without TLS that holds every call until so many are there, and then answers all of them.
import http2 from "node:http2";

const wanted = Number(process.argv[2]);
const answer = JSON.stringify({ statusCode: 200, body: "ok" });
const held = [];
let connections = 0;
const server = http2.createServer({ settings: { maxConcurrentStreams: 128 } });
server.on("session", () => connections++);
server.on("stream", (stream, headers) => {
  stream.on("error", () => {});
  stream.resume();
  const respond = () => {
    stream.respond({ ":status": 200, "content-type": "application/json" });
    stream.end(answer);
  };
  // The first one is asked alone.
  if (headers[":path"].includes("first")) return respond();
  held.push(respond);
  if (held.length === wanted) {
    console.log(`all ${connections}`);
    process.stdin.once("data", () => held.forEach((respond) => respond()));
  }
});
server.listen(0, "127.0.0.1", () => console.log(`port ${server.address().port}`));
