import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runPhase } from '../../src/chain/run-phase.ts';
import { type Step, stepName } from '../../src/chain/step.ts';
import { phaseOf } from '../../src/phases/phases.ts';
import { jobs } from '../../src/rehearsal/api/resources.ts';
import { nodeViews } from '../../src/rehearsal/cluster-view.ts';
import { type EmbeddedCluster, startEmbeddedCluster } from '../../src/rehearsal/embedded-cluster.ts';
import { inProcessDeps } from '../chaos/in-process-deps.ts';
import { inertPods } from '../chaos/inert-pods.ts';
import { TEMPLATES } from './program.ts';

const STEPS: readonly Step[] = [
  { phase: 'worker', node: 'worker-1' },
  { phase: 'master', node: 'control-2' },
];

describe('a Job that was made by hand, out of its turn', { timeout: 60_000 }, () => {
  let cluster: EmbeddedCluster;
  beforeAll(async () => {
    cluster = await startEmbeddedCluster(
      { controlPlanes: 3, workers: 2, version: '1.35.8', published: ['1.36.4'] },
      { program: '/nobody/starts/it', templatesDir: TEMPLATES, speed: 4000, runners: [inertPods()] },
    );
  }, 60_000);
  afterAll(() => cluster.close());

  it.each(STEPS.map((step) => [stepName(step), step] as const))(
    'I05 D19 %s is refused, and changes nothing',
    async (_, step) => {
      const before = JSON.stringify(nodeViews(cluster));
      const { deps, close } = inProcessDeps(cluster, { writeLine: () => undefined });
      const outcome = await runPhase(phaseOf(step.phase), step, '1.36.4', deps, new AbortController().signal);
      await close();
      expect(outcome).toMatchObject({ kind: 'refused', findings: [{ reason: 'TooEarly' }] });
      expect(JSON.stringify(nodeViews(cluster))).toBe(before);
      expect(cluster.nodes.sshRequests()).toBe(0);
      expect(cluster.server.store.list(jobs)).toEqual([]);
    },
  );
});
