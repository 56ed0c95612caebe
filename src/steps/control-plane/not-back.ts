import { NightliftError } from '../../errors.ts';

/** A control plane that does not come back stops the run, under a name of its own. No other node is begun. */
export async function orNotBack(node: string, back: Promise<void>): Promise<void> {
  try {
    await back;
  } catch (error) {
    if (!(error instanceof NightliftError) || error.kind !== 'timeout') throw error;
    throw new NightliftError(
      'timeout',
      `the control plane ${node} did not come back (ControlPlaneNotBack): ${error.message}`,
      { remedy: error.remedy ?? '', cause: error },
    );
  }
}
