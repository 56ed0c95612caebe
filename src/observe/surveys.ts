import type { Cluster } from '../cluster/cluster.ts';
import type { Deps } from '../deps.ts';
import { NightliftError } from '../errors.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import type { NodeSurvey } from '../facts/node-survey.ts';
import { isHalfWay } from '../facts/nodes.ts';
import { explainFailure } from '../node/explain-failure.ts';
import { addressOf } from '../node/node-address.ts';
import { thisNode } from '../node/node-scripts.ts';
import { type ApiTime, parseSurvey } from '../node/parse-survey.ts';
import { nodeFailure } from '../node/run-on-node.ts';
import { type NodeScript, nodeScripts } from '../node/scripts.ts';
import { known, type Observed, unknown } from '../observed.ts';

/** Somebody has to mend it: the node let nobody in, is another one, or said what nobody can read. */
export interface NodeRefusal {
  readonly reason: string;
  readonly message: string;
  readonly remedy: string;
}

export type NodeAnswer =
  | { readonly kind: 'surveyed'; readonly node: NodeFact; readonly survey: NodeSurvey }
  | { readonly kind: 'refused'; readonly node: NodeFact; readonly refusal: NodeRefusal }
  /** It may pass. */
  | { readonly kind: 'away'; readonly node: NodeFact; readonly error: NightliftError };

type Asking = Pick<Deps, 'shell' | 'settings' | 'templates'> & { readonly cluster: Pick<Cluster, 'serverTime'> };

/** Asks them all what they are, so many at a time as the setting says. @throws what no node is to blame for: settings, our own key. */
export async function surveyNodes(
  deps: Asking,
  nodes: readonly NodeFact[],
  signal: AbortSignal,
): Promise<readonly NodeAnswer[]> {
  const answers: NodeAnswer[] = [];
  const { askAtOnce } = deps.settings.nodes;
  // Of hundreds of nodes each would read the same files anew.
  const texts = new Map<string, string>();
  const scripts = nodeScripts((name) => {
    const text = texts.get(name) ?? deps.templates.node(name);
    texts.set(name, text);
    return text;
  });
  for (let first = 0; first < nodes.length; first += askAtOnce) {
    const some = nodes.slice(first, first + askAtOnce);
    // Their clocks are held against the API server's, which the answers lie between.
    const before = await deps.cluster.serverTime(signal);
    const said = await Promise.all(some.map((node) => ask(deps, node, scripts.survey(thisNode(node)), signal)));
    const after = await deps.cluster.serverTime(signal);
    const apiTime = before === undefined || after === undefined ? undefined : { before, after };
    answers.push(...said.map((one) => ('kind' in one ? one : read(one, apiTime))));
  }
  return answers;
}

interface Said {
  readonly node: NodeFact;
  readonly output: string;
}

async function ask(deps: Asking, node: NodeFact, script: NodeScript, signal: AbortSignal): Promise<NodeAnswer | Said> {
  try {
    const { exitCode, stdout, stderr } = await deps.shell.run(addressOf(node), script, signal);
    if (exitCode === 0) return { node, output: stdout };
    const output = `${stdout}\n${stderr}`;
    if (exitCode === null)
      return { kind: 'away', node, error: nodeFailure(node, script, 'asking what it is', exitCode, output) };
    const { reason, message, remedy } = explainFailure(script.name, exitCode, output);
    return { kind: 'refused', node, refusal: { reason, message: `${node.name}: ${message}`, remedy } };
  } catch (error) {
    if (!(error instanceof NightliftError) || signal.aborted) throw error;
    if (error.kind === 'network') return { kind: 'away', node, error };
    return refused(node, error);
  }
}

function read({ node, output }: Said, apiTime: ApiTime | undefined): NodeAnswer {
  try {
    return { kind: 'surveyed', node, survey: parseSurvey(output, apiTime) };
  } catch (error) {
    return refused(node, error);
  }
}

function refused(node: NodeFact, error: unknown): NodeAnswer {
  if (!(error instanceof NightliftError) || error.kind !== 'node') throw error;
  const message = error.message.includes(node.name) ? error.message : `${node.name}: ${error.message}`;
  return { kind: 'refused', node, refusal: { reason: 'NodeRefuses', message, remedy: error.remedy ?? '' } };
}

/** A node that is restarted by somebody is back in minutes, and must not cost the night. */
const PATIENCE_SECONDS = 180;
const PAUSE_SECONDS = 30;

/**
 * What each node says of itself, by name. One that is away is asked again after all the others: once for a person, who sees
 * that it is, and for some minutes by a Job. What an interrupted run left half-way and not Ready is not asked: to bring it
 * back is what its own Job is for.
 */
export async function observeSurveys(
  deps: Asking & Pick<Deps, 'clock' | 'inCluster'>,
  nodes: readonly NodeFact[],
  signal: AbortSignal,
): Promise<Record<string, Observed<NodeSurvey>>> {
  const asked = nodes.filter((node) => !isHalfWay(node));
  const patience = deps.inCluster ? Math.min(PATIENCE_SECONDS, deps.settings.waits.readySeconds) : 0;
  const end = deps.clock.monotonic() + patience * 1000;
  const answers = new Map<string, NodeAnswer>();
  const ask = async (some: readonly NodeFact[]): Promise<void> => {
    for (const answer of await surveyNodes(deps, some, signal)) answers.set(answer.node.name, answer);
  };
  const away = (): readonly NodeFact[] => asked.filter(({ name }) => answers.get(name)?.kind === 'away');
  await ask(asked);
  await ask(away());
  while (away().length > 0 && deps.clock.monotonic() < end) {
    await deps.clock.sleep(PAUSE_SECONDS * 1000, signal);
    await ask(away());
  }
  return Object.fromEntries([...answers].map(([name, answer]) => [name, observedOf(answer)] as const));
}

function observedOf(answer: NodeAnswer): Observed<NodeSurvey> {
  if (answer.kind === 'surveyed') return known(answer.survey);
  const { message, remedy = '' } = answer.kind === 'away' ? answer.error : answer.refusal;
  return unknown(remedy === '' ? message : `${message}; what to do: ${remedy}`);
}
