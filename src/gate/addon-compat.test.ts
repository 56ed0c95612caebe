import { describe, expect, it } from 'vitest';
import { exampleFacts } from '../facts/example-facts.ts';
import type { WorkloadFact } from '../facts/facts.ts';
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
