import { type CommandSpec, type OptionSpec, OUTPUT } from './call/command.ts';
import { demoCommand } from './demo/demo-command.ts';

const CLUSTER: readonly OptionSpec[] = [
  {
    name: 'kubeconfig',
    value: 'FILE',
    summary: 'kubeconfig; default: the account of the pod, else $KUBECONFIG, else ~/.kube/config',
  },
  { name: 'context', value: 'NAME', summary: 'context of the kubeconfig' },
  { name: 'namespace', short: 'n', value: 'NAME', summary: 'namespace of Nightlift (default k8s-upgrade)' },
  {
    name: 'config',
    value: 'FILE',
    summary: 'settings file; default: the one in the pod, else ConfigMap k8s-upgrade-config of the cluster',
  },
];
/** Of the commands that ask the nodes. */
const KEYS: readonly OptionSpec[] = [
  {
    name: 'ssh-key',
    value: 'FILE',
    summary: 'private key for the nodes; default: where the settings say, which is in a pod',
  },
  { name: 'known-hosts', value: 'FILE', summary: 'host keys of the nodes; default: likewise' },
];
const FACTS: OptionSpec = {
  name: 'facts',
  value: 'FILE',
  summary: 'answer offline from a file of `nightlift facts` (- for standard input)',
};
const TARGET: OptionSpec = {
  name: 'target',
  value: 'X.Y.Z',
  summary: 'this version instead of the one that the detector would choose',
};

/** Every command, as data: help, completion and dispatch read the same table. */
export const COMMANDS: readonly CommandSpec[] = [
  demoCommand,
  {
    name: 'status',
    summary: 'what is running, what is recorded, what waits',
    options: [...CLUSTER, OUTPUT],
    examples: [['nightlift status', 'nodes, versions, chain Jobs, pause, leftovers']],
    load: () => import('./status.ts'),
  },
  {
    name: 'plan',
    summary: 'path, order of nodes with reasons, steps and an estimate',
    options: [TARGET, FACTS, ...CLUSTER, ...KEYS, OUTPUT],
    examples: [
      ['nightlift plan', 'for the version that the detector would choose'],
      ['nightlift plan --target 1.37.1', 'for this one, also over several minors'],
      ['nightlift facts > facts.json; nightlift plan --facts facts.json', 'offline'],
    ],
    load: () => import('./plan.ts'),
  },
  {
    name: 'gate',
    summary: 'ask the gate: safe, blocked or held, and why',
    options: [
      TARGET,
      { name: 'verbose', short: 'v', summary: 'also the checks that passed, and what they went by' },
      { name: 'accept-yaml', summary: 'also what would accept each refusal, for `acceptedRisks` of the settings' },
      FACTS,
      ...CLUSTER,
      ...KEYS,
      OUTPUT,
    ],
    examples: [
      ['nightlift gate --target 1.37.1 --verbose', 'every check'],
      ['nightlift gate --target 1.37.1', 'exit code 0 safe, 2 blocked or held'],
      ['nightlift gate --facts facts.json --target 1.37.1 -o json', 'replay a case'],
    ],
    load: () => import('./gate.ts'),
  },
  {
    name: 'explain',
    summary: 'what a reason means and what to do; what a check of the gate reads and when it refuses',
    details:
      'Check and reason stand in brackets behind a finding, as `[disk-room: DiskFull]`. Without one, all of them are listed.',
    positionals: '[REASON|CHECK]',
    options: [OUTPUT],
    examples: [
      ['nightlift explain BudgetNeverAllows', 'a reason'],
      ['nightlift explain disk-room', 'a check'],
    ],
    load: () => import('./explain.ts'),
  },
  {
    name: 'facts',
    summary: 'everything that the deciders use, as one JSON object without secrets',
    options: [...CLUSTER, ...KEYS, OUTPUT],
    examples: [['nightlift facts > facts.json', 'what a bug report wants to have']],
    load: () => import('./facts.ts'),
  },
  {
    name: 'upgrade',
    summary: 'start the chain for a version by hand and follow it',
    details:
      'Shows the plan, asks, creates the preflight Job and follows the chain until it ends. Interrupting the follower\ndoes not stop the chain; `nightlift pause` does. To a version that is several minors away it goes hop by hop, each\nan upgrade of its own, and stops before the next where anything says no; the same command goes on.',
    options: [
      { name: 'to', value: 'X.Y.Z', summary: 'the version to go to' },
      { name: 'yes', short: 'y', summary: 'do not ask' },
      { name: 'no-follow', summary: 'start the chain and return' },
      { name: 'here', summary: 'developer switch: run the phases in this process instead of Jobs' },
      ...CLUSTER,
      ...KEYS,
      OUTPUT,
    ],
    examples: [
      ['nightlift upgrade --to 1.36.4', 'plan, question, live progress'],
      ['nightlift upgrade --to 1.36.4 --yes --no-follow', 'from a script'],
      ['nightlift upgrade --to 1.37.1', 'from 1.35 as well: by the newest 1.36 that may be taken'],
    ],
    load: () => import('./upgrade.ts'),
  },
  {
    name: 'pause',
    summary: 'engage the kill switch: nothing starts and nothing goes on',
    options: [{ name: 'reason', value: 'TEXT', summary: 'shown wherever the pause is seen' }, ...CLUSTER, OUTPUT],
    examples: [['nightlift pause --reason "load test until Friday"', '']],
    load: () => import('./pause.ts'),
  },
  {
    name: 'resume',
    summary: 'remove the kill switch; the next night goes on',
    options: [{ name: 'now', summary: 'run the detection now instead of waiting for the night' }, ...CLUSTER, OUTPUT],
    examples: [
      ['nightlift resume', ''],
      ['nightlift resume --now', 'a Job of its own name, also where nothing was paused'],
    ],
    load: () => import('./resume.ts'),
  },
  {
    name: 'check',
    summary: 'look for a new version and start the chain (CronJob k8s-version-check)',
    details: 'From outside the cluster it only looks, as `nightlift gate` does, and starts and records nothing.',
    options: [...CLUSTER, ...KEYS, OUTPUT],
    examples: [['nightlift resume --now', 'runs it in the cluster, by hand']],
    load: () => import('./check.ts'),
  },
  {
    name: 'phase',
    summary: 'one link of the chain (the Jobs run this)',
    details:
      'PHASE, TARGET_VERSION and NODE_NAME say which; outside a pod it is refused. Exit codes: 0 for every decision, 3 for\na failure, 75 for one that is worth another try.',
    options: [...CLUSTER, OUTPUT],
    examples: [['nightlift upgrade --to 1.36.4', 'starts the first of the Jobs that run it']],
    load: () => import('./phase.ts'),
  },
  {
    name: 'report',
    summary: 'say what happened last night (CronJob k8s-upgrade-nightly-report)',
    details: 'From outside the cluster the message is printed, and not sent.',
    options: [
      { name: 'dry-run', summary: 'print the message instead of sending it' },
      FACTS,
      ...CLUSTER,
      ...KEYS,
      OUTPUT,
    ],
    examples: [
      ['nightlift report --dry-run', 'the message as Slack would get it'],
      ['nightlift report --dry-run --facts facts.json -o json', 'replay'],
    ],
    load: () => import('./report.ts'),
  },
  {
    name: 'history',
    summary: 'the newest thirty runs; with show, one of them: who started it, steps, findings, versions, messages',
    details:
      'RUN is the id of a run or what it begins with; last is the newest. What is shown is told by the runs themselves, and nothing is decided by it.',
    positionals: '[show RUN]',
    options: [
      ...CLUSTER,
      { ...OUTPUT, summary: 'text (default), json, yaml or markdown', choices: ['text', 'json', 'yaml', 'markdown'] },
    ],
    examples: [
      ['nightlift history', 'a line for each run'],
      ['nightlift history show last -o markdown', 'for a ticket'],
      ['nightlift history -o json', 'what another cluster can go by'],
    ],
    load: () => import('./history.ts'),
  },
  {
    name: 'network-policy',
    summary: "print NetworkPolicies with this cluster's addresses instead of ports to anywhere",
    details:
      'They replace the two that are installed, by name. Write them anew when a node is added, and when the addresses of a\nhost change: what is not in them cannot be reached.',
    options: [
      {
        name: 'also',
        value: 'HOSTS',
        summary: 'further hosts, HOST or HOST:PORT, IPv6 as [ADDRESS]:PORT, with commas (default hooks.slack.com)',
      },
      ...CLUSTER,
    ],
    examples: [['nightlift network-policy > policies.yaml; kubectl apply -f policies.yaml', 'read it first']],
    load: () => import('./network-policy.ts'),
  },
  {
    name: 'node',
    summary: 'print what lets a key upgrade a node and do nothing else (ssh.access: upgrade-only)',
    details:
      'The script holds the scripts of this version, the values of your settings that the node then keeps the key to, and\nthe account. Read it, and run it as root on each node; again after an update of Nightlift or of those settings.',
    positionals: 'install',
    options: [
      {
        name: 'public-key',
        value: 'FILE',
        summary: 'the key that is let in, restricted to the program; without it authorized_keys is left alone',
      },
      { name: 'deb', value: 'FILE', summary: 'write a Debian package instead (needs dpkg-deb)' },
      ...CLUSTER,
    ],
    examples: [
      [
        'nightlift node install --public-key nightlift-key.pub > node-install.sh',
        'then, on each node: sudo bash node-install.sh',
      ],
      ['nightlift node install --public-key nightlift-key.pub --deb nightlift-node.deb', 'for what installs packages'],
    ],
    load: () => import('./node.ts'),
  },
  {
    name: 'version',
    summary: 'which version this is; also --version',
    options: [OUTPUT],
    examples: [['nightlift --version', '']],
    load: () => import('./version.ts'),
  },
  {
    name: 'completion',
    summary: 'completion script for bash or zsh',
    positionals: 'bash|zsh',
    options: [],
    examples: [['source <(nightlift completion bash)', 'in ~/.bashrc']],
    load: () => import('./completion.ts'),
  },
];
