import { BUNDLE_CONFIG_MAP } from './bundle.ts';
import { ACCOUNTS, type InstallObject, OBJECT_LABELS } from './install-object.ts';

const NAME = 'k8s-upgrade-is-root';
const API = 'admissionregistration.k8s.io/v1';

/** What a pod with the key reads: whoever writes one of these decides what runs as root on the nodes. */
const DECIDE_WHAT_RUNS = [
  'k8s-upgrade-scripts',
  'k8s-upgrade-config',
  'k8s-upgrade-job-template',
  BUNDLE_CONFIG_MAP,
  'k8s-upgrade-creds',
];

/** Groups of kubeadm's own administrators; add yours, and the account that brings the Secret when an operator does. */
export const ADMINISTRATORS: readonly string[] = ['system:masters', 'kubeadm:cluster-admins'];

/** Who makes pods of Jobs and Jobs of CronJobs, and clears up after them; the first name is for a manager without accounts of its own. */
const CONTROLLERS = [
  'system:kube-controller-manager',
  ...['job-controller', 'cronjob-controller', 'generic-garbage-collector', 'namespace-controller'].map(
    (name) => `system:serviceaccount:kube-system:${name}`,
  ),
];

/**
 * Nobody but administrators and Nightlift writes what is root when it is written: not RBAC's to say, because a right to
 * create Jobs cannot be limited to some of them. Reading the Secret is not a write: that stays with RBAC.
 */
export function admissionPolicy(
  namespace: string,
  administrators: readonly string[] = ADMINISTRATORS,
): readonly InstallObject[] {
  const own = [ACCOUNTS.phase, ACCOUNTS.detector].map((name) => `system:serviceaccount:${namespace}:${name}`);
  const rule = (apiGroup: string, resources: readonly string[], operations: readonly string[]) => ({
    apiGroups: [apiGroup],
    apiVersions: ['*'],
    operations,
    resources,
    scope: 'Namespaced',
  });
  const write = ['CREATE', 'UPDATE'];
  return [
    {
      apiVersion: API,
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name: NAME, labels: OBJECT_LABELS },
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: {
          matchPolicy: 'Equivalent',
          namespaceSelector: {},
          objectSelector: {},
          resourceRules: [
            rule('', ['configmaps', 'secrets'], [...write, 'DELETE']),
            rule('', ['pods', 'pods/ephemeralcontainers', 'replicationcontrollers', 'serviceaccounts/token'], write),
            rule('', ['pods/exec', 'pods/attach'], ['CONNECT']),
            rule('apps', ['daemonsets', 'deployments', 'replicasets', 'statefulsets'], write),
            rule('batch', ['cronjobs', 'jobs'], write),
          ],
        },
        variables: [
          { name: 'administrators', expression: list(administrators) },
          { name: 'controllers', expression: list(CONTROLLERS) },
          {
            name: 'isChain',
            expression: `request.resource.resource == 'jobs' && request.userInfo.username in ${list(own)}`,
          },
          {
            name: 'isTrusted',
            expression:
              'request.userInfo.username in variables.administrators || request.userInfo.groups.exists(group, group in variables.administrators) || request.userInfo.username in variables.controllers',
          },
          // The kubelet asks for the tokens of its own pods, which NodeRestriction sees to.
          {
            name: 'isKubelet',
            expression:
              "has(request.subResource) && request.subResource == 'token' && 'system:nodes' in request.userInfo.groups",
          },
          {
            name: 'target',
            expression:
              'object != null && has(object.metadata) && has(object.metadata.name) ? object.metadata.name : has(request.name) ? request.name : ""',
          },
          {
            name: 'isRoot',
            expression: `!(request.resource.resource in ['configmaps', 'secrets']) || variables.target == '' || variables.target in ${list(DECIDE_WHAT_RUNS)}`,
          },
        ],
        validations: [
          {
            expression: 'variables.isTrusted || variables.isChain || variables.isKubelet || !variables.isRoot',
            reason: 'Forbidden',
            messageExpression:
              "request.userInfo.username + ' may not write ' + request.resource.resource + ' ' + variables.target + ': what stands in this namespace runs as root on every node. Administrators are named in the ValidatingAdmissionPolicy " +
              NAME +
              "'",
          },
        ],
      },
    },
    {
      apiVersion: API,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name: NAME, labels: OBJECT_LABELS },
      spec: {
        policyName: NAME,
        validationActions: ['Deny'],
        matchResources: {
          matchPolicy: 'Equivalent',
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
          objectSelector: {},
        },
      },
    },
  ];
}

/** Strings as a list of CEL. */
function list(words: readonly string[]): string {
  return `[${words.map((word) => `'${word.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`).join(', ')}]`;
}
