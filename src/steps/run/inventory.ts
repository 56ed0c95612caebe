import type { ActionStep, Context } from '../../chain/phase.ts';
import { recordRun } from '../../chain/run-record.ts';
import { NightliftError, reasonOf } from '../../errors.ts';
import { type Inventory, kindsOf, otherChanges, type RunInventory } from '../../facts/inventory.ts';
import { INVENTORY, inventoryIn, readInventory } from '../../observe/inventory.ts';
import { readRun } from '../../observe/run-record.ts';
import { onlyTold } from './only-told.ts';

/** A run that goes on keeps what was written at its beginning. Never stops a run: it is told, not decided by. */
export const noteInventory: ActionStep = {
  name: 'note-inventory',
  summary: 'record which versions run on which nodes before the run',
  async run(context) {
    await onlyTold(context, WHAT, async () => {
      const { before, after } = orNothing(context, await readRun(context));
      if (before?.target === context.target && after === null) return;
      await recordRun(context, { [INVENTORY.before]: textOf(await now(context)), [INVENTORY.after]: null });
    });
  },
};

/** What is not as before the run, and is not the upgrade itself; written down for the morning. */
export const compareInventory: ActionStep = {
  name: 'compare-inventory',
  summary: 'name what has changed beside the upgrade',
  async run(context) {
    await onlyTold(context, WHAT, async () => {
      const { before, after } = await readInventory(context.deps, context.signal);
      if (before === null || before.target !== context.target || after !== null) return;
      const found = await now(context);
      await recordRun(context, { [INVENTORY.after]: textOf(found) });
      const changes = otherChanges(before.kinds, found.kinds);
      if (changes.length > 0) context.deps.log.warn('changed beside the upgrade', { changes: changes.join('; ') });
    });
  },
};

const WHAT = 'the inventory of the run could not be recorded';

/** What is damaged is written anew. What could not be read is not: it may be that of a run that goes on. */
function orNothing({ deps }: Context, run: Awaited<ReturnType<typeof readRun>>): RunInventory {
  try {
    return inventoryIn(run, deps.settings);
  } catch (error) {
    deps.log.warn('the inventory of the run is damaged, and is written anew', { error: reasonOf(error) });
    return { before: null, after: null };
  }
}

async function now({ deps, target, signal }: Context): Promise<Inventory> {
  return { target, at: deps.clock.now().toISOString(), kinds: [...kindsOf(await deps.cluster.nodes(signal))] };
}

/** The annotations of one object have 256 KiB together. */
const LONGEST = 100_000;

function textOf(inventory: Inventory): string {
  const text = JSON.stringify(inventory);
  if (text.length <= LONGEST) return text;
  throw new NightliftError('cluster', `it has ${text.length} characters, and an annotation has room for ${LONGEST}`);
}
