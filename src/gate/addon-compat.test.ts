import { describe, expect, it } from 'vitest';
import { exampleFacts } from '../facts/example-facts.ts';
import type { Facts, WorkloadFact } from '../facts/facts.ts';
import { known, unknown } from '../observed.ts';
import { addonCompat } from './addon-compat.ts';
import { addonMatrix } from './addon-matrix.ts';
import { evaluateGate } from './evaluate-gate.ts';
import { exampleOptions } from './example-options.ts';

function workload(name: string, image: string, fields: Partial<WorkloadFact> = {}): WorkloadFact {
  const [namespace = '', short = ''] = name.split('/');
  return { kind: 'Deployment', namespace, name: short, images: [image], ...fields };
}

const calico = (tag: string): WorkloadFact =>
  workload('kube-system/calico-node', `quay.io/calico/node:${tag}`, { kind: 'DaemonSet' });

interface GateAsked {
  readonly target?: string;
  readonly running?: string;
  readonly own?: unknown;
  readonly untested?: 'block' | 'warn';
}

function gate(workloads: WorkloadFact[], asked: GateAsked = {}) {
  const facts = exampleFacts({ workloads: known(workloads) }, asked.running ?? '1.35.8');
  const addons = { matrix: addonMatrix(asked.own, 'own.yaml'), untested: asked.untested ?? ('block' as const) };
  return evaluateGate(facts, asked.target ?? '1.36.4', [addonCompat], exampleOptions({ addons }));
}

describe('addon-compat', () => {
  const rows: {
    title: string;
    workloads: WorkloadFact[];
    asked?: GateAsked;
    verdict: string;
    reason?: string;
    message?: RegExp;
  }[] = [
    { title: 'lets an addon through that goes up to the target', workloads: [calico('v3.32.1')], verdict: 'safe' },
    {
      title: 'blocks an addon below the target and names the release that supports it',
      workloads: [calico('v3.30.1')],
      verdict: 'blocked',
      reason: 'AddonTooOld',
      message:
        /^calico 3\.30\.1 \(DaemonSet kube-system\/calico-node\) is tested up to 1\.35; the target is 1\.36, and 3\.32 supports 1\.36$/,
    },
    {
      title: 'I15 lets every addon through for a patch',
      workloads: [calico('v3.29.1')],
      asked: { target: '1.35.9' },
      verdict: 'safe',
    },
    {
      title: 'I19 waits when no release supports the target',
      workloads: [calico('v3.32.0')],
      asked: { running: '1.36.4', target: '1.37.1' },
      verdict: 'held',
      reason: 'AddonWaiting',
    },
    {
      title: 'blocks and does not wait for a retired addon',
      workloads: [
        workload('ingress-nginx/ingress-nginx-controller', 'registry.k8s.io/ingress-nginx/controller:v1.15.1@sha256:0'),
      ],
      verdict: 'blocked',
      reason: 'AddonRetired',
    },
    { title: 'D11 does not mind an addon that is absent', workloads: [], verdict: 'safe' },
    {
      title: 'blocks a version that is not in the table',
      workloads: [calico('v3.27.0')],
      verdict: 'blocked',
      reason: 'AddonUnknown',
      message: /3\.27\.0 in DaemonSet kube-system\/calico-node is not listed; the matrix has 3\.29 to 3\.32/,
    },
    {
      title: 'blocks an image without a tag',
      workloads: [
        calico('').images[0] === undefined ? calico('') : { ...calico('x'), images: ['quay.io/calico/node@sha256:0'] },
      ],
      verdict: 'blocked',
      reason: 'AddonUnknown',
    },
    {
      title: 'lets a release through that is newer than an open-ended table',
      workloads: [workload('metallb-system/controller', 'quay.io/metallb/controller:v0.99.0')],
      verdict: 'safe',
    },
    {
      title: 'takes the row that says nothing of a newest minor as no ceiling',
      workloads: [workload('velero/velero', 'velero/velero:v1.16.0')],
      verdict: 'safe',
    },
    {
      title: 'prefers the row of a patch to the row of its minor',
      workloads: [workload('ingress-nginx/ingress-nginx-controller', 'ingress-nginx/controller:v1.9.6')],
      asked: { running: '1.28.1', target: '1.29.1' },
      verdict: 'safe',
    },
    {
      title: 'recognizes a mirrored image under another registry with a port',
      workloads: [workload('x/any', 'mirror:5000/jetstack/cert-manager-controller:v1.19.2')],
      verdict: 'blocked',
      reason: 'AddonTooOld',
    },
    {
      title: 'recognizes a renamed image by the name of its workload',
      workloads: [{ ...calico('x'), images: ['mirror/calico-node:v3.30.4'] }],
      verdict: 'blocked',
      reason: 'AddonTooOld',
    },
    {
      title: 'does not take another kind of workload for the addon',
      workloads: [workload('apps/cilium', 'quay.io/cilium/cilium:v1.15.0', { kind: 'StatefulSet' })],
      verdict: 'safe',
    },
    {
      title: 'looks at each version when several run',
      workloads: [
        calico('v3.32.0'),
        workload('calico-system/calico-kube-controllers', 'calico/kube-controllers:v3.30.0'),
      ],
      verdict: 'blocked',
      reason: 'AddonTooOld',
    },
    {
      title: 'leaves CoreDNS to kubeadm',
      workloads: [workload('kube-system/coredns', 'registry.k8s.io/coredns/coredns:v1.12.1')],
      verdict: 'safe',
    },
    {
      title: 'holds an addon that the operator pinned, with the reason',
      workloads: [calico('v3.30.1')],
      asked: { own: { addons: [{ name: 'calico', pinned: true, reason: 'eBPF bug in 3.32' }] } },
      verdict: 'held',
      reason: 'AddonPinned',
      message: /pinned: eBPF bug in 3\.32/,
    },
    {
      title: 'holds a pinned addon also where untested minors are let through',
      workloads: [calico('v3.30.1')],
      asked: { own: { addons: [{ name: 'calico', pinned: true }] }, untested: 'warn' },
      verdict: 'held',
      reason: 'AddonPinned',
    },
    {
      title: 'does not hold a pinned addon that supports the target',
      workloads: [calico('v3.32.1')],
      asked: { own: { addons: [{ name: 'calico', pinned: true }] } },
      verdict: 'safe',
    },
    {
      title: "takes the operator's row for a version over the built-in one",
      workloads: [calico('v3.30.1')],
      asked: { own: { addons: [{ name: 'calico', supports: { '3.30': '1.31-1.36' } }] } },
      verdict: 'safe',
    },
    {
      title: "knows the operator's own addons",
      workloads: [workload('tools/gadget', 'mirror/acme/gadget:2.1.0')],
      asked: {
        own: {
          addons: [
            {
              name: 'gadget',
              images: ['acme/gadget'],
              kinds: ['Deployment'],
              supports: { '2.1': '1.30-1.35', '2.2': '1.30-1.36' },
            },
          ],
        },
      },
      verdict: 'blocked',
      reason: 'AddonTooOld',
    },
  ];
  it.each(rows)('$title', (row) => {
    const result = gate(row.workloads, row.asked);
    expect(result.verdict).toBe(row.verdict);
    const blocking = result.findings.find((finding) => finding.severity === 'block');
    expect(blocking?.reason).toBe(row.reason);
    expect(blocking?.message ?? 'nothing').toMatch(row.message ?? /./);
  });

  it('only warns about an addon that is not tested with the target, when the options say so', () => {
    const result = gate([calico('v3.30.1')], { untested: 'warn' });
    expect(result).toMatchObject({ verdict: 'safe', findings: [{ reason: 'AddonTooOld', severity: 'warn' }] });
  });

  it('D11 names the workloads that no table knows, in one warning', () => {
    const result = gate([
      workload('kube-system/gadget', 'acme/gadget:1'),
      workload('acme-system/operator', 'acme/operator:1'),
      workload('kube-system/kube-proxy', 'registry.k8s.io/kube-proxy:v1.35.8', { kind: 'DaemonSet' }),
      workload('metallb-system/controller', 'quay.io/metallb/controller:v0.15.0'),
      workload('metallb-system/companion', 'acme/companion:1'),
      workload('shop/web', 'shop/web:1'),
    ]);
    expect(result.findings.map((finding) => [finding.severity, finding.message])).toEqual([
      ['warn', 'not in the addon matrix, so not compared: acme-system/operator, kube-system/gadget'],
    ]);
  });

  it('names the addons without a published table in one warning', () => {
    const result = gate([
      workload('kube-flannel/kube-flannel-ds', 'ghcr.io/flannel-io/flannel:v0.26.1', { kind: 'DaemonSet' }),
      workload('gatekeeper-system/gatekeeper-controller-manager', 'openpolicyagent/gatekeeper:v3.20.0'),
    ]);
    expect(result.findings.map((finding) => finding.message)).toEqual([
      'no table of supported minors is published for flannel 0.26.1, gatekeeper 3.20.0',
    ]);
  });

  it('only warns about an addon that follows the cluster', () => {
    const result = gate([
      workload('kube-system/cluster-autoscaler', 'registry.k8s.io/autoscaling/cluster-autoscaler-arm64:v1.35.2'),
    ]);
    expect(result).toMatchObject({ verdict: 'safe', findings: [{ reason: 'AddonFollows', severity: 'warn' }] });
  });

  it('blocks when the workloads could not be read', () => {
    const facts = exampleFacts({ workloads: unknown('forbidden') });
    expect(evaluateGate(facts, '1.37.1', [addonCompat], exampleOptions()).verdict).toBe('blocked');
    expect(evaluateGate(facts, '1.36.4', [addonCompat], exampleOptions()).verdict).toBe('safe');
  });
});

/** An addon of our own, in a namespace where nothing else is looked at. */
const own = (fields: object) => ({
  addons: [{ name: 'gadget', images: ['acme/gadget'], kinds: ['Deployment'], ...fields }],
});
const gadget = (tag: string, name = 'tools/gadget') => workload(name, `acme/gadget${tag === '' ? '' : `:${tag}`}`);
const CLOSED = { '2.1': '1.30-1.34', '2.2': '1.31-1.35' };
const DOCS = 'https://acme.example';

describe('what a finding about an addon says', () => {
  const rows: {
    title: string;
    addon: object;
    tag?: string;
    untested?: 'block' | 'warn';
    want: string;
    remedy: string;
  }[] = [
    {
      title: 'that the one newer release supports the target',
      addon: { supports: { ...CLOSED, '2.3': '1.32-1.36' } },
      want: 'block actionable AddonTooOld: gadget 2.1.0 (Deployment tools/gadget) supports up to 1.34; the target is 1.36, and 2.3 supports 1.36',
      remedy: 'Upgrade gadget to 2.3.',
    },
    {
      title: 'that the oldest of several newer releases supports the target, and where that is written',
      addon: { supports: { ...CLOSED, '2.3': '1.32-1.36', '2.4': '1.33+' }, source: DOCS },
      want: 'block actionable AddonTooOld: gadget 2.1.0 (Deployment tools/gadget) supports up to 1.34; the target is 1.36, and 2.3 supports 1.36',
      remedy: `Upgrade gadget to 2.3 or newer (${DOCS}).`,
    },
    {
      title: 'by preference a release that the running cluster can take before the upgrade',
      addon: { supports: { ...CLOSED, '2.3': '1.36-1.37', '2.4': '1.35-1.37' } },
      want: 'block actionable AddonTooOld: gadget 2.1.0 (Deployment tools/gadget) supports up to 1.34; the target is 1.36, and 2.4 supports 1.36',
      remedy: 'Upgrade gadget to 2.4.',
    },
    {
      title: 'from which to which release, when newer ones begin too high',
      addon: { supports: { ...CLOSED, '2.3': '1.34-1.36', '2.4': '1.35-1.36', '2.5': '1.36-1.37' } },
      want: 'block actionable AddonTooOld: gadget 2.1.0 (Deployment tools/gadget) supports up to 1.34; the target is 1.36, and 2.3 supports 1.36',
      remedy: 'Upgrade gadget to 2.3, or newer up to 2.4.',
    },
    {
      title: 'that every release which supports the target begins too high',
      addon: { supports: { ...CLOSED, '2.3': '1.36-1.37', '2.4': '1.36-1.38' }, source: DOCS },
      want: 'block actionable AddonNoOverlap: gadget 2.1.0 (Deployment tools/gadget) supports up to 1.34; the target is 1.36, and 2.3 supports it, but begins with it: no known release supports 1.35 as well',
      remedy: `Find out which release of gadget works with both (${DOCS}), and say so in your own matrix (\`addons.matrixFile\`).`,
    },
    {
      title: 'nothing of an older release that supports the target',
      addon: { supports: { '2.0': '1.30-1.36', ...CLOSED } },
      want: 'block waiting AddonWaiting: gadget 2.1.0 (Deployment tools/gadget) supports up to 1.34; the target is 1.36, and no known release supports 1.36',
      remedy: 'Wait for a release of gadget that supports 1.36; if there is one, add it with `addons.matrixFile`.',
    },
    {
      title: 'that a retired addon is not waited for',
      addon: { supports: CLOSED, retired: true, source: DOCS },
      want: 'block actionable AddonRetired: gadget 2.1.0 (Deployment tools/gadget) supports up to 1.34; the target is 1.36, and no known release supports 1.36',
      remedy: `gadget is retired and will never support 1.36: replace it (${DOCS}).`,
    },
    {
      title: 'that a retired addon has a release that supports the target all the same',
      addon: { supports: { ...CLOSED, '2.3': '1.32-1.36' }, retired: true },
      want: 'block actionable AddonTooOld: gadget 2.1.0 (Deployment tools/gadget) supports up to 1.34; the target is 1.36, and 2.3 supports 1.36',
      remedy: 'Upgrade gadget to 2.3.',
    },
    {
      title: 'that a retired addon without a table may not work',
      addon: { retired: true, source: DOCS },
      want: 'block actionable AddonRetired: gadget 2.1.0 (Deployment tools/gadget) is retired, and nobody says whether it works with 1.36',
      remedy: `Replace it, or add \`supports\` for it to your own matrix (\`addons.matrixFile\`) when you have tried it (${DOCS}).`,
    },
    {
      title: 'the reason of a pin',
      addon: { supports: { ...CLOSED, '2.3': '1.32-1.36' }, pinned: true, reason: 'a bug in 2.3' },
      want: 'block pinned AddonPinned: gadget 2.1.0 (Deployment tools/gadget) supports up to 1.34; the target is 1.36, and it is pinned: a bug in 2.3',
      remedy: 'Take the pin off in the addon matrix when the reason is gone.',
    },
    {
      title: 'that a pin has no reason',
      addon: { supports: CLOSED, pinned: true, retired: true },
      want: 'block pinned AddonPinned: gadget 2.1.0 (Deployment tools/gadget) supports up to 1.34; the target is 1.36, and it is pinned: no reason given',
      remedy: 'Take the pin off in the addon matrix when the reason is gone.',
    },
    {
      title: 'that its maker only tests up to a minor',
      addon: { supports: CLOSED, basis: 'tested' },
      want: 'block waiting AddonWaiting: gadget 2.1.0 (Deployment tools/gadget) is tested up to 1.34; the target is 1.36, and no known release supports 1.36',
      remedy: 'Wait for a release of gadget that supports 1.36; if there is one, add it with `addons.matrixFile`.',
    },
    {
      title: 'that what is not tested may go on when the settings say so',
      addon: { supports: CLOSED, basis: 'tested' },
      untested: 'warn',
      want: 'warn waiting AddonWaiting: gadget 2.1.0 (Deployment tools/gadget) is tested up to 1.34; the target is 1.36, and no known release supports 1.36',
      remedy: 'Wait for a release of gadget that supports 1.36; if there is one, add it with `addons.matrixFile`.',
    },
    {
      title: 'that what is not supported may not, whatever the settings say',
      addon: { supports: CLOSED, basis: 'declared' },
      untested: 'warn',
      want: 'block waiting AddonWaiting: gadget 2.1.0 (Deployment tools/gadget) supports up to 1.34; the target is 1.36, and no known release supports 1.36',
      remedy: 'Wait for a release of gadget that supports 1.36; if there is one, add it with `addons.matrixFile`.',
    },
    {
      title: 'that a version is above the table',
      addon: { supports: CLOSED, source: DOCS },
      tag: '2.3.0',
      want: 'block actionable AddonUnknown: the newest minor that gadget supports could not be read: 2.3.0 in Deployment tools/gadget is not listed; the matrix has 2.1 to 2.2',
      remedy: `Add this version to your own matrix (\`addons.matrixFile\`) (${DOCS}).`,
    },
    {
      title: 'that a version is below the table, and where to go',
      addon: { supports: { ...CLOSED, '2.3': '1.32-1.36', '2.4': '1.36-1.37' }, source: DOCS },
      tag: '1.9.0',
      want: 'block actionable AddonUnknown: the newest minor that gadget supports could not be read: 1.9.0 in Deployment tools/gadget is not listed; the matrix has 2.1 to 2.4',
      remedy: `Upgrade gadget to 2.3, or add this version to your own matrix (\`addons.matrixFile\`) (${DOCS}).`,
    },
    {
      title: 'of a pinned one no release to go to',
      addon: { supports: { ...CLOSED, '2.3': '1.32-1.36' }, pinned: true },
      tag: '1.9.0',
      want: 'block actionable AddonUnknown: the newest minor that gadget supports could not be read: 1.9.0 in Deployment tools/gadget is not listed; the matrix has 2.1 to 2.3',
      remedy: 'Add this version to your own matrix (`addons.matrixFile`).',
    },
    {
      title: 'that a version above the table counts as the newest one in it',
      addon: { supports: { ...CLOSED, '2.3': '1.32-1.36' }, basis: 'tested' },
      tag: '2.5.1',
      want: 'warn actionable AddonNotListed: gadget 2.5.1 (Deployment tools/gadget) is not in the matrix, which has 2.1 to 2.3; it counts as 2.3, which is tested up to 1.36',
      remedy: 'See that it supports 1.36, and add it to your own matrix (`addons.matrixFile`).',
    },
    {
      title: 'that a release candidate is not yet its release',
      addon: { supports: { ...CLOSED, '2.3': '1.32-1.36' } },
      tag: 'v2.3.0-rc.1',
      want: 'block actionable AddonUnknown: the newest minor that gadget supports could not be read: 2.3.0-rc.1 in Deployment tools/gadget is not listed; the matrix has 2.1 to 2.3',
      remedy: 'Upgrade gadget to 2.3, or add this version to your own matrix (`addons.matrixFile`).',
    },
    {
      title: 'that no tag says the version',
      addon: { supports: { ...CLOSED, '2.3': '1.32-1.36' } },
      tag: 'latest',
      want: 'block actionable AddonUnknown: the newest minor that gadget supports could not be read: no image tag of Deployment tools/gadget says which version it is',
      remedy: 'Upgrade gadget to 2.3, or give its image a tag that says the version.',
    },
    {
      title: 'that an addon goes to the minor of the cluster after it',
      addon: { follows: true },
      want: 'warn actionable AddonFollows: gadget 2.1.0 (Deployment tools/gadget) goes to the minor of the cluster after it',
      remedy: 'Upgrade it to 1.36 after the cluster.',
    },
    {
      title: 'that an addon goes after the cluster, when its version is not known',
      addon: { follows: true },
      tag: 'latest',
      want: 'warn actionable AddonFollows: gadget (unknown version) (Deployment tools/gadget) goes to the minor of the cluster after it',
      remedy: 'Upgrade it to 1.36 after the cluster.',
    },
    {
      title: 'that nothing is published',
      addon: {},
      want: 'warn actionable AddonWithoutTable: no table of supported minors is published for gadget 2.1.0',
      remedy: 'Look at their release notes once; your own matrix (`addons.matrixFile`) can set a ceiling.',
    },
    {
      title: 'that nothing is published, when the version is not known either',
      addon: {},
      tag: 'latest',
      want: 'warn actionable AddonWithoutTable: no table of supported minors is published for gadget (unknown version)',
      remedy: 'Look at their release notes once; your own matrix (`addons.matrixFile`) can set a ceiling.',
    },
  ];
  it.each(rows)('is $title', ({ addon, tag = '2.1.0', untested = 'block', want, remedy }) => {
    const { findings } = gate([gadget(tag)], { own: own(addon), untested });
    expect(findings.map((one) => `${one.severity} ${one.class} ${one.reason}: ${one.message}`)).toEqual([want]);
    expect(findings[0]).toMatchObject({ check: 'addon-compat', remedy });
  });

  it('is nothing at all', () => {
    const quiet: [object, string][] = [
      [{ supports: { '2.1': '1.30-1.36' } }, '2.1.0'],
      [{ supports: { '2.1': '1.30+' } }, '2.1.0'],
      [{ supports: { '2.1': '1.30-1.36' }, retired: true }, '2.1.0'],
      [{ supports: { '2.1': '1.30-1.36' }, pinned: true }, '2.1.0'],
      [{ supports: CLOSED, managedByKubeadm: true }, '2.1.0'],
      [{ managedByKubeadm: true }, '2.1.0'],
      [{ follows: true }, '1.36.2'],
      [{ follows: true, supports: CLOSED }, '1.36.0'],
    ];
    expect(quiet.map(([addon, tag]) => gate([gadget(tag)], { own: own(addon) }).findings)).toEqual(quiet.map(() => []));
  });
});

describe('a version that is not in the table of its addon', () => {
  const OPEN = { '2.1': '1.30-1.34', '2.2': '1.31+' };
  const GAP = { '2.1': '1.30-1.36', '2.4': '1.31-1.37' };
  it.each<[string, Record<string, string>, string, string[]]>([
    ['is refused below a table with an end', CLOSED, '2.0.9', ['AddonUnknown']],
    ['is refused below a table of which every row allows the target', GAP, '2.0.9', ['AddonUnknown']],
    ['is refused below a table without any end', { '2.1': '1.30+' }, '2.0.9', ['AddonUnknown']],
    ['is refused above a table with an end', CLOSED, '2.3.0', ['AddonUnknown']],
    ['is let through above a table that goes up to the target, and named', GAP, '2.5.0', ['AddonNotListed']],
    ['is let through between rows that go up to the target, and named', GAP, '2.2.0', ['AddonNotListed']],
    [
      'is refused between rows of which the older ends before',
      { ...CLOSED, '2.4': '1.34-1.37' },
      '2.3.0',
      ['AddonUnknown'],
    ],
    ['is let through above a table without an end', OPEN, '2.3.0', []],
    ['is refused below a table without an end, of which some row has one', OPEN, '2.0.9', ['AddonUnknown']],
    ['is refused without a tag, when some row has an end', OPEN, '', ['AddonUnknown']],
    ['is refused without a tag, when every row allows the target', GAP, '', ['AddonUnknown']],
    [
      'is refused when only some rows allow the target',
      { '2.1': '1.30-1.36', '2.2': '1.31-1.35' },
      '2.3.0',
      ['AddonUnknown'],
    ],
  ])('%s', (_title, supports, tag, reasons) => {
    const { findings } = gate([gadget(tag)], { own: own({ supports }) });
    expect(findings.map(({ reason }) => reason)).toEqual(reasons);
    expect(gate([gadget(tag)], { own: own({ supports }), target: '1.35.9' }).findings).toEqual([]);
  });
});

describe('an addon that several workloads run', () => {
  const messages = (...workloads: WorkloadFact[]): string[] =>
    gate(workloads, { own: own({ supports: CLOSED }) }).findings.map(
      ({ message }) => message.split(' supports up')[0] ?? '',
    );

  it('is judged once for each version, and names all that run it', () => {
    expect(messages(gadget('2.1.0', 'tools/a'), gadget('2.1.0', 'tools/b'), gadget('2.2.0', 'tools/c'))).toEqual([
      'gadget 2.1.0 (Deployment tools/a, Deployment tools/b)',
      'gadget 2.2.0 (Deployment tools/c)',
    ]);
    const five = ['a', 'b', 'c', 'd', 'e'].map((name) => gadget('2.1.0', `tools/${name}`));
    expect(messages(...five)).toEqual([
      'gadget 2.1.0 (Deployment tools/a, Deployment tools/b, Deployment tools/c and 2 more)',
    ]);
  });

  it('is not known where a tag says nothing, whatever another one says', () => {
    const unreadable = (places: string): string =>
      `the newest minor that gadget supports could not be read: no image tag of ${places} says which version it is`;
    expect(messages(gadget('latest', 'tools/a'), gadget('2.1.0', 'tools/b'))).toEqual([
      unreadable('Deployment tools/a'),
      'gadget 2.1.0 (Deployment tools/b)',
    ]);
    expect(messages(gadget('latest', 'tools/a'), gadget('', 'tools/b'))).toEqual([
      unreadable('Deployment tools/a, Deployment tools/b'),
    ]);
  });
});

describe('a workload that no table knows', () => {
  const unlisted = (...names: string[]): string | undefined =>
    gate(names.map((name) => workload(name, 'acme/other:1.0.0'))).findings.at(-1)?.message;

  it.each([
    ['kube-system/x', true],
    ['kube-flannel/x', true],
    ['acme-system/x', true],
    ['system-acme/x', false],
    ['my-kube-tools/x', false],
    ['acme-systems/x', false],
    ['kubernetes/x', false],
    ['system/x', false],
    ['default/x', false],
    ['kube-system/kube-proxy', false],
    ['kube-public/kube-proxy', true],
    ['kube-system/kube-proxy-2', true],
  ])('is named where addons stand: %s %s', (name, named) => {
    expect(unlisted(name)).toBe(named ? `not in the addon matrix, so not compared: ${name}` : undefined);
  });

  it('says what can be done about it, once for all and in their order', () => {
    const facts = [workload('kube-system/b', 'acme/other:1'), workload('acme-system/a', 'acme/other:1')];
    expect(gate(facts).findings).toEqual([
      {
        check: 'addon-compat',
        reason: 'AddonUnlisted',
        class: 'actionable',
        severity: 'warn',
        message: 'not in the addon matrix, so not compared: acme-system/a, kube-system/b',
        remedy: 'Add those that depend on the version of Kubernetes to your own matrix (`addons.matrixFile`).',
      },
    ]);
  });

  it('is part of an addon whose namespace it shares, but for kube-system, which all share', () => {
    const companions = [workload('gadget-system/x', 'acme/other:1'), workload('kube-system/x', 'acme/other:1')];
    const addon = { own: own({ supports: { '2.1': '1.30-1.36' } }) };
    const alone = gate(companions, addon).findings.map(({ message }) => message);
    expect(alone).toEqual(['not in the addon matrix, so not compared: gadget-system/x, kube-system/x']);
    const both = [gadget('2.1.0', 'gadget-system/gadget'), gadget('2.1.9', 'kube-system/gadget'), ...companions];
    expect(gate(both, addon).findings.map(({ message }) => message)).toEqual([
      'not in the addon matrix, so not compared: kube-system/x',
    ]);
  });

  it('is none when it is a second workload of an addon that is known', () => {
    const both = [gadget('2.1.0', 'kube-system/a'), gadget('2.1.0', 'kube-system/b')];
    expect(gate(both, { own: own({ supports: { '2.1': '1.30-1.36' } }) }).findings).toEqual([]);
  });
});

describe('the jump', () => {
  const facts = { workloads: known([gadget('2.1.0')]) };
  const addons = { matrix: addonMatrix(own({ supports: CLOSED }), 'own.yaml'), untested: 'block' as const };
  const reasons = (target: string, fields: Partial<Facts> = {}): string[] =>
    evaluateGate(exampleFacts({ ...facts, ...fields }), target, [addonCompat], exampleOptions({ addons })).findings.map(
      ({ reason }) => reason,
    );

  it('I15 matters: inside a minor the running cluster is the proof', () => {
    expect(reasons('1.37.0')).toEqual(['AddonWaiting']);
    expect(reasons('1.36.4')).toEqual([]);
    expect(reasons('1.36.3')).toEqual([]);
  });

  it('counts as one to another minor when it is not known', () => {
    expect(reasons('1.36.4', { nodes: unknown('forbidden') })).toEqual(['AddonWaiting']);
  });

  it('is refused when the workloads could not be read', () => {
    const blind = exampleFacts({ workloads: unknown('forbidden') });
    expect(evaluateGate(blind, '1.37.1', [addonCompat], exampleOptions()).findings).toEqual([
      {
        check: 'addon-compat',
        reason: 'Unknown',
        class: 'actionable',
        severity: 'block',
        message: 'the workloads could not be read: forbidden',
        remedy: 'Check the account: kubectl auth can-i list deployments.apps -A.',
      },
    ]);
  });
});

describe('addonMatrix', () => {
  it('reads the built-in matrix', () => {
    expect(addonMatrix(undefined, '').addons).toHaveLength(39);
  });

  it.each([
    [{ addons: [{ name: 'calico', suports: {} }] }, /addons\.0\.suports: no such key; did you mean "supports"\?/],
    [{ addon: [] }, /addon: no such key; did you mean "addons"\?/],
    [{ addons: [{ name: 'calicoo', pinned: true }] }, /did you mean "calico"\?/],
    [{ addons: [{ name: 'calico', supports: { '3.30': '1.36' } }] }, /give minors as/],
    [{ addons: [{ name: 'calico', supports: { '3.30': '1.36-1.31' } }] }, /first minor is above the last/],
    [{ addons: [{ name: 'calico', supports: { v3: '1.31+' } }] }, /own\.yaml/],
    ['text', /own\.yaml/],
  ])('refuses %j', (own, problem) => {
    expect(() => addonMatrix(own, 'own.yaml')).toThrow(problem);
  });
});
