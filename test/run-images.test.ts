import { describe, expect, it } from 'vitest';
import { judgeImages } from './run-images.ts';

const stock = 'node:24-slim';
const digest = `sha256:${'a1'.repeat(32)}`;
const dockerfile = (preset: string, ...stages: string[]): string =>
  [`ARG NODE_IMAGE=${preset}`, ...stages.map((image) => `FROM ${image} AS x`)].join('\n');
const OURS = dockerfile(stock, '${NODE_IMAGE}', '${NODE_IMAGE}');

describe('the images of others', () => {
  it.each([
    ['a tag', OURS, '', false, 'not run'],
    ['a tag in a release', OURS, '', true, 'failed'],
    ['a digest for the build of a release', OURS, `${stock}@${digest}`, true, 'passed'],
    ['half a digest', OURS, `${stock}@sha256:abc`, true, 'failed'],
    ['a digest in the file', dockerfile(`${stock}@${digest}`, '${NODE_IMAGE}'), '', true, 'passed'],
    [
      'a stage that goes its own way',
      dockerfile(`${stock}@${digest}`, '${NODE_IMAGE}', 'debian:12'),
      '',
      false,
      'failed',
    ],
    ['no variable', 'FROM node:24-slim', '', false, 'failed'],
    [
      'another image than the install without one',
      dockerfile(`node:22@${digest}`, '${NODE_IMAGE}'),
      '',
      false,
      'failed',
    ],
  ])('with %s', (_title, text, built, isRelease, status) => {
    expect(judgeImages(text, { stock, built, isRelease }).status).toBe(status);
  });
});
