// The smallest web application: who it is.
import { createServer } from "node:http";

createServer((request, response) => {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ pid: process.pid }));
}).listen(Number(process.env.PORT), "127.0.0.1");
