// A web application with no word about Lambda in it: it listens on PORT and ends when it is asked to.
const http = require('node:http');

const server = http.createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    if (request.method === 'GET' && request.url === '/') {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
      response.end('<h1>Hello from Lambda Web Adapter</h1>\n');
      return;
    }
    const context = JSON.parse(request.headers['x-amzn-lambda-context'] ?? '{}');
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({
      method: request.method,
      url: request.url,
      body: Buffer.concat(chunks).toString(),
      // What the adapter tells about the invocation; nothing on any other machine.
      requestId: context.request_id,
      function: context.env_config?.function_name,
    }));
  });
});

server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1');

process.on('SIGTERM', () => {
  console.log('SIGTERM: no more requests');
  server.close(() => process.exit(0));
});
