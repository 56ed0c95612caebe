import { describe, expect, it } from 'vitest';
import { parseMadison } from './madison.ts';

const line = (
  name: string,
  version: string,
  origin = 'https://pkgs.k8s.io/core:/stable:/v1.36/deb  Packages',
): string => `   ${name} | ${version} | ${origin}`;
const all = (version: string): string[] => ['kubeadm', 'kubelet', 'kubectl'].map((name) => line(name, version));

describe('the answer of apt-cache madison', () => {
  it('gives the versions of a minor that have all three packages, oldest first', () => {
    const output = [
      ...all('1.36.10-1.1'),
      ...all('1.36.2-2.1'),
      line('kubeadm', '1.36.11-1.1'),
      ...all('1.35.9-1.1'),
    ].join('\n');
    expect(parseMadison(output, '1.36')).toEqual(['1.36.2', '1.36.10']);
  });

  it('counts neither source packages nor prereleases', () => {
    const output = [
      ...all('1.36.3-1.1'),
      ...all('1.36.4~rc.0-1.1'),
      line('kubeadm', '1.36.5-1.1', 'https://h/deb  Sources'),
    ].join('\n');
    expect(parseMadison(output, '1.36')).toEqual(['1.36.3']);
  });

  it.each([
    ['nothing', '', /it is empty/],
    ['only other minors', all('1.35.9-1.1').join('\n'), /no version of 1\.36/],
    ['kubeadm alone', line('kubeadm', '1.36.4-1.1'), /no version of 1\.36/],
    ['only kubelet', line('kubelet', '1.36.4-1.1'), /no released kubeadm/],
    ['something else', 'N: Unable to locate package kubeadm', /a line that is none of a package: "N: Unable/],
    ['a version of another kind', line('kubeadm', 'latest'), /"latest"/],
  ])('D02 is an error when it has %s', (_name, output, message) => {
    expect(() => parseMadison(output, '1.36')).toThrow(message);
  });
});
