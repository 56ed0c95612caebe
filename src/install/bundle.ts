import { gunzipSync, gzipSync } from 'node:zlib';
import { NightliftError } from '../errors.ts';
import { NODE_FLAGS } from './node-flags.ts';

/** The program as data of a ConfigMap, for clusters that cannot or do not want to pull an image of ours. */
export interface Bundle {
  /** dist/nightlift.cjs, gzipped. */
  readonly gzip: Buffer;
}

export const BUNDLE_CONFIG_MAP = 'k8s-upgrade-program';
export const BUNDLE_KEY = 'nightlift.cjs.gz';
export const STOCK_IMAGE = 'node:24-slim';

/** Of all data of a ConfigMap, as the API server counts it (before base64). */
const CONFIG_MAP_LIMIT = 1024 * 1024;

/** The shell ends before the program starts, so that signals reach it. */
const START = `gzip -dc /program/${BUNDLE_KEY} > /tmp/nightlift.cjs && exec node ${NODE_FLAGS.join(' ')} /tmp/nightlift.cjs "$@"`;

export const bundleContainer = {
  command: ['/bin/sh', '-c', START, 'nightlift'],
  mount: { name: 'program', mountPath: '/program', readOnly: true },
} as const;

export const bundleVolume = { name: 'program', configMap: { name: BUNDLE_CONFIG_MAP } } as const;

/** @throws NightliftError when it does not fit a ConfigMap. */
export function packBundle(program: Buffer): Bundle {
  const gzip = gzipSync(program, { level: 9 });
  // The operating system's mark is the only byte that differs between machines.
  gzip[9] = 255;
  if (gzip.length >= CONFIG_MAP_LIMIT) {
    throw new NightliftError(
      'config',
      `packing the program into ConfigMap ${BUNDLE_CONFIG_MAP}: it has ${gzip.length} bytes compressed, and a ConfigMap holds ${CONFIG_MAP_LIMIT}`,
      { remedy: 'Build it minified (node build.mjs), or install with an image.' },
    );
  }
  if (gunzipSync(gzip).length !== program.length) throw new Error('packing the program lost bytes');
  return { gzip };
}

interface Insertion {
  readonly after: string;
  readonly text: string;
}

const INSERTIONS: readonly Insertion[] = [
  { after: '          image: {{image}}\n', text: `          command: ${JSON.stringify(bundleContainer.command)}\n` },
  {
    after: '          volumeMounts:\n',
    text: '            - name: program\n              mountPath: /program\n              readOnly: true\n',
  },
  {
    after: '      volumes:\n',
    text: `        - name: program\n          configMap:\n            name: ${BUNDLE_CONFIG_MAP}\n`,
  },
];

/** templates/job.yaml with the program from the ConfigMap. As text: before it is rendered it is no YAML, and its comments are for operators. */
export function bundleJobTemplate(template: string): string {
  let text = template;
  for (const { after, text: inserted } of INSERTIONS) {
    if (text.split(after).length !== 2) {
      throw new NightliftError(
        'config',
        `making the Job template without an image: "${after.trim()}" does not stand exactly once in templates/job.yaml`,
        {
          remedy: 'Mend templates/job.yaml, or the list of insertions in src/install/bundle.ts.',
        },
      );
    }
    text = text.replace(after, () => after + inserted);
  }
  return text;
}
