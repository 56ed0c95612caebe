import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exampleFacts, exampleNode } from '../facts/example-facts.ts';
import { exampleControlPlaneSurvey, exampleSurvey } from '../facts/example-survey.ts';
import { NodeSurvey } from '../facts/node-survey.ts';
import { known, unknown } from '../observed.ts';
import { surveyChecks } from './checks.ts';
import { evaluateGate } from './evaluate-gate.ts';
import { exampleOptions } from './example-options.ts';

const word = fc.oneof(
  fc.constantFrom(
    '',
    'constructor',
    '__proto__',
    'unix:///run/x.sock',
    '--feature-gates=A=true,__proto__=x',
    '5.15',
    '*:*',
  ),
  fc.string({ maxLength: 30 }),
);
const words = fc.array(word, { maxLength: 4 });
const bytes = fc.oneof(fc.constantFrom(0, 1, 1e9, Number.MAX_SAFE_INTEGER), fc.nat());
const perhaps = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(of, { nil: null });
const moment = fc
  .date({ noInvalidDate: true, min: new Date('1950-01-01T00:00:00Z'), max: new Date('9999-01-01T00:00:00Z') })
  .map((date) => date.toISOString());

const fileSystem = fc.record({
  path: fc.oneof(fc.constantFrom('/', '/var', '/var/lib', '/etc/kubernetes'), word),
  mount: word,
  type: word,
  bytes,
  freeBytes: bytes,
  inodes: bytes,
  freeInodes: bytes,
  readOnly: fc.boolean(),
  noexec: fc.boolean(),
});
const etcdState = fc.record({
  version: perhaps(word),
  dataDirectory: word,
  listenUrls: words,
  members: fc.array(fc.record({ name: word, learner: fc.boolean() }), { maxLength: 4 }),
  databaseBytes: perhaps(bytes),
  directoryBytes: perhaps(bytes),
  quotaBytes: perhaps(bytes),
  alarms: words,
});

/** What a node that means no good, or is half broken, can say within the schema. */
const survey: fc.Arbitrary<Partial<NodeSurvey>> = fc.record({
  os: fc.record({ id: word, version: word, name: word }),
  kernel: word,
  architecture: fc.oneof(fc.constant('x86_64'), word),
  cgroup: perhaps(fc.constantFrom('v1' as const, 'v2' as const)),
  swapBytes: bytes,
  clockOffsetSeconds: perhaps(fc.double({ noNaN: true, noDefaultInfinity: true })),
  uptimeSeconds: perhaps(bytes),
  rebootRequired: fc.boolean(),
  missingTools: words,
  fileSystems: fc.array(fileSystem, { maxLength: 4 }),
  apt: fc.record({
    sources: fc.array(fc.record({ file: word, text: word, enabled: fc.boolean(), signedBy: words }), { maxLength: 3 }),
    proxies: words,
    defaultRelease: word,
    pins: words,
    unattended: words,
    locks: fc.array(fc.record({ file: word, pid: fc.nat(), program: word, seconds: perhaps(bytes) }), { maxLength: 3 }),
  }),
  packages: fc.array(
    fc.record({
      name: fc.oneof(fc.constantFrom('kubeadm', 'kubelet', 'kubectl'), word),
      version: fc.oneof(fc.constantFrom('1.36.3-1.1', '9.9.9-1.1', '1:1.36-2~x'), word),
      held: fc.boolean(),
      installed: fc.boolean(),
    }),
    { maxLength: 4 },
  ),
  runtime: fc.record({
    sockets: words,
    socket: word,
    root: word,
    configVersion: perhaps(fc.nat()),
    sandboxImage: word,
  }),
  kubelet: fc.record({
    active: word,
    arguments: words,
    flags: fc.array(fc.record({ file: word, flag: word }), { maxLength: 4 }),
    config: fc.dictionary(
      fc.constantFrom('failSwapOn', 'failCgroupV1', 'rotateCertificates'),
      fc.oneof(word, fc.nat(), fc.boolean()),
    ),
    featureGates: fc.dictionary(fc.constantFrom('SidecarContainers', 'ImageVolume', 'constructor'), fc.boolean()),
  }),
  staticPods: fc.array(
    fc.record({
      file: word,
      pod: perhaps(fc.oneof(fc.constantFrom('etcd', 'kubelet', 'kube-apiserver'), word)),
      images: words,
      arguments: words,
      containers: words,
      volumes: words,
    }),
    { maxLength: 4 },
  ),
  patches: words,
  certificates: fc.array(fc.record({ file: word, startsAt: perhaps(moment), endsAt: perhaps(moment) }), {
    maxLength: 4,
  }),
  etcd: fc.record({
    where: fc.constantFrom('here' as const, 'elsewhere' as const, 'none' as const),
    state: perhaps(fc.oneof(etcdState.map(known), fc.constant(unknown('it is silent')))),
  }),
  backups: fc.record({ count: fc.nat(), bytes }),
  leftovers: fc.record({ staged: words, units: words, sourceChanged: words, bytes }),
});

const TARGETS = ['1.36.3', '1.36.4', '1.37.1', '1.45.0', '1.27.1'];

describe('the checks of the survey', () => {
  it('have nothing to say of nodes that are well, from any minor to the next', () => {
    for (const [running, target] of [
      ['1.36.3', '1.36.4'],
      ['1.36.3', '1.37.1'],
      ['1.35.8', '1.36.4'],
    ] as const) {
      const packages = exampleSurvey().packages.map((one) => ({ ...one, version: `${running}-1.1` }));
      const surveys = {
        'cp-1': known(exampleControlPlaneSurvey({ packages })),
        'worker-1': known(exampleSurvey({ packages })),
        'worker-2': known(exampleSurvey({ packages })),
      };
      const facts = exampleFacts({ surveys: known(surveys) }, running);
      expect(evaluateGate(facts, target, surveyChecks, exampleOptions()).findings).toEqual([]);
    }
  });

  it('answer whatever a node says, and never fail', () => {
    fc.assert(
      fc.property(fc.array(survey, { minLength: 1, maxLength: 3 }), fc.constantFrom(...TARGETS), (said, target) => {
        const nodes = said.map((_, index) => exampleNode(index === 0 ? 'cp-1' : `worker-${index}`));
        const surveys = Object.fromEntries(
          said.map((fields, index) => [nodes[index]?.name ?? '', known(NodeSurvey.parse(exampleSurvey(fields)))]),
        );
        const facts = exampleFacts({ nodes: known(nodes), surveys: known(surveys) });
        const { findings } = evaluateGate(facts, target, surveyChecks, exampleOptions());
        expect(findings.filter(({ reason }) => reason === 'CheckFailed')).toEqual([]);
        for (const { message, remedy } of findings) {
          expect(message).toMatch(/: (cp|worker)-\d/);
          expect(remedy).not.toBe('');
        }
      }),
      { numRuns: 300 },
    );
  });

  it('leave a node alone that is on the target, whatever it says', () => {
    fc.assert(
      fc.property(survey, (said) => {
        const nodes = [exampleNode('cp-1', { kubelet: '1.36.4' })];
        const surveys = known({ 'cp-1': known(exampleSurvey(said)) });
        const facts = exampleFacts({ nodes: known(nodes), surveys });
        expect(evaluateGate(facts, '1.36.4', surveyChecks, exampleOptions()).findings).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });
});
