import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { exampleJob } from '../../test/support/example-deps.ts';
import { exampleFacts, exampleNode } from '../facts/example-facts.ts';
import type { Facts } from '../facts/facts.ts';
import { known } from '../observed.ts';
import { readFacts } from './facts.ts';

const folder = mkdtempSync(join(tmpdir(), 'nightlift-facts-'));
afterAll(() => rmSync(folder, { recursive: true }));

function read(facts: unknown): Facts {
  const file = join(folder, 'facts.json');
  writeFileSync(file, JSON.stringify(facts));
  return readFacts(file);
}

describe('facts from a file', () => {
  it('are what was written', () => {
    expect(read(exampleFacts())).toEqual(exampleFacts());
    const job = { ...exampleJob('detector'), target: '' };
    expect(read(exampleFacts({ chainJobs: known([job]) })).chainJobs).toEqual(known([job]));
  });

  it.each<[string, Partial<Facts>]>([
    ['nodes.value[0].kubelet', { nodes: known([exampleNode('cp-1', { kubelet: 'garbage' })]) }],
    ['nodes.value[0].kubelet', { nodes: known([exampleNode('worker-1', { kubelet: '' })]) }],
    ['nodes.value[0].kubelet', { nodes: known([exampleNode('worker-1', { kubelet: 'v1.36.3' })]) }],
    ['nodes.value[0].apiServer', { nodes: known([exampleNode('cp-1', { apiServer: 'v1.36.3' })]) }],
    ['apiServer.value', { apiServer: known('1.36') }],
    ['kubeadmConfig.value', { kubeadmConfig: known('stable') }],
    ['chainJobs.value[0].target', { chainJobs: known([{ ...exampleJob('worker'), target: 'latest' }]) }],
    [
      'patchReleases.value.versions[0]',
      { patchReleases: known({ minor: '1.36', source: '', versions: ['1.36.3-1'] }) },
    ],
    ['nextMinorReleases.value.minor', { nextMinorReleases: known({ minor: 'v1.37', source: '', versions: [] }) }],
  ])('are refused with the field %s for a version that is none', (field, facts) => {
    let thrown: unknown;
    try {
      read(exampleFacts(facts));
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ kind: 'usage', exitCode: 64, message: expect.stringContaining(`→ at ${field}`) });
  });
});
