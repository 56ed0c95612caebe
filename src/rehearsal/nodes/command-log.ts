import type { StandInCall } from './stand-in.ts';

export interface CommandRecord {
  readonly node: string;
  /** Program and arguments; the version of an unpacked program is cut off. */
  readonly argv: readonly string[];
  readonly startedAt: Date;
  finishedAt: Date | null;
  /** null while it runs, and for ever when it was killed. */
  exitCode: number | null;
}

/** What a command does in place of its work. */
export interface FailRule {
  /** Matched against the arguments joined by blanks, e.g. /^kubeadm upgrade apply/. */
  readonly match: RegExp;
  /** Default: every node. */
  readonly node?: string;
  /** Without one the command does its work after the wait. */
  readonly exitCode?: number;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly waitMs?: number;
  /** How often; default always. */
  readonly times?: number;
}

/** Every command that ran on a rehearsal node, and the rules by which some of them fail. */
export interface CommandLog {
  readonly records: readonly CommandRecord[];
  /** Records whose command line matches. */
  matching(pattern: RegExp, node?: string): readonly CommandRecord[];
  fail(rule: FailRule): void;
  clearRules(): void;
  /** null when the program was killed. */
  run(call: StandInCall, work: () => Promise<number>): Promise<number | null>;
}

export function createCommandLog(now: () => Date): CommandLog {
  const records: CommandRecord[] = [];
  let rules: (FailRule & { left: number })[] = [];
  return {
    records,
    matching: (pattern, node) =>
      records.filter((one) => (node === undefined || one.node === node) && pattern.test(one.argv.join(' '))),
    fail(rule) {
      rules.push({ ...rule, left: rule.times ?? Number.POSITIVE_INFINITY });
    },
    clearRules() {
      rules = [];
    },
    async run(call, work) {
      const argv = [call.program.split('@')[0] ?? call.program, ...call.args];
      const record: CommandRecord = {
        node: call.machine.name,
        argv,
        startedAt: now(),
        finishedAt: null,
        exitCode: null,
      };
      records.push(record);
      const line = argv.join(' ');
      const rule = rules.find(
        (one) => one.left > 0 && (one.node ?? record.node) === record.node && one.match.test(line),
      );
      let exitCode: number | undefined;
      if (rule !== undefined) {
        rule.left -= 1;
        if (rule.waitMs !== undefined) await call.sleep(rule.waitMs);
        call.out(rule.stdout ?? '');
        call.err(rule.stderr ?? '');
        exitCode = rule.exitCode;
      }
      if (exitCode === undefined) {
        exitCode = await work().catch((error: unknown) => {
          call.err(`${record.argv[0]}: ${error instanceof Error ? error.message : String(error)}\n`);
          return 1;
        });
      }
      record.finishedAt = now();
      if (call.signal.aborted) return null;
      record.exitCode = exitCode;
      return exitCode;
    },
  };
}
