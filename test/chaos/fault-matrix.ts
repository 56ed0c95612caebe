import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Topology } from '../../src/rehearsal/topology.ts';
import { DEPENDENCIES, type Dependency, inject } from './fault-injection.ts';
import { type Ending, type FaultScene, type ScenePhase, startFaultScene } from './fault-scene.ts';
import { FAULT_TABLE } from './fault-table.ts';

interface Row {
  readonly dependency: Dependency;
  readonly fault: string;
  readonly expected: string;
}

const PATCH: Topology = { controlPlanes: 1, workers: 2, version: '1.36.3', published: ['1.36.4'] };
const TOPOLOGIES: Readonly<Record<ScenePhase, Topology>> = {
  // A minor: the detector asks the feed for it.
  check: { ...PATCH, version: '1.35.8' },
  // A flag that kubeadm would drop: preflight has something to tell.
  preflight: { ...PATCH, extraApiServerFlags: ['--authentication-config=/etc/kubernetes/auth.yaml'] },
  master: PATCH,
  worker: PATCH,
  postflight: PATCH,
};
/** Asked again when they fail for a moment. */
const RETRIED: readonly Dependency[] = ['api', 'ssh', 'etcd'];
/** How a phase ends when nothing is in its way. */
const DONE: Readonly<Record<ScenePhase, string>> = {
  check: 'started',
  preflight: 'advanced',
  master: 'advanced',
  worker: 'advanced',
  postflight: 'finished',
};

function rowsOf(phase: ScenePhase): readonly Row[] {
  return FAULT_TABLE.split('\n').flatMap((line) => {
    const [of, dependency, fault = '', expected = ''] = line.split('|').map((cell) => cell.trim());
    const known = DEPENDENCIES.find((name) => name === dependency);
    return of === phase && known !== undefined ? [{ dependency: known, fault, expected }] : [];
  });
}

/** The words of the table for how a phase ended. */
function wordsOf(phase: ScenePhase, { kind, cordoned, changed }: Ending, { dependency, fault }: Row): string {
  const isRetried = fault.endsWith('for a moment') && RETRIED.includes(dependency);
  if (kind === DONE[phase]) return isRetried ? 'retried and done' : 'unaffected';
  const [what = '', ...reasons] = kind.split(' ');
  const stopped =
    what === 'retry' ? 'left to the retry' : what === 'refused' ? `refused: ${[...new Set(reasons)].join(' ')}` : what;
  return [stopped, ...(cordoned.length > 0 ? ['cordoned'] : []), ...(changed.length > 0 ? ['changed'] : [])].join(', ');
}

/** Every row of the table for one phase, each from the same state of a cluster. */
export function describeFaults(phase: ScenePhase): void {
  describe(`faults in ${phase}`, { timeout: 60_000 }, () => {
    let scene: FaultScene;
    beforeAll(async () => {
      scene = await startFaultScene(phase, TOPOLOGIES[phase]);
    }, 120_000);
    afterAll(() => scene.close());

    it.each(rowsOf(phase))('$dependency $fault: $expected', async (row) => {
      const { dependency, fault, expected } = row;
      await scene.reset();
      const injection = await inject(scene, dependency, fault);
      const ending = await scene.run(injection.options);
      await injection.end();
      expect(
        wordsOf(phase, ending, row),
        `${ending.kind}: ${ending.message}\n${ending.log.slice(-12).join('\n')}`,
      ).toBe(expected);
      expect(injection.hits()).toBeGreaterThan(0);
      // Whatever stops does not let anything go on behind it.
      if (ending.kind !== DONE[phase]) expect(ending.jobs).toEqual([]);
    });
  });
}
