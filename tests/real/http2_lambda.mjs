// A Lambda over HTTP/2 that holds every call until so many are there, and then answers all of them; none is held where
// that is 0. With TLS, and then for nobody who speaks HTTP/1.1, where a file with key and certificate is named.
import { readFileSync } from "node:fs";
import http2 from "node:http2";

const [wanted, chain] = [Number(process.argv[2]), process.argv[3]];
const answer = JSON.stringify({ statusCode: 200, body: "ok" });
const held = [];
let connections = 0;
const options = { settings: { maxConcurrentStreams: 128 } };
const key = chain && readFileSync(chain);
const server = chain ? http2.createSecureServer({ ...options, key, cert: key }) : http2.createServer(options);
server.on("session", () => connections++);
server.on("stream", (stream, headers) => {
  stream.on("error", () => {});
  stream.resume();
  const respond = () => {
    stream.respond({ ":status": 200, "content-type": "application/json" });
    stream.end(answer);
  };
  // The first one is asked alone.
  if (!wanted || headers[":path"].includes("first")) return respond();
  held.push(respond);
  if (held.length === wanted) {
    console.log(`all ${connections}`);
    process.stdin.once("data", () => held.forEach((respond) => respond()));
  }
});
server.listen(0, "127.0.0.1", () => console.log(`port ${server.address().port}`));
