import { type Dependency, inject } from './fault-injection.ts';
import { type ScenePhase, startFaultScene } from './fault-scene.ts';

const HTTP = [
  'refused',
  'hangs',
  '500',
  '429',
  'empty',
  'garbage',
  'truncated',
  'slow',
  'redirect ring',
  'foreign redirect',
  'foreign certificate',
  'refused for a moment',
];
const API = [
  'refused',
  'hangs',
  '500',
  '500 of etcd',
  '429',
  '503',
  '401',
  '403',
  '404',
  '302',
  'empty',
  'garbage',
  'truncated',
  'slow',
  'foreign certificate',
  'expired certificate',
];
const APIM = [
  ...['refused', 'hangs', '500', '500 of etcd', '429', '503', '403', 'empty', 'garbage', 'truncated'].map(
    (f) => f + ' in the middle',
  ),
  ...['refused', 'hangs', '500', '500 of etcd', '429', '503', '403', 'empty', 'garbage', 'truncated'].map(
    (f) => f + ' in the middle for a moment',
  ),
  'refused for a moment',
  '429 for a moment',
];
const SSH = [
  'refused',
  'hangs',
  'empty',
  'garbage',
  'truncated',
  'slow',
  'empty for a moment',
  'truncated for a moment',
  'foreign host key',
  'no host key pinned',
  'login refused',
  'sudo wants a password',
];
const APT = [
  'refused',
  'hangs',
  '500',
  '429',
  'slow',
  'expired certificate',
  'lock held',
  'broken signature',
  'disk full',
  'empty madison',
  'garbage madison',
  'truncated madison',
];
const REG = [
  'refused',
  'hangs',
  '500',
  '429',
  'garbage',
  'truncated',
  'slow',
  'redirect ring',
  'expired certificate',
  'image missing',
];
const all: Record<string, [Dependency, string[]][]> = {
  check: [
    ['api', [...API, ...APIM]],
    ['ssh', SSH],
    ['apt', APT],
    ['feed', HTTP],
    ['prometheus', HTTP],
    ['pushgateway', HTTP],
    ['slack', []],
  ],
  preflight: [
    ['api', [...API, ...APIM]],
    ['ssh', SSH],
    ['apt', APT],
    ['feed', HTTP.filter((f) => f !== 'hangs' && f !== 'foreign certificate')],
    ['registry', REG],
    ['prometheus', HTTP],
    ['pushgateway', HTTP],
    ['slack', HTTP],
  ],
  master: [
    ['api', [...API, ...APIM]],
    ['ssh', SSH],
    ['apt', APT],
    ['feed', HTTP.filter((f) => f !== 'hangs' && f !== 'foreign certificate')],
    ['registry', REG],
    ['prometheus', HTTP],
  ],
  worker: [
    ['api', [...API, ...APIM]],
    ['ssh', SSH],
    ['apt', APT],
    ['feed', HTTP.filter((f) => f !== 'hangs' && f !== 'foreign certificate')],
    ['prometheus', HTTP],
  ],
  postflight: [
    ['api', [...API, ...APIM]],
    ['prometheus', HTTP],
    ['pushgateway', HTTP],
    ['slack', HTTP],
  ],
};
const phase = process.argv[2] as ScenePhase;
const only = process.argv[3];
const s = await startFaultScene(phase, {
  controlPlanes: 1,
  workers: 2,
  version: phase === 'check' ? '1.35.8' : '1.36.3',
  published: ['1.36.4'],
});
for (const [dep, faults] of all[phase]!) {
  if (only && dep !== only) continue;
  for (const f of faults) {
    const t = performance.now();
    try {
      const i = await inject(s, dep, f);
      const end = await s.run(i.options);
      const h = i.hits();
      await i.end();
      console.log(
        `${phase} | ${dep} | ${f} | ${end.kind} | hits ${h} jobs ${end.jobs.join()} cord ${end.cordoned.join()} chg ${end.changed.join()} | ${Math.round(performance.now() - t)} | ${end.message.slice(0, 230)}`,
      );
    } catch (e) {
      console.log(`${phase} | ${dep} | ${f} | THROWN ${(e as Error).stack?.slice(0, 300)}`);
    }
    await s.reset();
  }
}
await s.close();
process.exit(0);
