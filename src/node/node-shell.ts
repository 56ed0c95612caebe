import type { Fence } from './fence.ts';
import type { NodeScript } from './scripts.ts';

/** Where a node is reached: always by its InternalIP (D16). */
export interface NodeAddress {
  readonly name: string;
  readonly internalIp: string;
}

export interface CommandResult {
  /** null when the connection ended without an exit status: the outcome is unknown, never success. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface DetachedCommand {
  /** Deterministic: the same step of the same target on the same node has the same unit name. */
  readonly unit: string;
  readonly script: NodeScript;
  readonly fence: Fence;
  /** Hard limit on the node, after which systemd ends the command; seconds. */
  readonly timeLimitSeconds: number;
  /** Exit codes that are an answer and no failure: nothing is left on the node then, as after 0. */
  readonly answers?: readonly number[];
}

export interface DetachedResult {
  readonly exitCode: number;
  /** true when the command had been started by an earlier Job and was only followed. */
  readonly attached: boolean;
  /** The last lines of its output, for the error message. */
  readonly tail: string;
}

/**
 * Runs our scripts on a node as root. `run` is for short questions whose answer may be lost and asked again;
 * `runDetached` is for changes: the command outlives the connection and the Job, and whoever comes next follows it
 * instead of starting it again. Throws NightliftError of kind `node`.
 */
export interface NodeShell {
  run(node: NodeAddress, script: NodeScript, signal: AbortSignal): Promise<CommandResult>;
  runDetached(
    node: NodeAddress,
    command: DetachedCommand,
    options: { readonly signal: AbortSignal; readonly onLine: (line: string) => void },
  ): Promise<DetachedResult>;
  close(): Promise<void>;
}
