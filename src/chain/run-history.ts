import { reasonOf } from '../errors.ts';
import { newRun, parseRunHistory, RECORDS, type RunHistory, recordName, runText } from '../facts/run-history.ts';
import { placeOf, RECORD, readRun } from '../observe/run-record.ts';
import type { Context } from './phase.ts';
import { recordRun } from './run-record.ts';

/** No step waits longer for what is only told. */
const WRITE_MS = 10_000;

/** `recorded` is the record of the run on our namespace, as it is now. */
export type Edit = (run: RunHistory, recorded: Readonly<Record<string, string>>) => RunHistory;

/**
 * Changes the record of the run to the target, or begins the next one where there is none that `goesOn`. Its places are a ring, so
 * that a fixed number of names is all that our accounts may write. What cannot be written is a warning, and never
 * changes how anything ends.
 */
export async function changeHistory(
  { deps, signal: given }: Pick<Context, 'deps' | 'signal'>,
  target: string,
  edit: Edit,
  goesOn: (run: RunHistory) => boolean = () => true,
): Promise<void> {
  const { cluster, clock, log } = deps;
  const signal = AbortSignal.any([given, AbortSignal.timeout(WRITE_MS)]);
  const at = clock.now().toISOString();
  try {
    const recorded = await readRun({ deps, signal });
    const edited = (run: RunHistory): string => runText({ ...edit(run, recorded), updatedAt: at });
    const place = placeOf(recorded);
    let isOpen = false;
    if (place !== undefined)
      await cluster.changeRecord(
        recordName(place),
        (text) => {
          const run = parseRunHistory(text ?? '');
          isOpen = run?.target === target && goesOn(run);
          return run !== undefined && isOpen ? edited(run) : undefined;
        },
        signal,
      );
    if (isOpen) return;
    const next = ((place ?? 0) % RECORDS) + 1;
    await cluster.changeRecord(recordName(next), () => edited(newRun(target, at)), signal);
    await recordRun({ deps, signal }, { [RECORD]: String(next) });
  } catch (error) {
    if (!given.aborted) log.warn('the record of the run could not be written', { error: reasonOf(error) });
  }
}

/** The path is of the record on our namespace as well, by which the chain goes. */
export async function noteSnapshot(context: Context, snapshot: NonNullable<RunHistory['snapshot']>): Promise<void> {
  await changeHistory(context, context.target, (run) => ({ ...run, snapshot }));
}
