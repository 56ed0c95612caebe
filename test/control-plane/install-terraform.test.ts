import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { admissionPolicy } from '../../src/install/admission-policy.ts';
import { packBundle } from '../../src/install/bundle.ts';
import { deployFiles, toYaml } from '../../src/install/deploy-files.ts';
import { installObjects } from '../../src/install/install-objects.ts';
import { readInstallTemplates } from '../../src/install/install-templates.ts';
import { kubectl, until } from './install-kubectl.ts';
import { comparable, storedObjects } from './install-stored.ts';
import { openTofu } from './install-tofu.ts';
import { startControlPlane } from './real-control-plane.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const IMAGE = 'nightlift:0.1.0';

const plane = await startControlPlane();
const tofu = 'missing' in plane ? plane : await openTofu(makeDirectory(plane.directory), plane.kubeconfigPath);
const missing = 'missing' in plane ? plane.missing : 'missing' in tofu ? tofu.missing : undefined;

afterAll(async () => {
  if (!('missing' in plane)) await plane.close();
});

/** The copy's manifests, made anew of the copy's templates: whether the committed ones are up to date is another test's question. */
function deployFolder(): string {
  const copy = join(ready().plane.directory, 'module');
  const config = readFileSync(join(copy, 'deploy/base/config.yaml'), 'utf8');
  for (const [path, text] of deployFiles(readInstallTemplates(join(copy, 'templates')), config))
    writeFileSync(join(copy, path), text);
  return join(copy, 'deploy');
}

function makeDirectory(parent: string): string {
  const directory = join(parent, 'module');
  mkdirSync(directory);
  return directory;
}

function ready() {
  if ('missing' in plane || 'missing' in tofu) throw new Error(missing);
  return { plane, tofu };
}

async function apply(variables: Readonly<Record<string, unknown>>): Promise<string> {
  const file = join(ready().plane.directory, 'module', 'test.tfvars.json');
  writeFileSync(file, JSON.stringify(variables));
  return await ready().tofu.run(['apply', '-auto-approve', '-no-color', '-input=false', `-var-file=${file}`]);
}

async function plan(variables: Readonly<Record<string, unknown>>): Promise<string> {
  const file = join(ready().plane.directory, 'module', 'plan.tfvars.json');
  writeFileSync(file, JSON.stringify(variables));
  return await ready().tofu.run(['plan', '-no-color', '-input=false', `-var-file=${file}`]);
}

describe.skipIf(missing !== undefined)(
  `the Terraform module on a real API server${missing === undefined ? '' : ` (not run: ${missing})`}`,
  { timeout: 240_000 },
  () => {
    it('is formatted and valid', async () => {
      await ready().tofu.run(['fmt', '-check', '-diff']);
      await ready().tofu.run(['init', '-no-color', '-input=false']);
      expect(await ready().tofu.run(['validate', '-no-color'])).toContain('The configuration is valid');
    });

    it('refuses a misspelt setting, a tag that moves and neither image nor program before anything is changed', async () => {
      await expect(plan({ image: IMAGE, settings: { alerts: { promUrl: 'http://p' } } })).rejects.toThrow(
        /no such settings:\s+alerts\.promUrl/,
      );
      await expect(plan({ image: 'nightlift:latest' })).rejects.toThrow(/fixed tag/);
      await expect(plan({})).rejects.toThrow(/Give image/);
      await expect(plan({ image: IMAGE, settings: { namespace: 'elsewhere' } })).rejects.toThrow(
        /leave settings\.namespace away/,
      );
      expect((await storedObjects(ready().plane)).size).toBe(0);
    });

    it('stores the same objects as kubectl apply -k deploy, and a second apply changes nothing', async () => {
      const deploy = deployFolder();
      await kubectl(ready().plane, ['apply', '-k', deploy]);
      const byKubectl = await storedObjects(ready().plane);
      await kubectl(ready().plane, ['delete', '-k', deploy, '--wait=true']);
      await until('the namespace to be gone', async () =>
        (await storedObjects(ready().plane)).size === 0 ? true : undefined,
      );

      await apply({ image: IMAGE });
      const byTofu = await storedObjects(ready().plane);
      expect([...byTofu.keys()]).toEqual([...byKubectl.keys()]);
      expect(Object.fromEntries(byTofu)).toEqual(Object.fromEntries(byKubectl));
      expect(await apply({ image: IMAGE })).toContain('0 added, 0 changed, 0 destroyed');
    });

    it('leaves the record of a run in flight on the namespace', async () => {
      await kubectl(ready().plane, [
        'annotate',
        'namespace',
        'k8s-upgrade',
        'nightlift/k8s-upgrade-in-flight=2026-11-21T23:00:00Z',
      ]);
      expect(await apply({ image: IMAGE })).toContain('0 added, 0 changed, 0 destroyed');
      const namespace = await kubectl(ready().plane, ['get', 'namespace', 'k8s-upgrade', '-o', 'json']);
      expect(namespace).toContain('2026-11-21T23:00:00Z');
    });

    it('shapes roles and ports by the settings as installObjects does, and takes the program from a file', async () => {
      const settings = {
        ssh: { port: 2222 },
        alerts: { prometheusUrl: 'http://prometheus.monitoring:9090' },
        pushgatewayUrl: 'http://pushgateway.monitoring',
        snapshot: { namespace: 'kube-system' },
        kured: { takeLock: true, namespace: 'default', daemonSet: 'reboots' },
        drain: { policies: [{ namespace: 'shop', action: 'delete-after' }] },
        quiesce: [{ namespace: 'databases', name: 'operator' }],
      };
      const bundle = packBundle(Buffer.from('console.log("the program")\n'.repeat(1000)));
      const file = join(ready().plane.directory, 'nightlift.cjs.gz');
      writeFileSync(file, bundle.gzip);
      const variables = { program_file: file, settings };
      await apply(variables);
      const byTofu = await storedObjects(ready().plane);
      expect(await apply(variables)).toContain('0 added, 0 changed, 0 destroyed');

      const objects = installObjects({
        templates: readInstallTemplates(join(ready().plane.directory, 'module/templates')),
        config: stringify(settings),
        bundle,
      });
      const output = await kubectl(
        ready().plane,
        ['apply', '--server-side', '--force-conflicts', '--dry-run=server', '-o', 'json', '-f', '-'],
        toYaml(objects),
      );
      const expected = new Map(
        (JSON.parse(output) as { items: Parameters<typeof comparable>[0][] }).items.map(
          (item) => [`${item.kind}/${item.metadata.namespace ?? ''}/${item.metadata.name}`, comparable(item)] as const,
        ),
      );
      expect([...byTofu.keys()].toSorted()).toEqual([...expected.keys()].toSorted());
      // The same settings, written as YAML by two programs.
      const config = byTofu.get('ConfigMap/k8s-upgrade/k8s-upgrade-config') as { data: Record<string, string> };
      expect(parse(config.data['config.yaml'] ?? '')).toEqual(settings);
      for (const objects of [byTofu, expected]) objects.delete('ConfigMap/k8s-upgrade/k8s-upgrade-config');
      expect(Object.fromEntries(byTofu)).toEqual(Object.fromEntries(expected));
    });

    it('stores the admission policy for the administrators that are named, and refuses a list without one', async () => {
      await expect(plan({ image: IMAGE, administrators: [] })).rejects.toThrow(/at least one user or group/);
      await expect(plan({ image: IMAGE, administrators: ["a'b"] })).rejects.toThrow(/without blanks, quotes/);
      const variables = { image: IMAGE, administrators: ['system:masters', 'ops@example.com'] };
      await apply(variables);
      expect(await apply(variables)).toContain('0 added, 0 changed, 0 destroyed');
      const policy = await kubectl(ready().plane, [
        'get',
        'validatingadmissionpolicy',
        'k8s-upgrade-is-root',
        '-o',
        'yaml',
      ]);
      const [generated] = admissionPolicy('k8s-upgrade', variables.administrators);
      expect((parse(policy) as { spec: unknown }).spec).toEqual(generated?.['spec']);
      expect(await apply({ image: IMAGE })).toContain('2 destroyed');
    });

    it('makes the Secret by an ExternalSecret when asked', async () => {
      await kubectl(
        ready().plane,
        ['apply', '-f', '-'],
        readFileSync(join(ROOT, 'test/fixtures/external-secret-crd.yaml'), 'utf8'),
      );
      await kubectl(ready().plane, ['wait', '--for=condition=Established', 'crd/externalsecrets.external-secrets.io']);
      const variables = { image: IMAGE, external_secret: { store_name: 'vault', key: 'k8s-upgrade' } };
      await apply(variables);
      expect(await apply(variables)).toContain('0 added, 0 changed, 0 destroyed');
      const stored = JSON.parse(
        await kubectl(ready().plane, ['-n', 'k8s-upgrade', 'get', 'externalsecret', 'k8s-upgrade-creds', '-o', 'json']),
      ) as {
        spec: { target: { name: string }; data: { secretKey: string }[] };
      };
      expect(stored.spec.target.name).toBe('k8s-upgrade-creds');
      expect(stored.spec.data.map(({ secretKey }) => secretKey)).toEqual(['known_hosts', 'slack_webhook', 'ssh_key']);
    });

    it('removes all of it again', async () => {
      await ready().tofu.run(['destroy', '-auto-approve', '-no-color', '-input=false', '-var', `image=${IMAGE}`]);
      expect((await storedObjects(ready().plane)).size).toBe(0);
    });
  },
);
