import { randomUUID } from 'node:crypto';
import type { ActionStep } from '../../chain/phase.ts';
import { clearRun, NOT_STOPPED, recordRun } from '../../chain/run-record.ts';
import { verdictGauges } from '../../gate/verdict-gauges.ts';
import { pushGauges } from '../../metrics/gauges.ts';
import { API_AWAY, BEGUN, NOT_DRAINED, NOT_NOTED, readRun, STAGED, TOOK } from '../../observe/run-record.ts';

/** Says that a run is under way, before its first change. A resumed run keeps the time at which it was started. */
export const setLatch: ActionStep = {
  name: 'set-latch',
  summary: 'record that the run is in flight',
  async run(context) {
    const now = context.deps.clock.now();
    const run = await readRun(context);
    const resumed = run['target'] === context.target ? run : {};
    const started = resumed['in-flight'] ?? now.toISOString();
    // What the run makes carries it, so that nothing of another run, or of somebody else, counts as its own.
    const id = (resumed['in-flight'] === undefined ? undefined : resumed['run']) ?? randomUUID();
    // Of an earlier run: what is broken is looked at anew.
    const forgotten = {
      ...(id === run['run']
        ? {}
        : { ...NOT_NOTED, [API_AWAY]: null, [NOT_DRAINED]: null, [TOOK]: null, [BEGUN]: null }),
      ...(run['target'] === context.target ? {} : { 'snapshot-path': null, 'snapshot-bytes': null }),
    };
    await recordRun(context, { ...forgotten, 'in-flight': started, run: id, target: context.target, ...NOT_STOPPED });
    const startedAt = Number.isNaN(Date.parse(started)) ? now.getTime() : Date.parse(started);
    const inFlight = {
      k8s_upgrade_in_flight: 1,
      k8s_upgrade_started_timestamp: Math.floor(startedAt / 1000),
      k8s_upgrade_snapshot_taken: run['target'] === context.target && run['snapshot-path'] !== undefined ? 1 : 0,
      k8s_upgrade_snapshot_required: context.deps.settings.snapshot.required ? 1 : 0,
    };
    await pushGauges(context, inFlight, verdictGauges([]));
  },
};

export const clearLatch: ActionStep = {
  name: 'clear-latch',
  summary: 'record that no run is in flight',
  run: (context) => clearRun(context, { [STAGED]: null }),
};
