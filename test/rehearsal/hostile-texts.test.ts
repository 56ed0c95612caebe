import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ApiServer, startApiServer } from '../../src/rehearsal/api/api-server.ts';
import { configMaps, daemonSets, namespaces, nodes } from '../../src/rehearsal/api/resources.ts';
import { callCli } from '../support/call-cli.ts';

/** Clears a screen, writes the clipboard, turns text round, ends a line and begins one of its own. */
const HOSTILE = '\u001b[2J\u001b]52;c;ZXZpbA==\u0007\u009b31m\u202egnihton\u2066\u2028x\r\nFORGED: all is well\n';
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

let server: ApiServer;
let directory: string;

beforeEach(async () => {
  server = await startApiServer();
  directory = mkdtempSync(join(tmpdir(), 'nightlift-hostile-'));
  writeFileSync(join(directory, 'kubeconfig'), server.kubeconfig());
  const { store } = server;
  store.create(namespaces, {
    metadata: {
      name: 'k8s-upgrade',
      annotations: {
        'nightlift/k8s-upgrade-in-flight': `2026-11-21T23:00:00Z${HOSTILE}`,
        'nightlift/k8s-upgrade-target': `1.36.4${HOSTILE}`,
        'nightlift/k8s-upgrade-snapshot-path': HOSTILE,
        'nightlift/k8s-upgrade-stopped': `because ${HOSTILE}`,
      },
    },
    spec: {},
  });
  const put = (name: string, data: Record<string, string>): void =>
    void store.create(configMaps, { metadata: { name, namespace: 'k8s-upgrade' }, data });
  put('k8s-upgrade-config', { 'config.yaml': '{}' });
  put('k8s-upgrade-killswitch', { reason: `pause ${HOSTILE}` });
  put('k8s-upgrade-state', {
    limits: JSON.stringify({ values: { dryRun: HOSTILE }, before: null, changedAt: '2026-11-20T23:00:00Z' }),
  });
  store.create(nodes, {
    metadata: { name: 'n1', labels: { 'node-role.kubernetes.io/control-plane': '' } },
    spec: {},
    status: {
      conditions: [
        {
          type: 'Ready',
          status: 'False',
          reason: HOSTILE,
          message: HOSTILE,
          lastTransitionTime: '2026-11-20T23:00:00Z',
        },
      ],
      addresses: [{ type: 'InternalIP', address: `10.0.0.1${HOSTILE}` }],
      nodeInfo: {
        kubeletVersion: 'v1.36.3',
        osImage: HOSTILE,
        architecture: `amd64${HOSTILE}`,
        containerRuntimeVersion: `containerd://1.5.0${HOSTILE}`,
        machineID: HOSTILE,
      },
    },
  } as never);
  store.create(daemonSets, {
    metadata: { name: 'calico-node', namespace: 'kube-system' },
    spec: {
      selector: { matchLabels: { a: 'b' } },
      template: {
        metadata: { labels: { a: 'b' } },
        spec: { containers: [{ name: 'a', image: `quay.io/calico/node:v3.1${HOSTILE}` }] },
      },
    },
  } as never);
});
afterEach(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

const COMMANDS: readonly (readonly string[])[] = [
  ['status'],
  ['gate', '--target', '1.37.1'],
  ['plan', '--target', '1.36.4'],
  ['report', '--dry-run'],
  ['upgrade', '--to', '1.36.4', '--yes', '--no-follow'],
];

/** What a terminal would obey, but for our own line breaks and colours. */
function obeyed(text: string): readonly string[] {
  return [...text.replaceAll(/\p{Cc}\[(?:1|2|22|31|32|33|39)m/gu, '').matchAll(CONTROL)]
    .map(([sign]) => sign)
    .filter((sign) => sign !== '\n');
}

describe('texts from outside', { timeout: 60_000 }, () => {
  it.each(COMMANDS)('%s on a terminal: none does anything, and none begins a line', async (...command) => {
    const argv = command.filter((word) => typeof word === 'string');
    const { out, err } = await callCli([...argv, '--kubeconfig', join(directory, 'kubeconfig')], { terminal: true });
    expect(`${out}${err}`).not.toBe('');
    expect(obeyed(out)).toEqual([]);
    expect(obeyed(err)).toEqual([]);
    expect(`${out}${err}`.split('\n').filter((line) => line.startsWith('FORGED'))).toEqual([]);
  });

  it.each([['facts'], ...COMMANDS.map((command) => [...command, '-o', 'json'])])(
    '%s as JSON is plain JSON',
    async (...command) => {
      const argv = command.filter((word) => typeof word === 'string');
      const { out, err } = await callCli([...argv, '--kubeconfig', join(directory, 'kubeconfig')]);
      expect([obeyed(out), obeyed(err)]).toEqual([[], []]);
      if (out !== '') expect(JSON.parse(out)).toBeTypeOf('object');
    },
  );

  it('status shows what it was told, in one line', async () => {
    const { out } = await callCli(['status', '--kubeconfig', join(directory, 'kubeconfig')]);
    expect(out).toContain(
      String.raw`Paused: pause \u001b[2J\u001b]52;c;ZXZpbA==\u0007\u009b31m\u202egnihton\u2066 ⏎ x ⏎ FORGED: all is well`,
    );
  });
});
