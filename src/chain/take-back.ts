import { reasonOf } from '../errors.ts';
import type { TakenBack } from './compose-event.ts';
import { createContext } from './context.ts';
import type { ActionStep, Context } from './phase.ts';

/** A bad answer that passes must not leave a node cordoned until the next night. */
const UNDO_SECONDS = 60;

/** Takes back in reverse order. An undo that fails is said and does not hide why the phase ended; the next Job tries again. */
export async function takeBack(
  begun: readonly ActionStep[],
  context: Context,
  because: unknown,
): Promise<readonly TakenBack[]> {
  const takenBack: TakenBack[] = [];
  const { step, target, deps, signal, fence } = context;
  const undoContext = createContext(step, target, deps, signal, { heedPause: false, fence });
  for (const action of begun) {
    if (action.undo === undefined) continue;
    const { undo } = action;
    context.deps.log.info(`taking back ${action.name}`, { because: reasonOf(because) });
    try {
      await undoContext.waiter.until(
        `${action.name} to be taken back`,
        async (_, given) => {
          try {
            await undo({ ...undoContext, signal: given });
            return { done: true, value: undefined };
          } catch (error) {
            return { done: false, missing: reasonOf(error) };
          }
        },
        // An API server that is away is waited for as everywhere else.
        { seconds: UNDO_SECONDS, lookSeconds: deps.settings.waits.apiSeconds, remedy: '' },
      );
      takenBack.push({ what: action.name, failed: false });
    } catch (error) {
      context.deps.log.error(`taking back ${action.name} failed; the next Job tries again`, { error: reasonOf(error) });
      takenBack.push({ what: action.name, failed: true });
    }
  }
  return takenBack;
}
