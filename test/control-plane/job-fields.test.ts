import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { startControlPlane } from './real-control-plane.ts';
import { FIELDS_FILE, jobFieldsOf } from './record-job-fields.ts';

const plane = await startControlPlane();
const missing = 'missing' in plane ? ` (not tried: ${plane.missing})` : '';

afterAll(async () => {
  if (!('missing' in plane)) await plane.close();
});

describe.skipIf(missing !== '')('the fields of a Job that the embedded API server knows', () => {
  it(`are those of a real one${missing}`, async () => {
    if ('missing' in plane) throw new Error(plane.missing);
    expect(JSON.parse(readFileSync(FIELDS_FILE, 'utf8'))).toEqual(await jobFieldsOf(plane));
  });
});
