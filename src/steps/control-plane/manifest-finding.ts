import type { Context } from '../../chain/phase.ts';
import type { Finding } from '../../gate/finding.ts';
import { logFinding } from '../../gate/log-finding.ts';
import { announce } from '../../notify/announce.ts';
import { slackMessage } from '../../notify/slack-message.ts';

/** A finding about manifests, with a line for each thing. */
export interface ManifestFinding extends Pick<Finding, 'check' | 'reason' | 'severity'> {
  readonly headline: string;
  readonly lines: readonly string[];
  readonly remedy: string;
}

export function findingOf({ headline, lines, ...rest }: ManifestFinding): Finding {
  return { ...rest, class: 'actionable', message: `${headline}: ${lines.join('; ')}` };
}

/** In the log and in Slack. */
export async function say({ deps, signal }: Context, told: ManifestFinding): Promise<void> {
  logFinding(deps.log, findingOf(told));
  const sections = [[`⚠️ ${told.headline}:`, ...told.lines], [told.remedy]];
  await announce(deps, slackMessage(sections, "the Job's log has all of it"), signal);
}
