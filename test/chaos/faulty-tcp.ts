import { connect, createServer, type Server, type Socket } from 'node:net';

export type TcpFault =
  /** Closed before a byte is said. */
  | 'empty'
  /** Accepted, and never a byte. */
  | 'hangs'
  /** Something else listens there. */
  | 'garbage'
  /** Cut in the middle of the handshake. */
  | 'truncated'
  /** Everything comes late. */
  | 'slow';

export interface FaultyTcp {
  readonly port: number;
  /** undefined: hands on what comes. `times` connections meet the fault. */
  set(fault: TcpFault | undefined, times?: number): void;
  hits(): number;
  close(): Promise<void>;
}

/** Stands before the nodes' SSH servers, on one port of all of their addresses. */
export async function startFaultyTcp(addresses: readonly string[], behind: number): Promise<FaultyTcp> {
  let fault: TcpFault | undefined;
  let left = 0;
  let hits = 0;
  const sockets = new Set<Socket>();
  const servers: Server[] = [];
  const meet = (socket: Socket, address: string): void => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    const met = left > 0 ? fault : undefined;
    if (met !== undefined) {
      left -= 1;
      hits += 1;
    }
    if (met === 'empty') return void socket.destroy();
    if (met === 'hangs') return void socket.resume();
    if (met === 'garbage') return void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n<html>no</html>\r\n'.repeat(4));
    const upstream = connect(behind, address);
    sockets.add(upstream);
    upstream.on('error', () => socket.destroy());
    upstream.on('close', () => {
      sockets.delete(upstream);
      socket.end();
    });
    socket.on('close', () => upstream.destroy());
    let passed = 0;
    const later = (act: () => void): void => void (met === 'slow' ? setTimeout(act, 15) : act());
    socket.on('data', (chunk: Buffer) => later(() => upstream.write(chunk)));
    upstream.on('data', (chunk: Buffer) => {
      passed += chunk.length;
      if (met === 'truncated' && passed > 1000) return void socket.destroy();
      later(() => socket.write(chunk));
    });
  };
  let port = 0;
  for (const address of addresses) {
    const server = createServer((socket) => meet(socket, address));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, address, () => resolve());
    });
    const bound = server.address();
    if (typeof bound === 'object' && bound !== null) port = bound.port;
    servers.push(server);
  }
  return {
    port,
    set(next, times = Number.POSITIVE_INFINITY) {
      fault = next;
      left = next === undefined ? 0 : times;
      hits = 0;
    },
    hits: () => hits,
    async close() {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}
