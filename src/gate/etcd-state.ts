import type { EtcdState } from '../facts/node-survey.ts';
import { compareVersions, minorNumber, parseVersion, prereleaseOf } from '../version.ts';
import type { Check, GateContext } from './check.ts';
import { isBegun, type NodeRule, nodeCheck, nodesFinding, type SurveyedNode, surveyedNodes, when } from './surveyed.ts';

const NAME = 'etcd-state';

/** etcd's own default of --quota-backend-bytes (server/storage/quota.go). */
const DEFAULT_QUOTA = 2 * 1024 ** 3;
const FULL = 0.95;
const FILLING = 0.8;

/** 1.34 brings etcd 3.6; from an older 3.5 than this its members can be lost (etcd.io, “zombie members”, etcd#20793). */
const BEFORE_3_6 = { from: 34, version: '3.5.26' };

const stateOf = ({ survey }: SurveyedNode): EtcdState | undefined =>
  survey.etcd.state?.known === true ? survey.etcd.state.value : undefined;

const inState =
  (problems: (state: EtcdState, context: GateContext) => readonly string[]): NodeRule['problems'] =>
  (surveyed, context) => {
    const state = stateOf(surveyed);
    return state === undefined ? [] : problems(state, context);
  };

const usedOf = ({ databaseBytes, quotaBytes }: EtcdState): number =>
  (databaseBytes ?? 0) / (quotaBytes === null || quotaBytes === 0 ? DEFAULT_QUOTA : quotaBytes);

/** One that cannot be read is none that is new enough, unless the minor that runs has brought 3.6 already. */
function isBefore(version: string | null, { node }: SurveyedNode): boolean {
  const [, numbers = '', rest = ''] = /^v?(\d+\.\d+\.\d+)(.*)$/.exec(version ?? '') ?? [];
  const found = parseVersion(numbers);
  if (found === undefined) return minorNumber(node.apiServer ?? node.kubelet) < BEFORE_3_6.from;
  return compareVersions(found + prereleaseOf(rest), BEFORE_3_6.version) < 0;
}

const quota = (state: EtcdState): string =>
  `${Math.round((state.databaseBytes ?? 0) / 1_000_000)} MB, ${Math.floor(usedOf(state) * 100)} % of its quota`;

const DEFRAGMENT =
  'In the etcd container of each, one after the other: etcdctl compact REVISION; etcdctl defrag; then etcdctl alarm disarm. Or raise --quota-backend-bytes (etcd.local.extraArgs in ConfigMap kubeadm-config).';

const snapshotIsNeeded = ({ options }: GateContext): boolean =>
  options.snapshot.required && options.snapshot.cronJob === '';
/** A manifest that an interrupted kubeadm has lost looks alike, and the node's own step puts it back. */
const isElsewhere = (surveyed: SurveyedNode): boolean =>
  surveyed.survey.etcd.where === 'elsewhere' && !isBegun(surveyed);

const rules = nodeCheck(NAME, [
  {
    reason: 'EtcdAlarm',
    severity: 'block',
    said: "etcd has an alarm: with NOSPACE it takes no writes, with CORRUPT a member's data differ",
    remedy: `NOSPACE: ${DEFRAGMENT} CORRUPT: replace the member by a new one.`,
    problems: inState(({ alarms }) => alarms),
  },
  {
    // One that joins right now votes in a minute: preflight waits for it, and refuses when it stays so.
    reason: 'EtcdLearner',
    severity: 'warn',
    said: 'etcd has members that do not vote yet, for which preflight waits',
    remedy:
      'When it stays so: wait until they have caught up, then: etcdctl member promote ID; or remove them: etcdctl member remove ID.',
    problems: inState(({ members }) =>
      members.filter(({ learner }) => learner).map(({ name }) => name || 'one without a name'),
    ),
  },
  {
    reason: 'EtcdFull',
    severity: 'block',
    said: 'the database of etcd is about to reach its quota, after which the cluster takes no writes',
    remedy: DEFRAGMENT,
    problems: inState((state) => when(usedOf(state) > FULL, quota(state))),
  },
  {
    reason: 'EtcdFilling',
    severity: 'warn',
    said: 'the database of etcd is near its quota',
    remedy: DEFRAGMENT,
    problems: inState((state) => when(usedOf(state) > FILLING && usedOf(state) <= FULL, quota(state))),
  },
  {
    reason: 'EtcdTooOld',
    severity: 'block',
    said: ({ target }) =>
      `etcd is older than ${BEFORE_3_6.version}, from which ${target} would go to 3.6 and may lose members`,
    remedy: `Set etcd.local.imageTag to ${BEFORE_3_6.version}-0 in ConfigMap kube-system/kubeadm-config, run kubeadm upgrade of the running version again on each control plane, then take the tag out.`,
    problems(surveyed, { target }) {
      const state = stateOf(surveyed);
      return when(
        state !== undefined && minorNumber(target) >= BEFORE_3_6.from && isBefore(state.version, surveyed),
        state?.version ?? 'not known',
      );
    },
  },
  {
    reason: 'EtcdNotKnown',
    severity: 'warn',
    said: 'etcd did not say how it is; preflight waits for it, and refuses when it goes on',
    remedy: 'On the control plane: crictl ps --name etcd; crictl logs of that container.',
    problems(surveyed) {
      const { etcd } = surveyed.survey;
      if (etcd.state?.known === false) return [etcd.state.why];
      return when(
        surveyed.node.role === 'control-plane' && etcd.where === 'none' && !isBegun(surveyed),
        'its API server has no --etcd-servers, or no manifest',
      );
    },
  },
  {
    reason: 'EtcdExternal',
    severity: 'block',
    said: 'etcd is not on the control planes, so that Nightlift can take no snapshot of it, and snapshot.required wants one',
    remedy:
      'Name the CronJob that takes one in snapshot.cronJob, or set snapshot.required: false and see to it yourself.',
    problems: (surveyed, context) => when(isElsewhere(surveyed) && snapshotIsNeeded(context)),
  },
  {
    reason: 'EtcdExternal',
    severity: 'warn',
    said: 'etcd is not on the control planes: Nightlift takes no snapshot of it, and neither asks nor upgrades it',
    remedy: 'See that the CronJob of snapshot.cronJob takes one, and that the version of etcd fits the target.',
    problems: (surveyed, context) => when(isElsewhere(surveyed) && !snapshotIsNeeded(context)),
  },
]);

/** etcd can lose a member for the minutes of its restart, and the upgrade finds it as it has to be. */
export const etcdState: Check = {
  name: NAME,
  reads: ['nodes', 'surveys'],
  evaluate(facts, context) {
    const nodes = surveyedNodes(facts, context.target);
    const states = nodes.flatMap(({ node, survey }) => {
      const state = stateOf({ node, survey });
      return state === undefined ? [] : [{ node: node.name, state }];
    });
    const voters = Math.max(0, ...states.map(({ state }) => state.members.filter(({ learner }) => !learner).length));
    const versions = new Set(states.flatMap(({ state }) => state.version ?? []));
    return [
      ...rules.evaluate(facts, context),
      ...nodesFinding(
        {
          check: NAME,
          reason: 'EtcdOfTwo',
          severity: 'warn',
          said: 'etcd has two members and no quorum while one of them restarts: the API will be away for some minutes with each control plane',
          remedy: 'Nothing, when that is fine at night; a third control plane keeps the API there.',
        },
        voters === 2 ? states.map(({ node }) => ({ node, what: '' })) : [],
      ),
      ...nodesFinding(
        {
          check: NAME,
          reason: 'EtcdVersionsDiffer',
          severity: 'warn',
          said: 'the members of etcd are not of one version',
          remedy: 'Look at the image in /etc/kubernetes/manifests/etcd.yaml of each control plane.',
        },
        versions.size > 1 ? states.map(({ node, state }) => ({ node, what: state.version ?? 'not known' })) : [],
      ),
    ];
  },
};
