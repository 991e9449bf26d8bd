// The little HTTP that the three services share. Required after telemetry has started, so that it is instrumented.
'use strict';
const http = require('node:http');

/** Serves `routes` ("GET /path" -> async (request, body) => [status, json]) on loopback; prints one line when ready. */
function serve(name, port, routes) {
  const server = http.createServer(async (request, response) => {
    const path = new URL(request.url, 'http://localhost').pathname;
    const route = routes[`${request.method} ${path}`];
    let status = 404;
    let answer = { error: `no ${request.method} ${path} here` };
    try {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString();
      if (route) [status, answer] = await route(request, text ? JSON.parse(text) : {});
    } catch (error) {
      status = 500;
      answer = { error: String(error.message ?? error) };
    }
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer));
  });
  server.listen(port, '127.0.0.1', () => console.log(`${name} listens on 127.0.0.1:${port}`));
  return server;
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });

/** One JSON call; resolves to {status, body}. Rejects when the peer cannot be reached within two seconds. */
function call(method, url, body) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, agent, timeout: 2000, headers: { 'content-type': 'application/json' } }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode, body: text ? JSON.parse(text) : {} });
      });
    });
    request.on('timeout', () => request.destroy(new Error(`${url} did not answer within 2 s`)));
    request.on('error', reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

module.exports = { serve, call };
