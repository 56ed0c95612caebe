import type { ActionStep, Context } from '../../chain/phase.ts';
import type { WorkloadRef } from '../../cluster/cluster.ts';
import { hasTargetVersion } from '../../facts/nodes.ts';

/**
 * Operators that crash when the API server goes away are scaled to zero meanwhile. What they had is written on the
 * object in the same patch, so any later Job can put it back (I12).
 */
export const quiesce: ActionStep = {
  name: 'quiesce',
  summary: 'scale the workloads of the quiesce list to zero',
  skip: async ({ deps }) => (deps.settings.quiesce.length === 0 ? 'the quiesce list is empty' : undefined),
  // On a node that is finished nothing takes the API server away any more.
  isDone: async (context) => hasTargetVersion(await context.node(), context.target),
  async run({ deps, signal }) {
    const before = new Set((await deps.cluster.quiescedWorkloads(signal)).map(described));
    for (const workload of deps.settings.quiesce) {
      const quiesced = await deps.cluster.quiesce(workload, signal);
      const fields = { workload: described(workload) };
      if (quiesced === undefined) deps.log.warn('a workload of the quiesce list does not exist', fields);
      else if (before.has(fields.workload)) deps.log.info('is scaled to zero already', fields);
      else deps.log.info('scaled to zero', { ...fields, replicasBefore: quiesced.replicasBefore });
    }
  },
  undo: restoreQuiesced,
};

/** Puts back every workload that carries the record, whichever Job wrote it. */
export const restoreWorkloads: ActionStep = {
  name: 'restore-workloads',
  summary: 'scale quiesced workloads back',
  critical: true,
  run: restoreQuiesced,
};

async function restoreQuiesced({ deps, signal }: Context): Promise<void> {
  for (const workload of await deps.cluster.quiescedWorkloads(signal)) {
    await deps.cluster.restore(workload, signal);
    deps.log.info('scaled back', {
      workload: described(workload),
      replicas: workload.replicasBefore,
    });
  }
}

function described({ kind, namespace, name }: WorkloadRef): string {
  return `${kind} ${namespace}/${name}`;
}
