import type { Machine } from './machine.ts';

/** One call of a stand-in program on a node. */
export interface StandInCall {
  readonly machine: Machine;
  /** Name by which it was called; 'kubeadm@1.36.4' for the program unpacked from a package. */
  readonly program: string;
  readonly args: readonly string[];
  /** Directory on the host. */
  readonly cwd: string;
  out(text: string): void;
  err(text: string): void;
  /** All of stdin, asked for only by programs that read it. */
  stdin(): Promise<string>;
  /** Aborted when the calling process was killed. */
  readonly signal: AbortSignal;
  sleep(ms: number): Promise<void>;
  /** Writes a program of the node; `program` as above. */
  install(file: string, program: string): void;
}

/** Returns the exit code. */
export type StandIn = (call: StandInCall) => number | Promise<number>;

/** A process that was killed writes nothing more and has no exit code of its own. */
export function isKilled(call: StandInCall): boolean {
  return call.signal.aborted;
}
