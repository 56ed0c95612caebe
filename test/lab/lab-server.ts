/** Run as a process of its own beside a lab: package repository (redirecting), its mirror, and an image registry. */
import { createReadStream, existsSync } from 'node:fs';
import { appendFile, readFile, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import path from 'node:path';
import { hostPort } from '../../src/host-port.ts';
import { blobPath, manifestType } from './image-store.ts';
import { proxyPort, repositoryPort } from './odd.ts';

export interface LabServerSettings {
  repository: string;
  tags: string;
  accessLog: string;
  gateway: string;
  mirror: string;
}

export const registryPort = 5000;

type Answer = (request: IncomingMessage, response: ServerResponse, url: string) => Promise<void> | void;

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(text);
}

async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: string,
  type: string,
  headers = {},
): Promise<void> {
  const info = existsSync(file) ? await stat(file) : undefined;
  if (info === undefined || !info.isFile()) return refuse(response, 404, 'not found\n');
  response.writeHead(200, {
    'content-type': type,
    'content-length': info.size,
    'last-modified': info.mtime.toUTCString(),
    ...headers,
  });
  if (request.method === 'HEAD') response.end();
  else createReadStream(file).pipe(response);
}

/** As pkgs.k8s.io: everything known is elsewhere (302), and a minor that does not exist is forbidden, not absent. */
function redirector(settings: LabServerSettings): Answer {
  return (_request, response, url) => {
    const match = /^\/core:\/stable:\/(v\d+\.\d+)\/deb\/([\w./+~-]*)$/.exec(url);
    const known = match?.[1] !== undefined && existsSync(path.join(settings.repository, match[1], 'deb'));
    if (!known) return refuse(response, 403, 'Forbidden\n');
    const there = `http://${hostPort(settings.mirror, repositoryPort)}/repositories/isv:/kubernetes:${url}`;
    response.writeHead(302, { location: there, 'content-length': 0 }).end();
  };
}

function mirror(settings: LabServerSettings): Answer {
  return (request, response, url) => {
    const file = url.replace('/repositories/isv:/kubernetes:/core:/stable:/', '/');
    if (file.includes('..')) return refuse(response, 400, 'bad path\n');
    return sendFile(request, response, path.join(settings.repository, file), 'application/octet-stream');
  };
}

/** The reading half of the OCI distribution API, which is all that a node's containerd asks for. */
function registry(settings: LabServerSettings): Answer {
  return async (request, response, url) => {
    if (url === '/v2/') return refuse(response, 200, '{}');
    const blob = /^\/v2\/.+\/blobs\/(sha256:[0-9a-f]{64})$/.exec(url)?.[1];
    if (blob !== undefined) return sendFile(request, response, blobPath(blob), 'application/octet-stream');
    const wanted = /^\/v2\/([a-z0-9._/-]+)\/manifests\/([\w.:-]+)$/.exec(url);
    const name = wanted?.[1] ?? '';
    const reference = wanted?.[2] ?? '';
    const tag = path.join(settings.tags, name, reference);
    const digest = reference.startsWith('sha256:') ? reference : existsSync(tag) ? await readFile(tag, 'utf8') : '';
    if (name === '' || digest === '' || url.includes('..')) {
      const errors = [{ code: 'MANIFEST_UNKNOWN', message: `manifest unknown: ${name}:${reference}` }];
      response.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify({ errors }));
      return;
    }
    return sendFile(request, response, blobPath(digest), manifestType, { 'docker-content-digest': digest });
  };
}

/** For nodes that reach the world through it alone. */
function proxy(): Answer {
  return async (request, response, url) => {
    if (!url.startsWith('http://') || request.method !== 'GET')
      return refuse(response, 400, 'a proxy is asked for http://\n');
    const answer = await fetch(request.url ?? url, { redirect: 'manual' });
    const location = answer.headers.get('location');
    response.writeHead(answer.status, location === null ? {} : { location });
    response.end(Buffer.from(await answer.arrayBuffer()));
  };
}

function serve(host: string, port: number, name: string, settings: LabServerSettings, answer: Answer): void {
  const server = createServer((request, response) => {
    const url = decodeURIComponent((request.url ?? '/').split('?')[0] ?? '/');
    response.on('finish', () => {
      const line = `${new Date().toISOString()} ${name} ${request.method ?? ''} ${url} ${response.statusCode}\n`;
      void appendFile(settings.accessLog, line);
    });
    Promise.resolve(answer(request, response, url)).catch((error: unknown) =>
      refuse(response, 500, `${String(error)}\n`),
    );
  });
  server.listen(port, host);
}

const settingsFile = process.argv[2];
if (process.argv[1] === import.meta.filename && settingsFile !== undefined) {
  const settings = JSON.parse(await readFile(settingsFile, 'utf8')) as LabServerSettings;
  serve(settings.gateway, repositoryPort, 'repository', settings, redirector(settings));
  serve(settings.mirror, repositoryPort, 'mirror', settings, mirror(settings));
  serve(settings.gateway, registryPort, 'registry', settings, registry(settings));
  serve(settings.gateway, proxyPort, 'proxy', settings, proxy());
}
