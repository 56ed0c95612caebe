import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { renderJobManifest } from '../../src/chain/job-manifest.ts';
import { parseSettings } from '../../src/settings/parse-settings.ts';
import { hasProgram } from '../run-command.ts';
import { startControlPlane } from './real-control-plane.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');

const plane = await startControlPlane();
const missing = 'missing' in plane ? plane.missing : undefined;

afterAll(async () => {
  if (!('missing' in plane)) await plane.close();
});

/** The shell commands under a heading of docs/operations.md, as they stand there. */
function commandsOf(heading: string): string {
  const [, section = ''] = PAGE.split(new RegExp(`^## ${heading}$`, 'm'));
  const text = section.split(/^## /m)[0] ?? '';
  return [...text.matchAll(/^```sh\n([^]*?)^```/gm)].map((match) => match[1] ?? '').join('');
}

/**
 * Runs a page's commands with the real kubectl; those that need a node, a person or Nightlift are left out. --norc: with
 * a socket for its input Debian's bash believes that a remote shell runs it, and reads /etc/bash.bashrc.
 */
function run(script: string, input = ''): { readonly code: number | null; readonly output: string } {
  if ('missing' in plane) throw new Error(missing);
  const kubectl = `kubectl() { '${join(plane.programs, 'kubectl')}' --kubeconfig '${plane.kubeconfigPath}' "$@"; }`;
  const kept = script.split('\n').filter((line) => !/^(nightlift|ssh|curl|sudo|exit)\b|logs /.test(line));
  const { status, stdout, stderr } = spawnSync(
    'bash',
    ['--norc', '-euo', 'pipefail', '-c', `${kubectl}\n${kept.join('\n')}`],
    {
      cwd: ROOT,
      input,
      encoding: 'utf8',
    },
  );
  return { code: status, output: `${stdout}${stderr}` };
}

function expectDone(script: string, input?: string): void {
  const { code, output } = run(script, input);
  expect(code, output).toBe(0);
}

describe.skipIf(missing !== undefined)('docs/operations.md on a real API server', () => {
  beforeAll(() => {
    const job = renderJobManifest(
      readFileSync(join(ROOT, 'templates/job.yaml'), 'utf8'),
      {
        step: { phase: 'preflight' },
        target: '1.36.4',
        name: 'k8s-upgrade-preflight-1-36-4',
        runner: 'node1',
        image: 'nightlift:test',
      },
      parseSettings('', 'the defaults'),
    );
    expectDone('kubectl apply -k deploy');
    expectDone('kubectl create -f -', stringify(job));
  }, 120_000);

  it('runs the detection and the report by hand', () => {
    const { code, output } = run(commandsOf('Run the detection now'));
    expect(code, output).toBe(0);
    expect(run('kubectl -n k8s-upgrade get jobs -o name').output).toMatch(/job\.batch\/report-\d+/);
  });

  it.skipIf(!hasProgram('jq'))('skips a phase by creating the Job of a later one, from any Job of the chain', () => {
    expectDone(commandsOf('Skip a phase'));
    const { output } = run('kubectl -n k8s-upgrade get job k8s-upgrade-worker-1-36-4-node2 -o json');
    expect(JSON.parse(output)).toMatchObject({
      metadata: {
        labels: { app: 'k8s-upgrade-chain', phase: 'worker', 'target-version': '1-36-4' },
        annotations: { 'nightlift/node': 'node2' },
      },
      spec: {
        template: {
          metadata: { labels: { phase: 'worker' } },
          spec: {
            containers: [
              {
                env: [
                  { name: 'PHASE', value: 'worker' },
                  { name: 'TARGET_VERSION', value: '1.36.4' },
                  { name: 'NODE_NAME', value: 'node2' },
                ],
              },
            ],
          },
        },
      },
    });
  });

  it('shows where it stands, deletes a Job and stops everything', () => {
    expectDone(commandsOf('See where it stands'));
    expectDone('kubectl -n k8s-upgrade delete job k8s-upgrade-worker-1-36-4-node2 --ignore-not-found');
    expectDone(commandsOf('Stop it'));
    expect(run('kubectl -n k8s-upgrade get jobs -l app=k8s-upgrade-chain -o name').output.trim()).toBe('');
    expect(run("kubectl -n k8s-upgrade get configmap k8s-upgrade-killswitch -o jsonpath='{.data.reason}'").output).toBe(
      'what is going on',
    );
  });

  it("lets the account take kured's lock and no other DaemonSet, delete pods and patch workloads, as the settings need it", () => {
    const may = (what: string): string =>
      run(`kubectl auth can-i ${what} -n kube-system --as system:serviceaccount:k8s-upgrade:k8s-upgrade-job`)
        .output.trim()
        .split('\n')
        .at(-1) ?? '';
    const asked = ['patch daemonset/kured', 'delete pods', 'patch deployments', 'patch daemonset/kube-proxy'];
    expect(asked.map(may)).toEqual(['no', 'no', 'no', 'no']);
    expectDone(commandsOf('Permissions that only a setting needs'));
    expect(asked.map(may)).toEqual(['yes', 'yes', 'yes', 'no']);
  });

  it('I21 clears the record of a run by hand', () => {
    expectDone(
      'kubectl annotate namespace k8s-upgrade nightlift/k8s-upgrade-in-flight=x nightlift/k8s-upgrade-target=1.36.4 nightlift/k8s-upgrade-snapshot-path=/b',
    );
    expectDone(commandsOf('Clear the record of a run that is gone'));
    expect(run("kubectl get namespace k8s-upgrade -o jsonpath='{.metadata.annotations}'").output).not.toContain(
      'k8s-upgrade-',
    );
  });
});
