import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { imageSourcesOf, KUBEADM_IMAGES } from './image-sources.ts';

const of = (text: string) => imageSourcesOf(parse(`kind: ClusterConfiguration\n${text}`));

describe('imageSourcesOf', () => {
  it('names each repository and tag that the cluster has of its own', () => {
    expect(
      of(`imageRepository: mirror.example.com:5000/k8s
dns: { imageRepository: mirror.example.com/dns, imageTag: v1.14.2-our1 }
etcd: { local: { dataDir: /data, imageRepository: "[fd00::1]:5000/etcd", imageTag: 3.6.8-0 } }`),
    ).toEqual({
      imageRepository: 'mirror.example.com:5000/k8s',
      dnsRepository: 'mirror.example.com/dns',
      dnsTag: 'v1.14.2-our1',
      etcdRepository: '[fd00::1]:5000/etcd',
      etcdTag: '3.6.8-0',
      withoutImages: [],
    });
  });

  it.each([
    '',
    'dns: {}\nproxy: {}\netcd: { local: { dataDir: /var/lib/etcd } }',
    'dns: null\netcd: null\nimageRepository: ""',
  ])('leaves to kubeadm what the configuration leaves to it: %j', (text) => expect(of(text)).toEqual(KUBEADM_IMAGES));

  it.each([
    ['dns: { disabled: true }', ['dns']],
    ['proxy: { disabled: true }', ['proxy']],
    ['dns: { disabled: false }', []],
    ['etcd: { external: { endpoints: [https://192.0.2.9:2379] } }', ['etcd']],
  ])('knows what the cluster does not have from kubeadm: %s', (text, expected) => {
    expect(of(text).withoutImages).toEqual(expected);
  });

  it.each([
    'imageRepository: "a b"',
    `imageRepository: "x'\\nkind: y"`,
    'imageRepository: -x',
    'imageRepository: 5',
    'imageRepository: https://mirror.example.com/k8s?x',
    'dns: { imageTag: "a/b" }',
    'dns: { imageTag: 1.14 }',
    'dns: [a]',
    'etcd: { local: { imageTag: "3.6.8-0 " } }',
    'etcd: { external: yes }',
  ])('takes nothing that cannot be a repository or a tag: %s', (text) => expect(() => of(text)).toThrow(/Invalid/));

  it.each([undefined, null, '', 'kind', [], { kind: 'InitConfiguration' }, { imageRepository: 'a' }])(
    'takes nothing that is no ClusterConfiguration: %j',
    (value) => expect(() => imageSourcesOf(value)).toThrow(/Invalid/),
  );
});
