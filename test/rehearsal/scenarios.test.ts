import { describe, expect, it } from 'vitest';
import { NIGHT_MS, useNights } from './nights.ts';

const nights = useNights();

describe.concurrent('a night on the embedded cluster', { timeout: NIGHT_MS }, () => {
  it.each([
    ['patch', 'I01 I02 I16 D16 a patch reaches every node, and no Job runs on the node that it drains'],
    ['minor', 'I14 D13 a minor is found behind a redirect and reaches every node'],
    ['ha', 'D19 every control plane is upgraded: the first with apply, the others with upgrade node'],
    ['killed', 'the Jobs are killed at four places, and the night ends upgraded with one kubeadm upgrade apply'],
  ] as const)('%s: %s', async (name, _title) => {
    const { night, differences } = await nights.scenario(name);
    expect(differences).toEqual([]);
    const drained = night.jobs.filter(({ node }) => node !== null);
    expect(drained.length).toBe(night.nodes.length);
    for (const { node, runner } of drained) expect(runner).not.toBe(node);
  });

  it('path: one command goes over two minors, each an upgrade of its own', async () => {
    const said: string[] = [];
    const { night, differences } = await nights.scenario('path', { onLine: (line) => said.push(line) });
    expect(differences, said.join('\n')).toEqual([]);
    expect(night.jobs.filter(({ phase }) => phase === 'snapshot')).toHaveLength(2);
    expect(said.at(-1)).toMatch(/^Done: 1\.35\.8 ─▶ 1\.36\.4 ─▶ 1\.37\.1, after /);
  });
});
