// A small Oak application on Deno. It knows nothing of Lambda.
import { Application, Router } from "@oakserver/oak";

const router = new Router();

router.get("/", (context) => {
  context.response.type = "html";
  context.response.body = "<!doctype html><h1>Hello from Deno</h1>";
});

router.get("/greet", (context) => {
  context.response.body = { hello: context.request.url.searchParams.get("name") };
});

// Gives the body back, byte for byte.
router.post("/echo", async (context) => {
  context.response.type = context.request.headers.get("content-type") ?? "application/octet-stream";
  context.response.body = await context.request.body.arrayBuffer();
});

const app = new Application();
app.use(router.routes());
await app.listen({ hostname: "127.0.0.1", port: Number(Deno.env.get("PORT") ?? 8080) });
