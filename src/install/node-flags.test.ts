import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bundleContainer } from './bundle.ts';
import { NODE_FLAGS } from './node-flags.ts';

const dockerfile = readFileSync(join(import.meta.dirname, '../../Dockerfile'), 'utf8');
const flags = NODE_FLAGS.join(' ');

describe('a pod runs the program with the flags of Node', () => {
  it('from the image', () => {
    const entrypoint = /^ENTRYPOINT (.*)$/m.exec(dockerfile)?.[1] ?? '';
    expect(JSON.parse(entrypoint)).toEqual(['node', ...NODE_FLAGS, '/app/nightlift.cjs']);
  });

  it('whose compile cache is filled with them too: for a Node with others it does not count', () => {
    expect(dockerfile).toContain(`RUN node ${flags} /app/nightlift.cjs --help`);
  });

  it('from the ConfigMap', () => {
    expect(bundleContainer.command.join(' ')).toContain(`exec node ${flags} /tmp/nightlift.cjs`);
  });
});
