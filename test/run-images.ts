import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { STOCK_IMAGE } from '../src/install/bundle.ts';
import type { CheckResult } from './check-result.ts';
import { ROOT } from './run-command.ts';

/** The images that others make and we run: a tag can be moved to another program, a digest cannot. A release needs digests. */
export async function imagesByDigest(): Promise<CheckResult> {
  const release = process.env['NIGHTLIFT_RELEASE'] ?? '';
  const built = process.env['NODE_IMAGE'] ?? '';
  return Promise.resolve(
    judgeImages(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'), {
      stock: STOCK_IMAGE,
      built,
      isRelease: release !== '',
    }),
  );
}

export interface ImageQuestion {
  /** Of the install without an image of ours. */
  readonly stock: string;
  /** That a release is built with (--build-arg NODE_IMAGE); empty: that of the Dockerfile. */
  readonly built: string;
  readonly isRelease: boolean;
}

const DIGEST = /^[^\s@]+@sha256:[0-9a-f]{64}$/;

/** Every stage has to begin with the one variable, so that one digest pins all of it. */
export function judgeImages(dockerfile: string, { stock, built, isRelease }: ImageQuestion): CheckResult {
  const preset = /^ARG NODE_IMAGE=(\S+)$/m.exec(dockerfile)?.[1];
  const stages = [...dockerfile.matchAll(/^FROM\s+(\S+)/gm)].map(([, image]) => image ?? '');
  if (preset === undefined || stages.length === 0 || stages.some((image) => image !== '${NODE_IMAGE}')) {
    const detail = `Dockerfile: every FROM has to be \${NODE_IMAGE}, with a default in ARG NODE_IMAGE; it has ${stages.join(', ')}`;
    return { status: 'failed', detail };
  }
  if (preset.split('@')[0] !== stock.split('@')[0])
    return {
      status: 'failed',
      detail: `Dockerfile has ${preset}, the install without an image ${stock}: they have to be the same`,
    };
  const image = built === '' ? preset : built;
  if (DIGEST.test(image)) return { status: 'passed', detail: image };
  const detail = `${image} is a tag, which can be moved; a release is built with NODE_IMAGE=…@sha256:… (docs/release.md)`;
  return { status: isRelease ? 'failed' : 'not run', detail };
}
