import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ApiServer, startApiServer } from '../../src/rehearsal/api/api-server.ts';
import { configMaps, namespaces } from '../../src/rehearsal/api/resources.ts';
import { startSlack } from '../../src/rehearsal/services/slack.ts';
import { callCli } from '../support/call-cli.ts';

let server: ApiServer;
let directory: string;

beforeEach(async () => {
  server = await startApiServer();
  directory = mkdtempSync(join(tmpdir(), 'nightlift-settings-'));
  writeFileSync(join(directory, 'kubeconfig'), server.kubeconfig());
  server.store.create(namespaces, { metadata: { name: 'k8s-upgrade' }, spec: {} });
});
afterEach(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

const call = (...argv: string[]) => callCli([...argv, '--kubeconfig', join(directory, 'kubeconfig')]);

function setConfig(data: Record<string, string>): void {
  server.store.create(configMaps, { metadata: { name: 'k8s-upgrade-config', namespace: 'k8s-upgrade' }, data });
}

const paused = (namespace = 'k8s-upgrade') =>
  server.store.get(configMaps, 'k8s-upgrade-killswitch', namespace) !== undefined;

/** Each of them would have been live defaults, or would have taken the kill switch away from its operator. */
const LOST: readonly (readonly [title: string, data: Record<string, string> | undefined, says: RegExp])[] = [
  ['no ConfigMap', undefined, /there is no such ConfigMap/],
  ['another key', { 'config.yml': 'dryRun: true' }, /it has no such key, but config\.yml/],
  ['an empty key', { 'config.yaml': '# merged away\n' }, /it says nothing/],
  ['a misspelt key', { 'config.yaml': 'dryrun: true' }, /did you mean .*dryRun/],
  ['no YAML', { 'config.yaml': 'window: [' }, /this is not YAML/],
  ['an alias to nothing', { 'config.yaml': 'window: *night' }, /this is not YAML: Unresolved alias/],
];

describe('on a workstation', { timeout: 30_000 }, () => {
  it.each(LOST)(
    'pause, status and resume work with %s, and say in one line what they go on with',
    async (_title, data, says) => {
      if (data !== undefined) setConfig(data);
      const pause = await call('pause', '--reason', 'settings are broken');
      expect([pause.code, paused()], pause.err).toEqual([0, true]);
      expect(
        pause.err
          .trim()
          .split('\n')
          .filter((line) => line.startsWith('WARN')),
      ).toHaveLength(1);
      expect(pause.err).toMatch(says);
      expect(pause.err).toMatch(/namespace=k8s-upgrade annotationPrefix=nightlift/);
      const status = await call('status');
      expect([status.code, status.out]).toEqual([0, expect.stringContaining('Paused: settings are broken')]);
      expect((await call('resume')).code).toBe(0);
      expect(paused()).toBe(false);
    },
  );

  it('status goes on with the prefix that can be read beside a mistake', async () => {
    setConfig({ 'config.yaml': 'annotationPrefix: example.org\ndryrun: true\nwindow: *night\n' });
    server.store.modify(namespaces, 'k8s-upgrade', '', (draft) => {
      draft.metadata.annotations = {
        'example.org/k8s-upgrade-in-flight': '2026-11-21T23:00:00Z',
        'example.org/k8s-upgrade-target': '1.36.4',
      };
    });
    const { out, err } = await call('status');
    expect(out).toContain('Upgrade to 1.36.4 recorded as running');
    expect(err).toContain('annotationPrefix=example.org');
  });

  it('status says why the window is closed', async () => {
    const frozen = '[{ from: 2020-01-01, to: 2199-12-31, reason: frozen }]';
    setConfig({ 'config.yaml': `window: { start: "23:00", end: "05:00", blackouts: ${frozen} }` });
    const { out } = await call('status');
    expect(out).toMatch(
      /^Window: closed \(it is .* UTC, and 2020-01-01 to 2199-12-31 are left out: frozen\); it does not open within a year/m,
    );
  });

  it('pause needs no addon matrix, which stands in a pod', async () => {
    setConfig({ 'config.yaml': 'addons: { matrixFile: /config/addons.yaml }\n' });
    expect(await call('pause')).toMatchObject({ code: 0, err: '' });
  });

  it.each(LOST.filter(([, data]) => data !== undefined))(
    'gate and plan do not judge by the defaults with %s',
    async (_title, data, says) => {
      setConfig(data ?? {});
      for (const command of ['gate', 'plan']) {
        const { code, err } = await call(command, '--target', '1.36.4');
        expect([code, err]).toEqual([64, expect.stringMatching(says)]);
      }
    },
  );

  it.each(LOST)('upgrade starts nothing with %s', async (_title, data, says) => {
    if (data !== undefined) setConfig(data);
    const { code, err } = await call('upgrade', '--to', '1.36.4', '--yes', '--no-follow');
    expect([code, err]).toEqual([64, expect.stringMatching(says)]);
    expect(server.requests.writes).toEqual([]);
  });

  it('gate takes the addon matrix of the cluster, and not none when it is lost', async () => {
    const config = 'addons: { matrixFile: /config/addons.yaml }\n';
    setConfig({ 'config.yaml': config });
    const lost = await call('gate', '--target', '1.36.4');
    expect([lost.code, lost.err]).toEqual([
      64,
      expect.stringContaining(
        'reading the addon matrix key addons.yaml of ConfigMap k8s-upgrade-config: there is no such key',
      ),
    ]);
    for (const [text, says] of [
      ['# nothing\n', 'it says nothing'],
      ['addons: [{ name: cillium }]', 'did you mean "cilium"'],
    ] as const) {
      server.store.modify(configMaps, 'k8s-upgrade-config', 'k8s-upgrade', (draft) => {
        draft.data = { 'config.yaml': config, 'addons.yaml': text };
      });
      const { code, err } = await call('gate', '--target', '1.36.4');
      expect([code, err]).toEqual([64, expect.stringContaining(says)]);
    }
  });

  it('the addon matrix is the key addons.yaml, without being named, and only who asks the gate needs it', async () => {
    setConfig({ 'config.yaml': '{}', 'addons.yaml': '# nothing\n' });
    const { code, err } = await call('gate', '--target', '1.36.4');
    expect([code, err]).toEqual([
      64,
      expect.stringContaining(
        'reading the addon matrix key addons.yaml of ConfigMap k8s-upgrade-config: it says nothing',
      ),
    ]);
    for (const command of ['status', 'facts']) expect((await call(command)).code).toBe(0);
  });
});

describe('in the morning after', () => {
  it.each([
    ['without settings', undefined, 'it is not there'],
    ['with settings that say nothing', '# merged away', 'it says nothing'],
    ['with a matrix that is lost', 'addons: { matrixFile: /config/addons.yaml }', 'reading the addon matrix'],
  ])('the report says in Slack that nothing runs %s', async (_title, config, says) => {
    const slack = await startSlack();
    mkdirSync(join(directory, 'config'));
    mkdirSync(join(directory, 'secrets/k8s-upgrade'), { recursive: true });
    mkdirSync(join(directory, 'var/run/secrets/kubernetes.io/serviceaccount'), { recursive: true });
    for (const name of ['token', 'ca.crt'])
      writeFileSync(join(directory, 'var/run/secrets/kubernetes.io/serviceaccount', name), 'x');
    writeFileSync(join(directory, 'secrets/k8s-upgrade/slack_webhook'), slack.webhookUrl);
    if (config !== undefined) writeFileSync(join(directory, 'config/config.yaml'), config);
    const before = { ...process.env };
    Object.assign(process.env, { NIGHTLIFT_ROOT: directory, KUBERNETES_SERVICE_HOST: '127.0.0.1' });
    try {
      expect((await callCli(['report'])).code).toBe(64);
      expect(slack.messages.map(({ text }) => text)).toEqual([
        expect.stringMatching(/^\*🔴 Nightlift does not run: its settings are not in order\*\n.*\nWhat to do: /),
      ]);
      expect(slack.messages[0]?.text).toContain(says);
    } finally {
      process.env = before;
      await slack.close();
    }
  });
});

describe('in a pod', () => {
  it.each(['check', 'phase', 'report'])(
    '%s ends with 64 without its settings file, and sends nothing',
    async (command) => {
      mkdirSync(join(directory, 'config'));
      const before = { ...process.env };
      Object.assign(process.env, {
        NIGHTLIFT_ROOT: directory,
        KUBERNETES_SERVICE_HOST: '127.0.0.1',
        KUBERNETES_SERVICE_PORT: String(server.port),
        PHASE: 'preflight',
        TARGET_VERSION: '1.36.4',
      });
      try {
        const { code, out } = await callCli([command]);
        expect([code, out]).toEqual([64, expect.stringContaining('key config.yaml of ConfigMap k8s-upgrade-config')]);
        expect(server.requests.records).toEqual([]);
      } finally {
        process.env = before;
      }
    },
  );
});
