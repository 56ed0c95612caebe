import { describe, expect, it } from 'vitest';
import { parseManifestCopies } from './manifest-copies.ts';

const line = (when: string, component: string, text: string) =>
  `nightlift-manifest\t${when} ${component} ${Buffer.from(text).toString('base64')}\n`;
const END = 'nightlift-manifests-end\tx\n';

describe('parseManifestCopies', () => {
  it('reads manifests of before and now, and what was promised', () => {
    const output = `a greeting\n${line('before', 'etcd', 'a\nb')}${line('now', 'etcd', 'ü')}nightlift-promised\t${Buffer.from('d').toString('base64')}\n${END}`;
    expect(parseManifestCopies(output)).toEqual({
      before: new Map([['etcd', 'a\nb']]),
      now: new Map([['etcd', 'ü']]),
      promised: 'd',
    });
    expect(parseManifestCopies(`${line('now', 'etcd', 'a')}${END}`)).toMatchObject({ promised: undefined });
  });

  it.each(['', 'no', line('now', 'etcd', 'a'), END, `${line('before', 'etcd', 'a')}${END}`])(
    'takes no half of an answer: %j',
    (output) => expect(() => parseManifestCopies(output)).toThrow(/the answer is not complete/),
  );
});
