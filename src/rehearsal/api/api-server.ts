import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { Access, type Identity } from './access.ts';
import { ApiResponder } from './api-responder.ts';
import { Availability } from './availability.ts';
import { type CertificateAuthority, createCertificateAuthority } from './certificate.ts';
import { Faults } from './faults.ts';
import { kubeconfigFor } from './kubeconfig.ts';
import { PodLogs } from './pod-logs.ts';
import { RequestLog } from './request-log.ts';
import { namespaces } from './resources.ts';
import { Store } from './store.ts';

export interface ApiServerOptions {
  /** 0 or absent: any free port of the loopback address. */
  readonly port?: number;
  readonly now?: () => Date;
  readonly certificateAuthority?: CertificateAuthority;
  /** What `/version` says; `setVersion` changes it when the control plane is upgraded. */
  readonly version?: string;
  /** Further bearer tokens. */
  readonly tokens?: Readonly<Record<string, Identity>>;
  /** What ServiceAccounts may do: what the RBAC objects say, unless 'all'. */
  readonly serviceAccountRules?: 'all' | 'rbac';
}

export interface ApiServer {
  readonly url: string;
  readonly port: number;
  readonly caPem: string;
  readonly adminToken: string;
  readonly certificateAuthority: CertificateAuthority;
  readonly store: Store;
  readonly access: Access;
  readonly podLogs: PodLogs;
  readonly requests: RequestLog;
  readonly faults: Faults;
  readonly availability: Availability;
  /** A kubeconfig of the admin, or of the bearer of another token. */
  kubeconfig(token?: string): string;
  setVersion(version: string): void;
  /** False closes the port and every connection until it is true again: a single control plane during its upgrade. */
  setAvailable(available: boolean): Promise<void>;
  close(): Promise<void>;
}

const INITIAL_NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/** The embedded cluster's API server: HTTPS on a loopback port, with certificates of its own. */
export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const certificateAuthority = options.certificateAuthority ?? createCertificateAuthority('kubernetes');
  const { certificatePem, privateKeyPem } = certificateAuthority.issue({ commonName: 'kube-apiserver' });
  const store = new Store(options.now === undefined ? {} : { now: options.now });
  for (const name of INITIAL_NAMESPACES) store.create(namespaces, { metadata: { name }, spec: {} });
  const access = new Access(store, options.serviceAccountRules ?? 'rbac');
  const adminToken = randomBytes(24).toString('base64url');
  access.addToken(adminToken, { user: 'kubernetes-admin', groups: ['system:masters'], rules: 'all' });
  for (const [token, identity] of Object.entries(options.tokens ?? {})) access.addToken(token, identity);
  const podLogs = new PodLogs();
  const requests = new RequestLog();
  const faults = new Faults();
  const availability = new Availability();
  const responder = new ApiResponder({ store, access, podLogs, requests, faults }, options.version ?? 'v1.36.3');

  const sockets = new Set<Socket>();
  const server = createServer(
    { cert: certificatePem, key: privateKeyPem },
    (request: IncomingMessage, response: ServerResponse) => {
      void responder.respond(request, response);
    },
  );
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // A client that goes away during the handshake is its own business.
    socket.on('error', () => socket.destroy());
  });
  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject);
        resolve();
      });
    });
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  let isClosed = false;
  await listen(options.port ?? 0);
  // A TCP server always has an AddressInfo.
  const { port } = server.address() as AddressInfo;
  const url = `https://127.0.0.1:${port}`;

  return {
    url,
    port,
    caPem: certificateAuthority.certificatePem,
    adminToken,
    certificateAuthority,
    store,
    access,
    podLogs,
    requests,
    faults,
    availability,
    kubeconfig: (token = adminToken) => kubeconfigFor(url, certificateAuthority.certificatePem, token),
    setVersion: (version) => responder.setVersion(version),
    setAvailable: async (available) => {
      if (isClosed || available === availability.isUp) return;
      if (available) await listen(port);
      availability.set(available);
      if (!available) await stop();
    },
    close: async () => {
      isClosed = true;
      responder.close();
      await stop();
    },
  };
}
