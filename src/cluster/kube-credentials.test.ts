import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { systemClock } from '../clock.ts';
import { createCertificateAuthority } from '../rehearsal/api/certificate.ts';
import { createKubeClient } from './kube-client.ts';
import { inClusterCredentials, type KubeCredentials } from './kube-credentials.ts';
import { kubeconfigCredentials } from './kubeconfig.ts';

describe('the credentials', () => {
  const authority = createCertificateAuthority('test');
  const folder = mkdtempSync(join(tmpdir(), 'kube-credentials-'));
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  let server: Server;
  let port: number;
  const seen: { authorization: string | undefined; port: number | undefined; client: boolean }[] = [];

  beforeAll(async () => {
    const { certificatePem, privateKeyPem } = authority.issue({ commonName: 'server' });
    server = createServer(
      {
        cert: certificatePem,
        key: privateKeyPem,
        ca: authority.certificatePem,
        requestCert: true,
        rejectUnauthorized: false,
      },
      ({ headers, socket }, response) => {
        const client = 'authorized' in socket && socket.authorized === true;
        seen.push({ authorization: headers.authorization, port: socket.remotePort, client });
        response.end('{}');
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });

  const ask = async (credentials: KubeCredentials): Promise<(typeof seen)[number] | undefined> => {
    const client = createKubeClient({ credentials, clock: systemClock(), userAgent: 'test', patienceMs: 0 });
    await client.object({ doing: 'asking', path: '/' }, z.unknown(), new AbortController().signal);
    return seen.at(-1);
  };

  it('of a pod follow the token as it is rotated, over one connection', async () => {
    const tokenFile = file('token', 'first\n');
    const credentials = inClusterCredentials({
      host: '127.0.0.1',
      port,
      tokenFile,
      caFile: file('ca.crt', authority.certificatePem),
    });
    const before = await ask(credentials);
    writeFileSync(tokenFile, 'second');
    const after = await ask(credentials);
    expect([before?.authorization, after?.authorization]).toEqual(['Bearer first', 'Bearer second']);
    expect(after?.port).toBe(before?.port);
  });

  it('refuse a server of another authority, for good', async () => {
    const caFile = file('other.crt', createCertificateAuthority('other').certificatePem);
    const credentials = inClusterCredentials({ host: '127.0.0.1', port, tokenFile: file('token', 'x'), caFile });
    await expect(ask(credentials)).rejects.toMatchObject({ reason: 'Certificate', unavailable: false });
  });

  it('say which file of the service account is missing or empty', async () => {
    const files = { host: '127.0.0.1', port, caFile: file('ca.crt', authority.certificatePem) };
    await expect(ask(inClusterCredentials({ ...files, tokenFile: join(folder, 'none') }))).rejects.toThrow(
      /none: ENOENT/,
    );
    await expect(ask(inClusterCredentials({ ...files, tokenFile: file('void', '') }))).rejects.toThrow(
      /void: it is empty/,
    );
  });

  const kubeconfig = (user: object, context = 'one'): string =>
    file(
      'kubeconfig',
      JSON.stringify({
        clusters: [
          {
            name: 'c',
            cluster: {
              server: `https://127.0.0.1:${port}/`,
              'certificate-authority-data': Buffer.from(authority.certificatePem).toString('base64'),
            },
          },
        ],
        users: [{ name: 'u', user }],
        contexts: [{ name: 'one', context: { cluster: 'c', user: 'u' } }],
        'current-context': context,
      }),
    );

  it('of a kubeconfig are a client certificate', async () => {
    const { certificatePem, privateKeyPem } = authority.issue({ commonName: 'admin' });
    const data = (pem: string): string => Buffer.from(pem).toString('base64');
    const user = { 'client-certificate-data': data(certificatePem), 'client-key-data': data(privateKeyPem) };
    expect((await ask(kubeconfigCredentials({ file: kubeconfig(user) })))?.client).toBe(true);
  });

  it('of a kubeconfig are what its exec plug-in says', async () => {
    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: 'from-exec' },
    };
    const user = {
      exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'echo', args: [JSON.stringify(credential)] },
    };
    expect((await ask(kubeconfigCredentials({ file: kubeconfig(user) })))?.authorization).toBe('Bearer from-exec');
  });

  it('say what is wrong with a kubeconfig', async () => {
    const reading = (from: string, context?: string) => () =>
      kubeconfigCredentials({ file: from, ...(context === undefined ? {} : { context }) });
    expect(reading(join(folder, 'none'))).toThrow(/reading the kubeconfig .*none: ENOENT/);
    expect(reading(kubeconfig({ token: 'x' }), 'two')).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('the context "two"') as string,
        remedy: 'Name one of its contexts: one.',
      }),
    );
    expect(reading(file('empty', ''))).toThrow(expect.objectContaining({ kind: 'config' }));
    const failing = { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'false' } };
    await expect(ask(kubeconfigCredentials({ file: kubeconfig(failing) }))).rejects.toThrow(/getting credentials for/);
  });
});
