import { describe, expect, it } from 'vitest';
import { controlPlane, OLD, TARGET } from '../../../test/support/clusters.ts';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { exampleDiff, exampleEtcdDiff, exampleManifest } from '../../../test/support/example-manifests.ts';
import { contextIn, errorOf, exampleShell, refusalOf } from '../../../test/support/example-step.ts';
import { manifestsKept } from './manifests-kept.ts';

type Flags = Readonly<Record<string, readonly string[]>>;

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const END = 'nightlift-manifests-end\tx\n';

function copies(before: Flags, now: Flags, promised?: string): string {
  const of = (when: string, flags: Flags, version: string): string =>
    Object.entries(flags)
      .map(([one, words]) => `nightlift-manifest\t${when} ${one} ${base64(exampleManifest(one, words, version))}\n`)
      .join('');
  const diff = promised === undefined ? '' : `nightlift-promised\t${base64(promised)}\n`;
  return `${of('before', before, OLD)}${of('now', now, TARGET)}${diff}${END}`;
}

function scene(answer: string | object, settings: object = {}) {
  const shell = exampleShell({ 'manifest-copies': typeof answer === 'string' ? { stdout: answer } : answer });
  const world = exampleWorld({ nodes: [controlPlane('cp-1')], settings, deps: { shell } });
  return { shell, world, running: manifestsKept.run(contextIn(world, { phase: 'master', node: 'cp-1' })) };
}

const warnings = ({ seen }: ReturnType<typeof scene>['world']) =>
  seen.log.filter(({ level }) => level === 'warn').map(({ message }) => message);

const API = 'kube-apiserver';
const SIGN_ON = '--authentication-config=/etc/a.yaml';
const BLOCK = { kubeadm: { droppedFlags: 'block' } };

describe('manifests-kept', () => {
  it('says nothing where only the images are others', async () => {
    const { shell, world, running } = scene(copies({ [API]: ['--a=1'], etcd: [] }, { [API]: ['--a=1'], etcd: [] }));
    await running;
    expect(shell.asked).toEqual(['manifest-copies on cp-1']);
    expect([world.seen.log, world.seen.messages]).toEqual([[], []]);
  });

  it('I18 names and announces what was to stay and is gone', async () => {
    const { world, running } = scene(copies({ [API]: ['--a=1', '--b=1'] }, { [API]: ['--b=2'] }, exampleDiff()));
    await running;
    const headline = 'The upgrade of cp-1 to 1.36.4 has changed in its manifests what was to stay';
    expect(warnings(world)).toEqual([`${headline}: kube-apiserver --a: "1" → gone; kube-apiserver --b: "1" → "2"`]);
    expect(world.seen.messages[0]?.text).toContain(`⚠️ ${headline}:\nkube-apiserver --a: "1" → gone\n`);
  });

  it('I18 ends the run there where the settings say so, before the next control plane is touched', async () => {
    const { world, running } = scene(copies({ [API]: ['--a=1'] }, { [API]: [] }), BLOCK);
    expect(await refusalOf(running)).toMatchObject([
      { check: 'manifests-kept', reason: 'ManifestValuesLost', severity: 'block' },
    ]);
    expect(world.seen.messages).toEqual([]);
  });

  it('only logs what was said before the upgrade', async () => {
    const promised = exampleDiff({ [API]: [['--a=1'], []] });
    const { world, running } = scene(copies({ [API]: ['--a=1'] }, { [API]: [] }, promised), BLOCK);
    await running;
    expect(world.seen.log.map(({ level, message }) => [level, message])).toEqual([
      ['info', 'changed in the manifests as was said before: kube-apiserver --a: "1" → gone'],
    ]);
    expect(world.seen.messages).toEqual([]);
  });

  it.each([
    ['it went another way than was said', exampleDiff({ [API]: [['--a=1'], ['--a=2']] })],
    ['a patch was to put it back', `nightlift-patch\tkube-apiserver.yaml\n${exampleDiff({ [API]: [['--a=1'], []] })}`],
    ['what was said cannot be read', 'garbage'],
    ['nothing was said', undefined],
  ])('names it when %s', async (_, promised) => {
    const { world, running } = scene(copies({ [API]: ['--a=1'] }, { [API]: [] }, promised));
    await running;
    expect(warnings(world)).toEqual([expect.stringContaining('kube-apiserver --a: "1" → gone')]);
  });

  it('is content when what was said to go has stayed, as by a patch', async () => {
    const promised = exampleDiff({ [API]: [['--a=1'], []] });
    const { world, running } = scene(copies({ [API]: ['--a=1'] }, { [API]: ['--a=1'] }, promised));
    await running;
    expect(world.seen.log).toEqual([]);
  });

  it('leaves out what is expected', async () => {
    const kubeadm = { droppedFlags: 'block', expectedChanges: ['kube-apiserver --a'] };
    const { world, running } = scene(copies({ [API]: ['--a=1'] }, { [API]: [] }), { kubeadm });
    await running;
    expect(world.seen.log).toEqual([]);
  });

  it.each([
    ['also when it was said before', exampleDiff({ [API]: [[SIGN_ON], []] }), {}],
    [
      'also when it is expected, where a restore script is to put it back',
      undefined,
      {
        kubeadm: { expectedChanges: ['kube-apiserver --authentication-config'] },
        oidcRestore: { sha256: 'a'.repeat(64) },
      },
    ],
  ])('I18 misses --authentication-config %s', async (_, promised, settings) => {
    const { world, running } = scene(copies({ [API]: [SIGN_ON] }, { [API]: [] }, promised), settings);
    await running;
    expect(warnings(world)).toEqual([
      'The upgrade of cp-1 to 1.36.4 has changed in its manifests what was to stay (single sign-on may be broken): kube-apiserver --authentication-config: "/etc/a.yaml" → gone',
    ]);
  });

  it('does not miss it where an operator expects it to go', async () => {
    const kubeadm = { expectedChanges: ['kube-apiserver --authentication-config'] };
    const { world, running } = scene(copies({ [API]: [SIGN_ON] }, { [API]: [] }), { kubeadm });
    await running;
    expect(world.seen.log).toEqual([]);
  });

  it.each([
    ['ends the run for what etcd has lost and was to keep', [['--q=8'], ['--q=8']], 'block'],
    ['only logs what etcd was said to lose', [['--q=8'], []], undefined],
  ] as const)('I18 %s', async (_, [before, after], severity) => {
    const promised = `${exampleEtcdDiff(before, after)}${exampleDiff()}`;
    const { world, running } = scene(copies({ etcd: ['--q=8'] }, { etcd: [] }, promised), BLOCK);
    if (severity === undefined) await running;
    else expect(await refusalOf(running)).toMatchObject([{ reason: 'ManifestValuesLost', severity }]);
    expect([warnings(world), world.seen.messages]).toEqual([[], []]);
  });

  it('names what etcd has lost where that was not known beforehand, and ends no run for it', async () => {
    const { world, running } = scene(copies({ etcd: ['--quota-backend-bytes=8'] }, { etcd: [] }, exampleDiff()), BLOCK);
    await running;
    expect(warnings(world)).toEqual([expect.stringContaining('etcd --quota-backend-bytes: "8" → gone')]);
    expect(world.seen.messages).toHaveLength(1);
  });

  it.each([
    [copies({}, { [API]: [] }), 'kube-apiserver: there is no copy of before'],
    [copies({ etcd: [], [API]: [] }, { [API]: [] }), 'etcd: there is no manifest any more'],
    [
      copies({ [API]: [] }, { [API]: [] }).replace(/now kube-apiserver \S+/, `now kube-apiserver ${base64('no')}`),
      'kube-apiserver: it is no static pod',
    ],
  ])('says what could not be compared, and takes it for nothing: %#', async (answer, why) => {
    const { world, running } = scene(answer, BLOCK);
    await running;
    expect(warnings(world)).toEqual([
      expect.stringContaining(
        `After the upgrade of cp-1 to 1.36.4 it is not known whether its manifests say what they said before: ${why}`,
      ),
    ]);
    expect(world.seen.messages).toHaveLength(1);
  });

  it.each(['', '<html></html>', copies({}, { [API]: [] }).replace(END, '')])(
    'fails where the answer is none: %#',
    async (stdout) => {
      expect(await errorOf(scene(stdout).running)).toMatchObject({ kind: 'node' });
    },
  );
});
