import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RESOURCES, secrets } from '../../src/rehearsal/api/resources.ts';
import { NAMESPACE } from '../../src/rehearsal/deployment-objects.ts';
import { runNight } from '../../src/rehearsal/night.ts';
import { logOf, NIGHT_MS, SMALL, useNights } from './nights.ts';

const nights = useNights();
const MIRROR = 'planted-mirror-password';
const SOURCE = 'planted-source-password';
const OWN_FILE = /\/(etc\/apt\/sources\.list\.d\/other\.list|secrets\/k8s-upgrade\/\S+|serviceaccount\/token)$/;

/** Text files below a folder, which a night has written; not what was planted there. */
function* filesIn(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesIn(path);
    else if (entry.isFile() && !OWN_FILE.test(path) && !path.includes('/usr/bin/')) yield path;
  }
}

describe('the secrets of a night', { timeout: NIGHT_MS }, () => {
  it('D15 stand in no log, message, metric, object or file, on no node', async () => {
    let directory = '';
    try {
      await nights.cluster(
        SMALL,
        async (cluster) => {
          ({ directory } = cluster);
          const { store } = cluster.server;
          const creds = store.modify(secrets, 'k8s-upgrade-creds', NAMESPACE, (draft) => {
            draft.data = { ...draft.data, mirror_credentials: Buffer.from(`ci:${MIRROR}`).toString('base64') };
          });
          for (const { machine } of cluster.nodes.nodes)
            writeFileSync(
              machine.path('/etc/apt/sources.list.d/other.list'),
              `deb https://someone:${SOURCE}@mirror.example/core:/stable:/v1.35/deb/ /\n`,
            );
          const webhook = Buffer.from(creds.data?.['slack_webhook'] ?? '', 'base64').toString();
          const key = cluster.nodes.privateKeyPem.split('\n').find((line) => line.length > 60) ?? '';
          const planted = { mirror: MIRROR, source: SOURCE, webhook: new URL(webhook).pathname.slice(1), key };
          for (const secret of Object.values(planted)) expect(secret.length).toBeGreaterThan(10);

          const night = await runNight(cluster);
          expect(night.outcome, logOf(cluster)).toBe('upgraded');

          const written = new Map<string, string>([
            ['the log', logOf(cluster)],
            ['Slack', JSON.stringify(cluster.slack.messages)],
            ['the metrics', await (await fetch(`${cluster.pushgateway.url}/metrics`)).text()],
          ]);
          for (const resource of RESOURCES.filter((one) => one !== secrets))
            written.set(resource.plural, JSON.stringify(store.list(resource)));
          for (const file of filesIn(directory)) written.set(file, readFileSync(file, 'utf8'));
          expect(written.size).toBeGreaterThan(60);
          expect([...written.keys()].some((name) => name.endsWith('/log') || name.endsWith('.log'))).toBe(true);
          const found = [...written].flatMap(([where, text]) =>
            Object.entries(planted).flatMap(([what, secret]) => (text.includes(secret) ? [`${what} in ${where}`] : [])),
          );
          expect(found).toEqual([]);
          // What commands said and were given is for root.
          for (const { machine } of cluster.nodes.nodes)
            for (const folder of ['units', 'log'])
              expect(statSync(machine.path(`/var/lib/nightlift/${folder}`)).mode & 0o077).toBe(0);
        },
        { keep: true },
      );
    } finally {
      if (directory !== '') rmSync(directory, { recursive: true, force: true });
    }
  });
});
