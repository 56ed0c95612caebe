import { describe, expect, it } from 'vitest';
import { exampleFacts, exampleNode } from '../facts/example-facts.ts';
import { known, unknown } from '../observed.ts';
import { unclosedVersion } from './unclosed-run.ts';

const control = exampleNode('cp-1', { kubelet: '1.36.4', apiServer: '1.36.4' });
const worker = exampleNode('w-1', { kubelet: '1.36.4' });
const at = (...nodes: (typeof worker)[]) =>
  exampleFacts({ apiServer: known('1.36.4'), nodes: known([control, ...nodes]) });

describe('unclosedVersion', () => {
  it('is the version of all when a node still has the mark of the step that brought it there', () => {
    expect(unclosedVersion(at({ ...worker, unfinished: '1.36.4' }), undefined)).toBe('1.36.4');
  });

  it('is the version of all when the record of the run to it is still there', () => {
    expect(unclosedVersion(at(worker), '1.36.4')).toBe('1.36.4');
  });

  it('is none when nothing is left of a run, or what is left belongs to another version', () => {
    expect(unclosedVersion(at(worker), undefined)).toBeUndefined();
    expect(unclosedVersion(at(worker), '1.36.5')).toBeUndefined();
    expect(unclosedVersion(at({ ...worker, unfinished: '1.36.5' }), undefined)).toBeUndefined();
  });

  it('is none while the versions differ: that is a half-done upgrade', () => {
    const facts = at({ ...worker, kubelet: '1.36.3', unfinished: '1.36.4' });
    expect(unclosedVersion(facts, '1.36.4')).toBeUndefined();
  });

  it('is none when an API server does not show its version', () => {
    const facts = { ...at(), nodes: known([{ ...control, apiServer: null }]) };
    expect(unclosedVersion(facts, '1.36.4')).toBeUndefined();
  });

  it('is none when the nodes could not be read', () => {
    expect(unclosedVersion({ ...at(), nodes: unknown('timeout') }, '1.36.4')).toBeUndefined();
  });
});
