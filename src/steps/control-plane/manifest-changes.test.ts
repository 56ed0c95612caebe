import { describe, expect, it } from 'vitest';
import { controlPlane, TARGET, worker } from '../../../test/support/clusters.ts';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { exampleDiff, exampleEtcdDiff } from '../../../test/support/example-manifests.ts';
import { contextIn, errorOf, exampleShell, refusalOf } from '../../../test/support/example-step.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { manifestChanges } from './manifest-changes.ts';

const NODES = [worker('worker-1'), controlPlane('cp-2'), controlPlane('cp-1')];
const EDITED = exampleDiff({ 'kube-apiserver': [['--anonymous-auth=false', '--a=1'], ['--anonymous-auth=true']] });
const PATCHED = `nightlift-patch\tkube-apiserver0+strategic.yaml\n${EDITED}`;

function scene(
  options: { nodes?: readonly NodeFact[]; diffs?: readonly object[]; kubeadm?: object; stage?: object } = {},
) {
  const { nodes = NODES, diffs = [{ stdout: exampleDiff() }], kubeadm = {}, stage = {} } = options;
  const shell = exampleShell({ stage, diff: diffs });
  const world = exampleWorld({ nodes, settings: { kubeadm }, deps: { shell } });
  return { shell, world, context: contextIn(world, { phase: 'preflight' }) };
}

const HEADLINE = 'The upgrade to 1.36.4 changes more than the images in control plane manifests';

describe('manifest-changes', () => {
  it("asks the target's own kubeadm on each control plane, where it was staged", async () => {
    const { shell, world, context } = scene({ kubeadm: { patchesDirectory: '/etc/kubernetes/patches' } });
    await manifestChanges.run(context);
    expect(shell.asked).toEqual(['diff on cp-1', 'diff on cp-2']);
    expect(shell.scripts[0]?.variables['etcdConfiguration']).toContain(`"kubernetesVersion":"v${TARGET}"`);
    for (const line of [`TARGET='${TARGET}'`, "PATCHES='/etc/kubernetes/patches'", "NODE='cp-1'"])
      expect(shell.scripts[0]?.text).toContain(`\n${line}\n`);
    expect([world.seen.messages, world.seen.log]).toEqual([[], []]);
  });

  it('leaves out a control plane whose API server is on the target: there is nothing to compare', async () => {
    const { shell, context } = scene({ nodes: [controlPlane('cp-1', TARGET), controlPlane('cp-2')] });
    expect(await manifestChanges.skip?.(context)).toBeUndefined();
    await manifestChanges.run(context);
    expect(shell.asked.filter((asked) => asked.startsWith('diff'))).toEqual(['diff on cp-2']);
    const done = scene({ nodes: [controlPlane('cp-1', TARGET), worker('worker-1')] });
    expect(await manifestChanges.skip?.(done.context)).toBe('every API server is on 1.36.4 already');
  });

  it('asks a control plane whose API server cannot be seen', async () => {
    const { context } = scene({ nodes: [controlPlane('cp-1', TARGET, { apiServer: null })] });
    expect(await manifestChanges.skip?.(context)).toBeUndefined();
  });

  it('I18 warns and announces every change with before and after, and where', async () => {
    const { world, context } = scene({ diffs: [{ stdout: EDITED }] });
    await manifestChanges.run(context);
    const line = 'kube-apiserver --anonymous-auth: "false" → "true" (cp-1, cp-2)';
    expect(world.seen.log.map(({ level, message }) => [level, message])).toContainEqual([
      'warn',
      `${HEADLINE}: ${line}; kube-apiserver --a: "1" → gone (cp-1, cp-2)`,
    ]);
    const text = world.seen.messages.map((message) => message.text).join('\n');
    expect(text).toContain(`⚠️ ${HEADLINE}:\n`);
    expect(text).toContain('kube-apiserver --a: "1" → gone (cp-1, cp-2)');
    expect(text).toContain('expectedChanges: ["kube-apiserver --anonymous-auth","kube-apiserver --a"]');
  });

  it('I18 names what would go from the manifest of etcd, and refuses it as any other', async () => {
    const stdout = `nightlift-patch\tetcd.yaml\n${exampleEtcdDiff(['--quota-backend-bytes=8'], [])}${exampleDiff()}`;
    const { world, context } = scene({ diffs: [{ stdout }] });
    await manifestChanges.run(context);
    const line = 'etcd --quota-backend-bytes: "8" → gone (cp-1, cp-2)';
    expect(world.seen.log[0]?.message).toBe(`${HEADLINE}: ${line}`);
    const strict = scene({ diffs: [{ stdout }], kubeadm: { droppedFlags: 'block' } });
    expect(await refusalOf(manifestChanges.run(strict.context))).toMatchObject([{ reason: 'ManifestsChange' }]);
    const expectedChanges = ['etcd --quota-backend-bytes'];
    const named = scene({ diffs: [{ stdout }], kubeadm: { droppedFlags: 'block', expectedChanges } });
    await manifestChanges.run(named.context);
    expect(named.world.seen.log).toEqual([]);
  });

  it('names where it is not known what would change in the manifest of etcd; the settings decide', async () => {
    const stdout = `nightlift-etcd-unknown\texit code 1: error: unknown phase\n${exampleDiff()}`;
    const { world, context } = scene({ diffs: [{ stdout: exampleDiff() }, { stdout }] });
    await manifestChanges.run(context);
    expect(world.seen.log[0]).toMatchObject({
      level: 'warn',
      message: expect.stringMatching(
        /^What the upgrade to 1\.36\.4 would change in etcd's manifests is not known, .*: cp-2: exit code 1: error: unknown phase$/,
      ) as string,
    });
    expect(world.seen.messages).toHaveLength(1);
    const strict = scene({ diffs: [{ stdout }], kubeadm: { droppedFlags: 'block' } });
    expect(await refusalOf(manifestChanges.run(strict.context))).toMatchObject([{ reason: 'EtcdChangesUnknown' }]);
  });

  it('names a change of one control plane as that of this one', async () => {
    const { world, context } = scene({ diffs: [{ stdout: exampleDiff() }, { stdout: EDITED }] });
    await manifestChanges.run(context);
    expect(world.seen.log[0]?.message).toContain('--a: "1" → gone (cp-2)');
  });

  it('takes nothing that a manifest says for markup', async () => {
    const diff = exampleDiff({ 'kube-scheduler': [['--a=<!channel>'], []] });
    const { world, context } = scene({ diffs: [{ stdout: diff }] });
    await manifestChanges.run(context);
    expect(world.seen.messages[0]?.text).toContain('&lt;!channel&gt;');
  });

  it('I18 refuses them where the settings say so, and announces nothing', async () => {
    const { world, context } = scene({ diffs: [{ stdout: EDITED }], kubeadm: { droppedFlags: 'block' } });
    expect(await refusalOf(manifestChanges.run(context))).toEqual([
      {
        check: 'kubeadm-diff',
        reason: 'ManifestsChange',
        class: 'actionable',
        severity: 'block',
        message: expect.stringMatching(new RegExp(`^${HEADLINE}: kube-apiserver --anonymous-auth`)) as string,
        remedy: expect.stringMatching(/^Put what is to stay into kubeadm-config/) as string,
      },
    ]);
    expect(world.seen.messages).toEqual([]);
  });

  it.each([
    [['kube-apiserver --anonymous-auth', 'kube-apiserver --a', 'etcd --nothing-of-the-kind'], []],
    [['kube-apiserver --anonymous-auth'], ['--a: ']],
    // No part of a name, and no other component.
    [
      ['kube-apiserver --anonymous', 'kube-scheduler --a', 'kube-apiserver --anonymous-auth=false'],
      ['--a: ', '--anonymous-auth: '],
    ],
  ])('leaves out what is expected, by its exact name: %j', async (expectedChanges, said) => {
    const { world, context } = scene({ diffs: [{ stdout: EDITED }], kubeadm: { expectedChanges } });
    await manifestChanges.run(context);
    const text = world.seen.log.map(({ message }) => message).join('\n');
    for (const name of ['--a: ', '--anonymous-auth: ']) expect(text.includes(name)).toBe(said.includes(name));
  });

  it('goes on where patches may put a thing back, and says so; what they are not for is refused', async () => {
    const kubeadm = { droppedFlags: 'block', patchesDirectory: '/etc/kubernetes/patches' };
    const { world, context } = scene({ diffs: [{ stdout: PATCHED }], kubeadm });
    await manifestChanges.run(context);
    expect(world.seen.log[0]).toMatchObject({
      level: 'warn',
      message: expect.stringContaining(
        `${HEADLINE}, unless the patches in /etc/kubernetes/patches put it back, at which kubeadm upgrade diff does not look: kube-apiserver`,
      ),
    });
    const both = exampleDiff({ 'kube-apiserver': [['--a=1'], []], 'kube-scheduler': [['--b=1'], []] });
    const other = scene({ diffs: [{ stdout: `nightlift-patch\tkube-apiserver.yaml\n${both}` }], kubeadm });
    const [finding] = await refusalOf(manifestChanges.run(other.context));
    expect(finding?.message).toContain('kube-scheduler --b');
    expect(finding?.message).not.toContain('--a');
  });

  it.each(['', '<html>login</html>', exampleDiff().slice(0, 700), exampleDiff({}, '1.36.5')])(
    'fails where the answer is none, also where changes are no reason to stop: %#',
    async (stdout) => {
      const { context } = scene({ diffs: [{ stdout }] });
      expect(await errorOf(manifestChanges.run(context))).toMatchObject({
        kind: 'node',
        message: expect.stringMatching(
          /^kubeadm upgrade diff v1.36.4 on cp-1: what would change .* is not known/,
        ) as string,
      });
    },
  );

  it('fails with what was done when kubeadm does', async () => {
    const { context } = scene({ diffs: [{ exitCode: 22 }] });
    expect(await errorOf(manifestChanges.run(context))).toMatchObject({
      message: expect.stringContaining('kubeadm upgrade diff v1.36.4 on cp-1: diff.sh ended with exit code 22'),
    });
  });
});
