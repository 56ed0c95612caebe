import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { CommandLog } from './command-log.ts';
import type { Machine } from './machine.ts';
import type { StandIn, StandInCall } from './stand-in.ts';
import { standIns } from './stand-ins/stand-ins.ts';

export interface StandInServer {
  /** Writes the program file of a stand-in. */
  install(machine: Machine, file: string, program: string): void;
  close(): Promise<void>;
}

/**
 * The programs in a node's PATH are short bash clients of this server: they send their arguments, and print what comes
 * back. So the stand-ins are TypeScript that sees the whole node, and killing the client is killing the program.
 */
export async function startStandInServer(commands: CommandLog): Promise<StandInServer> {
  const machines = new Map<string, Machine>();
  const sockets = new Set<Socket>();
  const tokens = new Map<Machine, string>();
  const install = (machine: Machine, file: string, program: string): void => {
    const token = tokens.get(machine) ?? randomBytes(16).toString('hex');
    tokens.set(machine, token);
    machines.set(token, machine);
    const { port } = server.address() as AddressInfo;
    writeFileSync(file, clientScript(port, token, program), { mode: 0o755 });
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    void serve(socket, machines, commands, install);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    install: (machine, file, program) => install(machine, file, program),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function clientScript(port: number, token: string, program: string): string {
  return `#!/bin/bash
# Stand-in of a rehearsal: asks the rehearsal what "${program}" does.
exec 3<>/dev/tcp/127.0.0.1/${port} || exit 69
printf '%s\\0' ${token} '${program}' "$PWD" "$#" "$@" >&3
while IFS= read -r -u 3 line; do
  case "\${line:0:1}" in
    o) printf '%s\\n' "\${line:1}" ;;
    p) printf '%s' "\${line:1}" ;;
    e) printf '%s\\n' "\${line:1}" >&2 ;;
    i) while IFS= read -r input || [ -n "$input" ]; do printf 'd%s\\n' "$input" >&3; done
      printf '.\\n' >&3 ;;
    x) exit "\${line:1}" ;;
  esac
done
exit 137
`;
}

async function serve(
  socket: Socket,
  machines: ReadonlyMap<string, Machine>,
  commands: CommandLog,
  install: (machine: Machine, file: string, program: string) => void,
): Promise<void> {
  const incoming = reader(socket);
  const [token, program, cwd, count] = await incoming.fields(4);
  const args = await incoming.fields(Number(count));
  const machine = machines.get(token ?? '');
  if (machine === undefined || program === undefined || cwd === undefined) {
    socket.destroy();
    return;
  }
  const abort = new AbortController();
  socket.on('close', () => abort.abort(new Error('the program was killed')));
  const send =
    (kind: 'o' | 'e') =>
    (text: string): void => {
      if (text === '') return;
      const lines = text.split('\n');
      const last = lines.pop();
      for (const line of lines) socket.write(`${kind}${line}\n`);
      if (last !== '' && last !== undefined) socket.write(kind === 'o' ? `p${last}\n` : `e${last}\n`);
    };
  const call: StandInCall = {
    machine,
    program,
    args,
    cwd,
    out: send('o'),
    err: send('e'),
    stdin: () => {
      socket.write('i\n');
      return incoming.input();
    },
    signal: abort.signal,
    sleep: (ms) => delay(ms, abort.signal),
    install: (file, to) => install(machine, file, to),
  };
  const [name = ''] = program.split('@');
  const standIn: StandIn = standIns[name] ?? (() => 127);
  const exitCode = await commands.run(call, () => Promise.resolve(standIn(call)));
  if (exitCode === null || socket.destroyed) return;
  socket.end(`x${exitCode}\n`);
}

/** Resolves also when the signal is aborted: the caller looks at the signal. */
function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}

function reader(socket: Socket) {
  let buffered = Buffer.alloc(0);
  let wake = (): void => undefined;
  let ended = false;
  socket.on('data', (chunk: Buffer) => {
    buffered = Buffer.concat([buffered, chunk]);
    wake();
  });
  socket.on('close', () => {
    ended = true;
    wake();
  });
  const more = (): Promise<void> => new Promise((resolve) => (wake = resolve));
  const until = async (mark: number): Promise<string | undefined> => {
    for (;;) {
      const end = buffered.indexOf(mark);
      if (end >= 0) {
        const text = buffered.toString('utf8', 0, end);
        buffered = buffered.subarray(end + 1);
        return text;
      }
      if (ended) return undefined;
      await more();
    }
  };
  return {
    async fields(count: number): Promise<string[]> {
      const found: string[] = [];
      while (found.length < count) {
        const one = await until(0);
        if (one === undefined) break;
        found.push(one);
      }
      return found;
    },
    async input(): Promise<string> {
      let text = '';
      for (;;) {
        const line = await until(10);
        if (line === undefined || line === '.') return text;
        text += `${line.slice(1)}\n`;
      }
    },
  };
}
