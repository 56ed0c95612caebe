import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { createFaultBook, type Fault, type Faults } from './fault.ts';

export interface DnsService {
  readonly address: string;
  readonly port: number;
  /** Names that it was asked for, with the record type. */
  readonly questions: readonly string[];
  /** `path` of a fault is matched against the name. Those that make sense for UDP: refuse, hang, status, empty, garbage, truncated, slow. */
  readonly faults: Faults;
  close(): Promise<void>;
}

export interface DnsServiceOptions {
  readonly host?: string;
  readonly port?: number;
  /** A records; kubernetes.default.svc.cluster.local is always there. */
  readonly records?: Readonly<Record<string, string>>;
}

interface Question {
  readonly name: string;
  readonly type: number;
  /** The bytes of the question, which an answer repeats. */
  readonly bytes: Buffer;
}

const TYPE_A = 1;
const CODES = { ok: 0, serverFailure: 2, noSuchName: 3, refused: 5 } as const;
const KUBERNETES = 'kubernetes.default.svc.cluster.local';

/** The cluster DNS on a loopback port: A records over UDP (RFC 1035). */
export async function startDns(options: DnsServiceOptions = {}): Promise<DnsService> {
  const records: Readonly<Record<string, string>> = { [KUBERNETES]: '10.96.0.1', ...options.records };
  const questions: string[] = [];
  const faults = createFaultBook();
  const timers = new Set<NodeJS.Timeout>();
  const socket = createSocket('udp4');

  const answerOf = (query: Buffer, question: Question): Buffer => {
    const address = records[question.name];
    if (address === undefined) return reply(query, question, CODES.noSuchName, []);
    return reply(query, question, CODES.ok, question.type === TYPE_A ? [address] : []);
  };
  const faultyAnswer = (fault: Fault, query: Buffer, question: Question): Buffer | undefined => {
    switch (fault.kind) {
      case 'hang':
        return undefined;
      case 'refuse':
        return reply(query, question, CODES.refused, []);
      case 'empty':
        return reply(query, question, CODES.ok, []);
      case 'garbage':
        return Buffer.from('<!DOCTYPE html>');
      case 'truncated':
        return answerOf(query, question).subarray(0, -3);
      default:
        return reply(query, question, CODES.serverFailure, []);
    }
  };
  socket.on('message', (query: Buffer, from: RemoteInfo) => {
    const question = readQuestion(query);
    if (question === undefined) return;
    questions.push(`${question.name} ${question.type}`);
    const fault = faults.take('QUERY', question.name);
    const answer =
      fault === undefined || fault.kind === 'slow' ? answerOf(query, question) : faultyAnswer(fault, query, question);
    if (answer === undefined) return;
    const timer = setTimeout(
      () => {
        timers.delete(timer);
        socket.send(answer, from.port, from.address);
      },
      fault?.kind === 'slow' ? fault.delayMs : 0,
    );
    timers.add(timer);
  });
  socket.bind(options.port ?? 0, options.host ?? '127.0.0.1');
  await once(socket, 'listening');
  const { address, port } = socket.address();
  return {
    address,
    port,
    questions,
    faults,
    async close() {
      for (const timer of timers) clearTimeout(timer);
      await new Promise<void>((resolve) => socket.close(() => resolve()));
    },
  };
}

const HEADER = 12;

/** The first question; undefined for anything that is none. */
function readQuestion(query: Buffer): Question | undefined {
  const labels: string[] = [];
  let at = HEADER;
  for (;;) {
    const length = query[at];
    if (length === undefined || length > 63) return undefined;
    at += 1;
    if (length === 0) break;
    labels.push(
      query
        .subarray(at, at + length)
        .toString('latin1')
        .toLowerCase(),
    );
    at += length;
  }
  if (query.length < at + 4) return undefined;
  return { name: labels.join('.'), type: query.readUInt16BE(at), bytes: query.subarray(HEADER, at + 4) };
}

function reply(query: Buffer, question: Question, code: number, addresses: readonly string[]): Buffer {
  const header = Buffer.alloc(HEADER);
  query.copy(header, 0, 0, 2);
  // Response, authoritative, recursion as it was desired; then the code.
  header.writeUInt8(0x84 | ((query[2] ?? 0) & 0x01), 2);
  header.writeUInt8(code, 3);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(addresses.length, 6);
  const answers = addresses.map((address) => {
    const record = Buffer.alloc(16);
    // The name is a pointer to the question's.
    record.writeUInt16BE(0xc000 | HEADER, 0);
    record.writeUInt16BE(TYPE_A, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(5, 6);
    record.writeUInt16BE(4, 10);
    Buffer.from(address.split('.').map(Number)).copy(record, 12);
    return record;
  });
  return Buffer.concat([header, question.bytes, ...answers]);
}
