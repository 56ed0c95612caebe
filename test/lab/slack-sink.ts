/** Run as a process of its own: takes what is posted to it as Slack's webhook does, and keeps each message as a line. */
import { appendFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

async function take(request: IncomingMessage, response: ServerResponse, file: string): Promise<void> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    response.writeHead(400).end('invalid_payload');
    return;
  }
  await appendFile(file, `${JSON.stringify({ at: new Date().toISOString(), path: request.url, body })}\n`);
  response.writeHead(200, { 'content-type': 'text/plain' }).end('ok');
}

const [host, port, file] = process.argv.slice(2);
if (process.argv[1] === import.meta.filename && host !== undefined && port !== undefined && file !== undefined) {
  const server = createServer((request, response) => {
    if (request.method !== 'POST') {
      response.writeHead(405).end();
      return;
    }
    take(request, response, file).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  server.listen(Number(port), host);
}
