import type { Context } from '../../chain/phase.ts';
import { claimName, createProbe, phaseOfClaim, probeJobs, removeClaims, removeProbes } from './probes.ts';
import type { SmokeCheck } from './smoke-check.ts';

const FILE = '/data/nightlift-probe';
export const WRITE = `require('node:fs').writeFileSync('${FILE}', process.env.PROBE_TEXT, { flush: true })`;
export const READ = `process.exit(require('node:fs').readFileSync('${FILE}', 'utf8') === process.env.PROBE_TEXT ? 0 : 1)`;

/** One pod writes, and has ended when the next one reads: what is read was on the volume. */
export const claimsKeepData: SmokeCheck = {
  reason: 'ClaimsFail',
  what: 'claims bind and keep their data (smoke.storageClasses)',
  remedy:
    'kubectl describe pvc,pod -l app=k8s-upgrade-probe in our namespace, while it is looked; look at the driver of that class. smoke.storageClasses names them.',
  isWanted: ({ smoke }) => smoke.storageClasses.length > 0,
  async look(context) {
    const problems: string[] = [];
    for (const storageClass of context.deps.settings.smoke.storageClasses) {
      const problem = await whyNotKept(context, storageClass);
      if (problem !== undefined) problems.push(`${storageClass}: ${problem}`);
    }
    return problems;
  },
  async end(context) {
    await removeProbes(context);
    await removeClaims(context);
  },
};

/** Makes what is to come next. A process that goes on for one that was killed goes on from what it finds. */
async function whyNotKept(context: Context, storageClass: string): Promise<string | undefined> {
  const claim = claimName(context, storageClass);
  const names = { writer: `${claim}-w`, reader: `${claim}-r` };
  const jobs = await probeJobs(context);
  const [writer, reader] = [jobs.get(names.writer)?.status, jobs.get(names.reader)?.status];
  const make = async (name: string, script: string): Promise<void> =>
    await createProbe(context, { name, script, env: { PROBE_TEXT: claim }, claim: { name: claim, storageClass } });
  if (reader === 'complete') return undefined;
  if (reader === 'failed') return 'a second pod did not find what the first one had written';
  if (reader !== undefined) return 'the pod that reads has not ended';
  if (writer === 'complete') {
    await make(names.reader, READ);
    return 'the pod that reads has just been made';
  }
  if (writer === 'failed') return 'the pod that writes has failed';
  if (writer !== undefined)
    return `the pod that writes has not ended, and the claim is ${(await phaseOfClaim(context, claim)) ?? 'not there'}`;
  await make(names.writer, WRITE);
  return 'the pod that writes has just been made';
}
