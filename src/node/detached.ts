import { createHash } from 'node:crypto';
import { StringDecoder } from 'node:string_decoder';
import type { Clock } from '../clock.ts';
import { LockLost, NightliftError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { RenderVariables } from '../render.ts';
import { explainFailure, OUT_OF_MEMORY } from './explain-failure.ts';
import { FENCED } from './fence.ts';
import type { CommandResult, DetachedCommand, DetachedResult, NodeAddress } from './node-shell.ts';
import { type NodeScript, renderScript, type ScriptTemplates } from './scripts.ts';

export interface FollowOptions {
  readonly node: NodeAddress;
  readonly command: DetachedCommand;
  readonly run: (script: NodeScript) => Promise<CommandResult>;
  readonly templates: ScriptTemplates;
  readonly log: Log;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
  readonly pollSeconds: number;
  readonly lossDeadlineMs: number;
}

interface UnitAnswer {
  readonly state: string;
  readonly detail: string;
  readonly output: Buffer;
}

const TAIL_LINES = 60;
/** A command that vanishes again and again (a node that restarts in a loop) is not started for ever. */
const MAX_STARTS = 3;
/** systemd itself ends a command at its limit, within a minute (TimeoutStopSec); that much more, and it cannot. */
const OVERRUN_SECONDS = 180;

/**
 * Starts a command as a transient systemd unit, or attaches to it when it is there, and follows it to its end. The unit
 * needs neither the connection nor this program. Of two callers one starts it and both see its end.
 */
export async function followDetached(options: FollowOptions): Promise<DetachedResult> {
  const { node, command, log, onLine } = options;
  const identity = createHash('sha256').update(command.script.text).digest('hex');
  const unit = command.unit;
  const what = `command ${unit} on ${node.name}`;
  const lines = lineFeed(onLine);
  const arrive = (): Promise<UnitAnswer & { retried: boolean }> => {
    const variables = {
      unit,
      identity,
      scriptBase64: Buffer.from(command.script.text).toString('base64'),
      timeLimitSeconds: command.timeLimitSeconds,
      ...command.fence,
    };
    return ask(options, `starting ${what}`, 'detached-arrive', variables, command.script);
  };

  let attached = false;
  for (let start = 1; ; start += 1) {
    const arrival = await arrive();
    if (arrival.state === 'busy') {
      throw new NightliftError('node', `starting ${what}: the same unit is running a different script there`, {
        remedy: `Another run, or another setting or target, started it. Wait for its end, or stop it on the node: systemctl stop ${unit}.service`,
      });
    }
    // An attach after a lost answer may well be to what this very call has started.
    attached = arrival.state !== 'started' && !arrival.retried;
    if (arrival.state === 'started')
      log.info('command started', { node: node.name, unit, detail: arrival.detail || undefined });
    else log.info('command found, following it', { node: node.name, unit });

    const followedFrom = options.clock.monotonic();
    let offset = 0;
    let answer: UnitAnswer;
    do {
      refuseOverrun(options, options.clock.monotonic() - followedFrom);
      answer = await ask(options, `following ${what}`, 'detached-poll', {
        unit,
        identity,
        offset,
        waitSeconds: options.pollSeconds,
      });
      offset += answer.output.length;
      lines.add(answer.output);
    } while (answer.state === 'running' || answer.output.length > 0);
    lines.end();
    if (answer.state === 'finished') {
      const ended = endOf(answer.detail);
      if (ended.note !== undefined) lines.note(ended.note);
      if (ended.exitCode === 0 || command.answers?.includes(ended.exitCode) === true)
        await ask(options, `cleaning up ${what}`, 'detached-clean', { unit, identity });
      return { exitCode: ended.exitCode, attached, tail: lines.tail() };
    }
    if (start >= MAX_STARTS) {
      throw new NightliftError('node', `following ${what}: it vanished ${start} times without an exit code`, {
        remedy:
          'Look for restarts of the node and for the out-of-memory killer: journalctl -b -1 and dmesg on the node.',
      });
    }
    log.warn('command vanished without an exit code (the node was restarted?), starting it anew', {
      node: node.name,
      unit,
    });
  }
}

/** @throws NightliftError (node) for a command that has been followed for longer than it could run. */
function refuseOverrun({ node, command }: FollowOptions, followedMs: number): void {
  const { unit, timeLimitSeconds } = command;
  if (followedMs < (timeLimitSeconds + OVERRUN_SECONDS) * 1000) return;
  throw new NightliftError(
    'node',
    `following command ${unit} on ${node.name}: it still runs ${OVERRUN_SECONDS} s after its limit of ${timeLimitSeconds} s, at which systemd ends it`,
    {
      remedy: `On the node: systemctl status ${unit}.service; a process that waits for a disk (state D) cannot be ended.`,
    },
  );
}

/** Asks until there is an answer: a node that is away for a moment does not end what runs on it. */
async function ask(
  { node, run, templates, log, clock, signal, lossDeadlineMs }: FollowOptions,
  doing: string,
  script: string,
  variables: RenderVariables,
  starts?: NodeScript,
): Promise<UnitAnswer & { retried: boolean }> {
  const rendered = { ...renderScript(templates, script, variables), ...(starts === undefined ? {} : { starts }) };
  const started = clock.now().getTime();
  for (let attempt = 0; ; attempt += 1) {
    const result = await run(rendered).catch((error: unknown) => {
      if (error instanceof NightliftError && error.kind === 'network' && !(error instanceof LockLost)) return error;
      throw error;
    });
    if (!(result instanceof NightliftError) && result.exitCode !== null) {
      if (result.exitCode === 0) return { ...unitAnswer(doing, result.stdout), retried: attempt > 0 };
      const { message, remedy } = explainFailure(script, result.exitCode, `${result.stdout}\n${result.stderr}`);
      const what = `${doing}: ${script}.sh ended with exit code ${result.exitCode}: ${message}`;
      throw result.exitCode === FENCED ? new LockLost(what, { remedy }) : new NightliftError('node', what, { remedy });
    }
    const lost = result instanceof NightliftError ? result.message : 'the connection ended before the answer';
    const away = clock.now().getTime() - started;
    if (away >= lossDeadlineMs) {
      throw new NightliftError('network', `${doing}: no answer for ${Math.round(away / 1000)} s: ${lost}`, {
        remedy: `See that the node is up and reachable. ${script === 'detached-arrive' ? 'Whether the command was started there is not known; the next run looks' : 'The command goes on by itself there; the next run follows it'}.`,
        ...(result instanceof NightliftError ? { cause: result } : {}),
      });
    }
    if (attempt === 0) log.warn('connection to the node lost, trying again', { node: node.name, reason: lost });
    await clock.sleep(Math.min(250 * 2 ** attempt, 10_000), signal);
  }
}

function unitAnswer(doing: string, stdout: string): UnitAnswer {
  const found = /^nightlift-unit\t(\S+)\t([^\n]*)\n?/m.exec(stdout);
  if (found?.[1] === undefined || found[2] === undefined) {
    throw new NightliftError('node', `${doing}: the answer has no line "nightlift-unit": ${stdout.slice(0, 200)}`, {
      remedy:
        'The scripts detached-*.sh were edited so that they do not tell how the unit stands; take the ones that Nightlift brings.',
    });
  }
  return {
    state: found[1],
    detail: found[2],
    output: Buffer.from(stdout.slice(found.index + found[0].length), 'base64'),
  };
}

/** $SERVICE_RESULT $EXIT_CODE $EXIT_STATUS of systemd.exec(5). */
function endOf(detail: string): { exitCode: number; note?: string } {
  const [result = '', how = '', status = ''] = detail.split(' ');
  if (result === 'timeout')
    return { exitCode: 124, note: 'nightlift: the command was ended: it ran over its time limit' };
  if (how === 'exited' && /^\d+$/.test(status)) return { exitCode: Number(status) };
  const exitCode = status === 'KILL' ? 137 : status === 'TERM' ? 143 : 255;
  const why = result === 'oom-kill' ? OUT_OF_MEMORY : `signal ${status || 'unknown'}`;
  return { exitCode, note: `nightlift: the command was killed: ${why}` };
}

function lineFeed(onLine: (line: string) => void) {
  let decoder = new StringDecoder('utf8');
  let rest = '';
  const last: string[] = [];
  const emit = (raw: string): void => {
    const line = plain(raw);
    last.push(line);
    if (last.length > TAIL_LINES) last.shift();
    onLine(line);
  };
  return {
    add(bytes: Buffer): void {
      const pieces = `${rest}${decoder.write(bytes)}`.split('\n');
      rest = pieces.pop() ?? '';
      for (const line of pieces) emit(line);
    },
    end(): void {
      if (rest !== '') emit(rest);
      rest = '';
      decoder = new StringDecoder('utf8');
    },
    note: emit,
    tail: () => last.join('\n'),
  };
}

/** Without the colours of kubeadm's system verification, and only the end of a progress display. */
function plain(line: string): string {
  const escape = String.fromCharCode(27);
  return line
    .replaceAll(new RegExp(`${escape}\\[[0-9;]*[A-Za-z]`, 'g'), '')
    .replace(/\r+$/, '')
    .replace(/^.*\r/, '');
}
