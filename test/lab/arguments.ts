import { parseArgs } from 'node:util';
import { odds } from './odd.ts';

const oddHelp = Object.entries(odds)
  .map(([name, { what, on }]) => `${' '.repeat(49)}${name.padEnd(17)} ${what} (${on})`)
  .join('\n');

export const help = `Real kubeadm clusters on this machine: nodes are systemd containers. Debian 12, root.

  npm run lab -- up [--name lab] [--control-planes 1] [--workers 2] [--version 1.36.3] [--subnet N]
                    [--containerd 1.7] [--containerd-of cp1=1.6] [--external-etcd] [--ssh-port 22]
                    [--node-suffix .rack-a.example] [--ipv6 dual|only] [--odd NAME[,NAME…]]
                                               --external-etcd: a service of cp1, no static pod
                                               --ipv6: nodes, pods and Services with both families, or with IPv6 alone
                                               --odd: nodes as other people have them:
${oddHelp}
  npm run lab -- build [--into DIR] [kube-1.36.4 …]
                                               makes the programs from their Go modules (needs Go; half an hour for all)
  npm run lab -- status                        every lab, its nodes and its processes
  npm run lab -- ssh NODE [command …]          as the lab's user, host key pinned
  npm run lab -- kubectl …                     as the cluster's admin
  npm run lab -- publish VERSION [--revision 1.1]
                                               a release appears: packages in the repository, images in the registry
  npm run lab -- repository sign good|wrong|expired [--minor 1.36]
                                               sign the index with a key that the nodes trust, do not know, or that has expired
  npm run lab -- image remove NAME:TAG         an image is missing from the registry
  npm run lab -- image add NAME:TAG DIRECTORY [--base] [-- command …]
                                               an image made of a directory (--base: on a slim Debian)
  npm run lab -- services up [--rules FILE …]  Prometheus, Pushgateway, Alertmanager, and a Slack webhook into a file
  npm run lab -- services down
  npm run lab -- logs DIRECTORY                journals, pod logs and kubeadm's output of all nodes
  npm run lab -- down [--all]                  removes everything of one lab, or of all; the cache stays

Every command takes --name (default "lab"). State: NIGHTLIFT_LAB_DIR (default .lab/), one directory per lab with a
lab.json. Programs: NIGHTLIFT_KUBE_DIR (default ../shared/kube). Exit code 78: a lab cannot run on this machine.
`;

const options = {
  name: { type: 'string', default: 'lab' },
  'control-planes': { type: 'string', default: '1' },
  workers: { type: 'string', default: '2' },
  version: { type: 'string', default: '1.36.3' },
  subnet: { type: 'string' },
  containerd: { type: 'string', default: '1.7' },
  'containerd-of': { type: 'string', multiple: true },
  odd: { type: 'string', multiple: true },
  'external-etcd': { type: 'boolean', default: false },
  'ssh-port': { type: 'string', default: '22' },
  'node-suffix': { type: 'string', default: '' },
  ipv6: { type: 'string', default: 'no' },
  revision: { type: 'string', default: '1.1' },
  minor: { type: 'string' },
  into: { type: 'string' },
  base: { type: 'boolean', default: false },
  rules: { type: 'string', multiple: true },
  all: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

function parseOwn(args: string[]) {
  return parseArgs({ args, options, allowPositionals: true });
}

export interface Arguments {
  command: string;
  words: string[];
  rest: string[];
  values: ReturnType<typeof parseOwn>['values'];
}

export class UsageError extends Error {
  constructor(message: string) {
    super(`${message}; npm run lab -- --help says what there is`);
    this.name = 'UsageError';
  }
}

/** `kubectl` and `ssh` pass on what follows them untouched, except a --name that stands before the command. */
export function parseArguments(argv: string[]): Arguments {
  const at = argv.findIndex((word) => word === 'kubectl' || word === 'ssh');
  const onward = at >= 0 && isName(argv.slice(0, at));
  const own = onward ? argv.slice(0, at + 1) : argv;
  const end = own.indexOf('--');
  try {
    const parsed = parseOwn(end < 0 ? own : own.slice(0, end));
    const [command = 'help', ...words] = parsed.positionals;
    const rest = onward ? argv.slice(at + 1) : end < 0 ? [] : own.slice(end + 1);
    const given = onward ? takeName(rest, parsed.values.name) : { name: parsed.values.name, rest };
    return { command, words, rest: given.rest, values: { ...parsed.values, name: given.name } };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function isName(before: string[]): boolean {
  return (
    before.length === 0 ||
    (before.length === 2 && before[0] === '--name') ||
    (before.length === 1 && before[0]?.startsWith('--name=') === true)
  );
}

function takeName(words: string[], name: string): { name: string; rest: string[] } {
  if (words[0] === '--name' && words[1] !== undefined) return { name: words[1], rest: words.slice(2) };
  return { name, rest: words };
}

export function wholeNumber(text: string, what: string, from: number, to: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= from && value <= to) return value;
  throw new UsageError(`reading ${what} "${text}": expected a whole number from ${from} to ${to}`);
}
