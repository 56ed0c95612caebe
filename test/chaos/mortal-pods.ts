import { runPhase } from '../../src/chain/run-phase.ts';
import { PHASES } from '../../src/chain/step.ts';
import { isWorthAnotherTry } from '../../src/chain/worth-another-try.ts';
import { stepFromEnvironment } from '../../src/cli/phase.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import type { Deps } from '../../src/deps.ts';
import { detect } from '../../src/detect/detect.ts';
import { NightliftError, reasonOf } from '../../src/errors.ts';
import { followDetached } from '../../src/node/detached.ts';
import type { NodeShell } from '../../src/node/node-shell.ts';
import { phaseOf } from '../../src/phases/phases.ts';
import type { Container, Pod } from '../../src/rehearsal/api/kinds.ts';
import { podEnvironment } from '../../src/rehearsal/controllers/pod-environment.ts';
import type { PodRunner, RunContext, RunningContainer } from '../../src/rehearsal/controllers/pod-runner.ts';
import { OWN_IMAGE } from '../../src/rehearsal/deployment-objects.ts';
import type { EmbeddedCluster } from '../../src/rehearsal/embedded-cluster.ts';
import type { CommandMemory } from './command-memory.ts';
import { inProcessDeps } from './in-process-deps.ts';
import { createLife, type Life, never } from './life.ts';
import { currentLife, mortalAgent } from './mortal-network.ts';

const DONE_ALREADY = 'nothing to do: this is done already';
/** Exit code of a process that got SIGKILL. */
const KILLED = 137;
/** A command that was under way when its process died has this long to get going on the node. */
const DURING_MS = 25;

export interface MortalPodsOptions {
  readonly cluster: () => EmbeddedCluster;
  /** Whether a process dies at this point. */
  readonly decide: (key: string) => boolean;
  readonly memory: CommandMemory;
  readonly onDefect: (error: unknown) => void;
}

/** Our pods as functions of this process, each of which can be killed before and after everything that it asks for. */
export function mortalPods(options: MortalPodsOptions): PodRunner {
  return {
    accepts: ({ image }) => image === OWN_IMAGE,
    start: (container, pod, context) => startProcess(options, container, pod, context),
  };
}

function startProcess(
  { cluster: clusterOf, decide, memory, onDefect }: MortalPodsOptions,
  container: Container,
  pod: Pod,
  context: RunContext,
): RunningContainer {
  const cluster = clusterOf();
  const [command = ''] = container.args ?? [];
  const env = podEnvironment(cluster.server.store, container, pod);
  const stopped = new AbortController();
  let ended = false;
  const end = (exitCode: number): void => {
    if (ended) return;
    ended = true;
    context.onExit({ exitCode });
  };
  const life = createLife({
    job: jobOf(pod),
    decide,
    onDeath: () => {
      // In a moment, so that what was sent at the same time is on its way as well.
      setTimeout(() => void close().catch(onDefect), DURING_MS);
      setImmediate(() => end(KILLED));
    },
  });
  const agent = mortalAgent(life, cluster.server.caPem);
  const phase = PHASES.find((name) => name === env['PHASE']);
  const beginnings = new Map(
    phase === undefined ? [] : phaseOf(phase).steps.map(({ name, summary }) => [`${name}: ${summary}`, name]),
  );
  const { deps: whole, close } = inProcessDeps(cluster, {
    agent,
    clock: mortalClock(life),
    identity: pod.metadata.name,
    role: command === 'check' ? 'detector' : 'phase',
    writeLine: (line) => {
      if (life.isDead()) return;
      const { message } = JSON.parse(line) as { message: unknown };
      // What a finished step still does, it does in its last step and when it finds itself finished.
      const name = message === DONE_ALREADY ? 'finish' : beginnings.get(String(message));
      if (name !== undefined) life.enterStep(name);
      context.onOutput(`${line}\n`);
    },
  });
  const deps: Deps = { ...whole, shell: mortalShell(whole, life, memory) };
  const program = async (): Promise<number> => {
    switch (command) {
      case 'check': {
        const detection = await detect(deps, stopped.signal);
        deps.log.info('check ends', { outcome: detection.kind });
        return 0;
      }
      case 'phase': {
        const { step, target } = stepFromEnvironment(env);
        const outcome = await runPhase(phaseOf(step.phase), step, target, deps, stopped.signal);
        deps.log.info('phase ends', { outcome: outcome.kind });
        return 0;
      }
      default:
        // The report changes nothing; it is killed as a real process elsewhere.
        return 0;
    }
  };
  setImmediate(() => {
    context.onRunning();
    currentLife.run(life, () => {
      program()
        .catch((error: unknown) => {
          if (!(error instanceof NightliftError)) {
            if (!stopped.signal.aborted) onDefect(error);
            return 130;
          }
          deps.log.error(reasonOf(error), { remedy: error.remedy });
          return isWorthAnotherTry(error) ? 75 : error.exitCode;
        })
        .then(async (code) => {
          if (life.isDead()) return;
          await close();
          end(code);
        })
        .catch(onDefect);
    });
  });
  return {
    stop: (graceMs) => {
      stopped.abort(new Error('stopped by SIGTERM'));
      setTimeout(end, graceMs, KILLED).unref();
    },
  };
}

/** Detection and report have a new name every night. */
function jobOf({ metadata }: Pod): string {
  return (metadata.labels?.['batch.kubernetes.io/job-name'] ?? metadata.name)
    .replace(/^(k8s-version-check|k8s-upgrade-nightly-report).*/, '$1')
    .replace(/^k8s-upgrade-/, '');
}

function mortalClock(life: Life): Clock {
  const clock = systemClock();
  return {
    now: clock.now,
    monotonic: clock.monotonic,
    sleep: async (ms, signal) => {
      if (life.isDead()) return await never();
      await clock.sleep(ms, signal);
      if (life.isDead()) await never();
    },
  };
}

/** Each command over SSH is a point, those of a detached command among them. */
function mortalShell({ shell, templates, log, clock, settings }: Deps, life: Life, memory: CommandMemory): NodeShell {
  const ask: NodeShell['run'] = (node, script, signal) =>
    life.around(`ssh ${script.name} on ${node.name}`, () => shell.run(node, script, signal), true);
  return {
    run: (node, script, signal) =>
      life.around(
        `ssh ${script.name} on ${node.name}`,
        () => memory.answer(node, script, () => shell.run(node, script, signal)),
        true,
      ),
    runDetached: (node, command, { signal, onLine }) =>
      memory.result(
        node,
        command.script,
        () =>
          followDetached({
            node,
            command,
            onLine,
            signal,
            run: (script) => ask(node, script, signal),
            templates: templates.node,
            log,
            clock,
            pollSeconds: settings.waits.pollSeconds,
            lossDeadlineMs: settings.waits.readySeconds * 1000,
          }),
        async () => {
          for (const name of ['detached-arrive', 'detached-poll', 'detached-clean'])
            await life.around(`ssh ${name} on ${node.name}`, () => Promise.resolve(), true);
        },
      ),
    close: () => shell.close(),
  };
}
