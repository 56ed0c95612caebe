import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { etcdConfigurationOf } from '../../facts/etcd-configuration.ts';
import { KUBEADM_IMAGES } from '../../facts/image-sources.ts';
import { WITHOUT_LOCK } from '../../node/fence.ts';
import { accountScript, installedFiles, installScript } from '../../node/node-install.ts';
import { NODE_PROGRAM, nodePolicy, nodeRequest, releaseOf } from '../../node/node-program.ts';
import { renderScript } from '../../node/scripts.ts';
import { parseSettings } from '../../settings/parse-settings.ts';
import { nodeEnvironment } from './node-environment.ts';
import { scriptTemplate, startTestBench, type TestBench } from './test-bench.ts';
import { BOTH, run, stateOf, thisNode, upgrade, WORKER } from './test-steps.ts';

const PARTS = (name: string): string =>
  readFileSync(new URL(`../../../templates/node-program/${name}.sh`, import.meta.url), 'utf8');

function install(repoBase: string, more = '', scripts = scriptTemplate) {
  const settings = parseSettings(
    `packages: { baseUrl: '${repoBase}', keyFingerprints: [] }\nssh: { access: upgrade-only }\n${more}`,
    'the test',
  );
  return { scripts, parts: PARTS, policy: nodePolicy(settings), user: 'nightlift', publicKey: '' };
}

function restrict(bench: TestBench, more?: string, scripts?: (name: string) => string): void {
  const files = new Map(
    [...installedFiles(install(bench.feed.baseUrl, more, scripts))].map(([path, { text }]) => [path, text]),
  );
  for (const { restrict: put } of bench.nodes.nodes) put(files);
}

describe('a key that can only upgrade', () => {
  let bench: TestBench;
  beforeEach(async () => {
    bench = await startTestBench({ ...BOTH, access: 'upgrade-only' });
    restrict(bench, 'kubeadm: { ignorePreflightErrors: [CoreDNSMigration] }');
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  it('upgrades a control plane and a worker by the scripts that lie on the nodes', async () => {
    for (const [node, role] of [
      ['cp1', 'first-control-plane'],
      ['w1', 'worker'],
    ] as const) {
      const command = {
        unit: 'nightlift-stage',
        script: stageOf({ node, role }),
        fence: WITHOUT_LOCK,
        timeLimitSeconds: 60,
      };
      const options = { signal: AbortSignal.timeout(25_000), onLine: () => undefined };
      expect(await bench.shell.runDetached(bench.address(node), command, options)).toMatchObject({ exitCode: 0 });
      expect(await upgrade(bench, node, role)).toMatchObject({ exitCode: 0 });
      expect((await stateOf(bench, node)).packages.get('kubelet')).toMatchObject({ package: '1.36.4-1.1' });
    }
    expect(
      await run(bench, 'cp1', bench.scripts.controlPlaneHealth({ apiServers: [], timeLimitSeconds: 20 })),
    ).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('nightlift-etcd-members'),
    });
  });

  it('is read behind what the login shell greets with', async () => {
    bench.nodes.node('w1').knobs.greeting = 'Welcome to w1.\n';
    const { stdout } = await run(bench, 'w1', bench.scripts.nodeState());
    expect(stdout).toMatch(/^package\.kubeadm\t/);
  });

  /** What sshd is told to run, asked by whoever has the key. The node's programs are answered by this process. */
  async function ask(request: string, more: { readonly args?: readonly string[]; readonly env?: object } = {}) {
    const { machine } = bench.nodes.node('w1');
    const child = spawn(machine.path(NODE_PROGRAM), more.args ?? [], {
      env: { ...nodeEnvironment(machine), ...more.env },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (part: Buffer) => (stdout += part.toString()));
    child.stderr.on('data', (part: Buffer) => (stderr += part.toString()));
    child.stdin.on('error', () => undefined);
    child.stdin.end(request);
    const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { exitCode, stdout, stderr };
  }
  const asking = (script = bench.scripts.thisNode(thisNode('w1'))): string => nodeRequest(scriptTemplate, script, 60);
  const stageOf = (given: object = {}) =>
    bench.scripts.stage({
      ...thisNode('w1'),
      repoBase: bench.feed.baseUrl,
      lockTimeoutSeconds: 1,
      target: '1.36.4',
      role: 'worker',
      keyFingerprints: [],
      keyWarnDays: 1,
      neededBytes: 1,
      images: KUBEADM_IMAGES,
      ...given,
    });
  const unitOf = (script = stageOf()): string => {
    const variables = {
      unit: 'nightlift-stage-1-36-4-0',
      identity: 'a'.repeat(64),
      scriptBase64: Buffer.from('touch /pwned').toString('base64'),
      timeLimitSeconds: 60,
      generation: 1,
      holder: 'h',
    };
    return nodeRequest(
      scriptTemplate,
      { ...renderScript(scriptTemplate, 'detached-arrive', variables), starts: script },
      60,
    );
  };

  it('answers what it is asked', async () => {
    expect(await ask(asking())).toMatchObject({ exitCode: 0, stderr: '\nnightlift-begin\n' });
  });

  it('takes no script: what a unit runs is put together on the node', async () => {
    expect(unitOf()).not.toContain(Buffer.from('touch /pwned').toString('base64'));
    expect(await ask(unitOf())).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('nightlift-unit\tstarted'),
    });
    const script = readFileSync(
      bench.nodes.node('w1').machine.path('/var/lib/nightlift/units/nightlift-stage-1-36-4-0/script'),
      'utf8',
    );
    expect(script).toMatch(
      new RegExp(`^#!/bin/bash\ndeclare -A given=.*\n\\. \\S*/opt/nightlift/${releaseOf(scriptTemplate)}/stage.sh\n$`),
    );
  });

  const value = (text: string): string => Buffer.from(text).toString('base64');
  it.each<[string, (request: string) => string, RegExp]>([
    ['nothing', () => '', /it is not whole/],
    ['a script', () => 'id\n', /it is not whole/],
    ['a shell', () => '#!/bin/bash\nid\nend\n', /does not begin as one of this version/],
    ['half of a request', (request) => request.replace(/end\n$/, ''), /it is not whole/],
    ['another protocol', (request) => request.replace('nightlift-node 1', 'nightlift-node 2'), /does not begin as one/],
    [
      'a path for a release',
      (request) => request.replace(/ [0-9a-f]{16} /, ' ../../../tmp/evil0 '),
      /does not begin as one/,
    ],
    [
      'a script of an operator',
      (request) => request.replace('this-node', 'run-script'),
      /may not run the script run-script/,
    ],
    ['a part of a script', (request) => request.replace('this-node', 'common'), /may not run the script common/],
    ['what is no unit as one', (request) => request.replace(' run ', ' start '), /may not start the script this-node/],
    [
      'a parameter too many',
      (request) => request.replace('end\n', `x ${value('x')}\nend\n`),
      /has 3 parameters, this-node has 2/,
    ],
    ['a parameter of another name', (request) => request.replace('\nnode ', '\nNODE '), /does not give node/],
    [
      'a parameter twice',
      (request) => request.replace(/\nmachineId .*/, `\nnode ${value('w1')}`),
      /does not give machineId|gives node twice/,
    ],
    [
      'a command for a value',
      (request) => request.replace(/\nnode .*/, `\nnode ${value('$(touch /tmp/x)')}`),
      /node of this-node has a value/,
    ],
    [
      'a line too many in a value',
      (request) => request.replace(/\nnode .*/, `\nnode ${value('w1\nid')}`),
      /node of this-node has a value/,
    ],
    [
      'a line break behind a value',
      (request) => request.replace(/\nnode .*/, `\nnode ${value('w1\n')}`),
      /node of this-node has a value/,
    ],
    ['what is not base64', (request) => request.replace(/\nnode .*/, '\nnode ***'), /not in base64/],
    ['no time at all', (request) => request.replace(/ 60\n/, ' 0\n'), /does not begin as one/],
    ['more than it reads', () => `${'x y\n'.repeat(100_000)}end\n`, /it is not whole/],
  ])('refuses %s with a sentence, and exit code 70', async (_title, change, said) => {
    const result = await ask(change(asking()));
    expect(result).toMatchObject({ exitCode: 70, stdout: '' });
    expect(result.stderr).toMatch(
      /^nightlift: failed: nightlift-node refuses the request: .*\nnightlift: what to do: .+\n$/,
    );
    expect(result.stderr).toMatch(said);
  });

  it.each<[string, object, RegExp]>([
    ['another repository', { repoBase: 'https://evil.example/core:/stable:' }, /repoBase of stage has a value/],
    ['another key', { keyFingerprints: ['A'.repeat(40)] }, /keyFingerprints of stage has a value/],
    ['another role', { role: 'root' }, /role of stage has a value/],
    ['a version that is none', { target: '1.36.4; id' }, /target of stage has a value/],
    [
      'a repository of images that is more',
      { images: { ...KUBEADM_IMAGES, imageRepository: "a'\nkind: b" } },
      /imageRepository of stage has a value/,
    ],
    ['a tag that is more', { images: { ...KUBEADM_IMAGES, dnsTag: 'v1 x' } }, /dnsTag of stage has a value/],
  ])('holds the key to the settings of the installation: %s', async (_title, given, said) => {
    expect(await ask(unitOf(stageOf(given)))).toMatchObject({ exitCode: 70, stderr: expect.stringMatching(said) });
    expect(bench.nodes.commands.matching(/^systemd-run/)).toEqual([]);
  });

  it('draws the manifest of etcd from a ClusterConfiguration in one line, and from nothing else', async () => {
    const diff = (etcdConfiguration: string) => {
      const given = { ...thisNode('w1'), target: '1.36.4', patchesDirectory: '', etcdConfiguration };
      return ask(nodeRequest(scriptTemplate, bench.scripts.diff(given), 60));
    };
    const local = { dataDir: "/data/it's $(id) {etcd}" };
    const cluster = { apiVersion: 'kubeadm.k8s.io/v1beta4', kind: 'ClusterConfiguration', etcd: { local } };
    const configuration = etcdConfigurationOf(cluster, '1.36.4');
    // Taken by the program, and ended by the script: nothing is staged here.
    for (const text of [configuration, '']) expect(await diff(text)).toMatchObject({ exitCode: 16 });
    for (const text of [
      configuration.replace('ClusterConfiguration', 'InitConfiguration'),
      `${configuration} ---`,
      configuration.replace('kubeadm.k8s.io', 'evil.example'),
      '/etc/shadow',
    ])
      expect(await diff(text)).toMatchObject({
        exitCode: 70,
        stderr: expect.stringContaining('etcdConfiguration of diff has a value') as string,
      });
  });

  it('takes no flag of kubeadm that the settings do not name', async () => {
    const flags = {
      ignorePreflightErrors: ['CoreDNSMigration'],
      skipPhases: ['addon/coredns'],
      patchesDirectory: '',
      etcdUpgrade: true,
    };
    const upgradeOf = (given: object) =>
      bench.scripts.upgradeNode({
        ...thisNode('w1'),
        repoBase: bench.feed.baseUrl,
        lockTimeoutSeconds: 1,
        target: '1.36.4',
        role: 'worker',
        ...flags,
        ...given,
      });
    expect(await ask(unitOf(upgradeOf({})))).toMatchObject({ exitCode: 0 });
    for (const given of [
      { ignorePreflightErrors: ['all'] },
      { ignorePreflightErrors: ['CoreDNSMigration', 'all'] },
      { skipPhases: ['preflight'] },
      { patchesDirectory: '/home/nightlift' },
    ])
      expect(await ask(unitOf(upgradeOf(given)))).toMatchObject({ exitCode: 70 });
  });

  it('heeds neither arguments nor the environment', async () => {
    const { machine } = bench.nodes.node('w1');
    const proof = machine.path('/tmp/ran');
    const file = machine.path('/tmp/rc');
    writeFileSync(file, `: >${proof}\n`);
    const env = {
      BASH_ENV: file,
      ENV: file,
      SSH_ORIGINAL_COMMAND: `touch ${proof}`,
      'BASH_FUNC_printf%%': `() { : >${proof}; }`,
    };
    expect(await ask(asking(), { args: ['-c', `touch ${proof}`], env })).toMatchObject({ exitCode: 0 });
    expect(existsSync(proof)).toBe(false);
  });

  it('names the releases that are there when it is asked for another one', async () => {
    const result = await ask(asking().replace(releaseOf(scriptTemplate), '0'.repeat(16)));
    expect(result).toMatchObject({ exitCode: 71 });
    expect(result.stderr).toContain(
      `release ${'0'.repeat(16)} are not installed on this node; installed: ${releaseOf(scriptTemplate)}`,
    );
  });

  it('lets releases lie side by side: an edited script is another one', async () => {
    const edited = (name: string): string =>
      name === 'node-state' ? `${scriptTemplate(name)}line edited yes\n` : scriptTemplate(name);
    expect(releaseOf(edited)).not.toBe(releaseOf(scriptTemplate));
    const script = renderScript(edited, 'node-state', {});
    expect(await ask(nodeRequest(edited, script, 60))).toMatchObject({ exitCode: 71 });
    restrict(bench, '', edited);
    expect(await ask(nodeRequest(edited, script, 60))).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('edited\tyes'),
    });
    expect(await run(bench, 'w1', bench.scripts.nodeState())).toMatchObject({ exitCode: 0 });
  });

  it('makes its release of the scripts once, not for each request', () => {
    let reads = 0;
    const counted = (name: string): string => {
      if (name === 'upgrade-node') reads += 1;
      return scriptTemplate(name);
    };
    const script = renderScript(counted, 'node-state', {});
    nodeRequest(counted, script, 60);
    const once = reads;
    expect(once).toBeGreaterThan(0);
    nodeRequest(counted, script, 60);
    expect(reads).toBe(once);
  });

  it('is refused by this side before it is asked for what the program does not have', async () => {
    const script = bench.scripts.runScript({ ...thisNode('w1'), generation: 1, holder: 'h', text: 'id' });
    await expect(run(bench, 'w1', script)).rejects.toMatchObject({
      kind: 'config',
      message: expect.stringContaining('run-script.sh'),
    });
  });
});

describe('a node without the program', () => {
  it('says what to do', async () => {
    await using bench = await startTestBench({ nodes: [WORKER], published: ['1.36.3'], access: 'upgrade-only' });
    const result = run(bench, 'w1', bench.scripts.nodeState());
    await expect(result.then(({ exitCode }) => exitCode)).resolves.toBe(127);
  });
});

describe('the script of the installation', () => {
  const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEnightliftnightliftnightliftnightliftnigh nightlift';
  const given = { ...install('https://pkgs.k8s.io/core:/stable:'), publicKey: KEY };

  it('is a script of bash, the same every time, with every file of the release, the program last', () => {
    const text = installScript(given);
    expect(installScript(given)).toBe(text);
    execFileSync('bash', ['-n'], { input: text });
    const puts = [...text.matchAll(/^put (644|755) '(\S+)' <<'(\S+)'$/gm)];
    expect(puts.map(([, , path]) => path)).toEqual([...installedFiles(given).keys()]);
    expect(puts.at(-1)?.[2]).toBe(NODE_PROGRAM);
  });

  it('writes each file as it is', () => {
    const folder = mkdtempSync(join(tmpdir(), 'nightlift-install-'));
    try {
      const text = installScript(given).replaceAll("'/opt/nightlift/", `'${folder}/`);
      const files = text.slice(text.indexOf('# put MODE'), text.indexOf('# The account that logs in'));
      execFileSync('bash', ['-euo', 'pipefail'], {
        input: files.replaceAll('-o root -g root ', '').replaceAll(/^ *chown .*$/gm, ''),
      });
      for (const [path, { text: content }] of installedFiles(given))
        expect(readFileSync(path.replace('/opt/nightlift', folder), 'utf8')).toBe(content);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('does with the account what its golden file shows (UPDATE_GOLDEN=1 rewrites it)', () => {
    const golden = new URL('../../../test/golden/node-program/account.sh', import.meta.url);
    if (process.env['UPDATE_GOLDEN'] !== undefined) {
      mkdirSync(new URL('.', golden), { recursive: true });
      writeFileSync(golden, accountScript(given));
    }
    expect(accountScript(given)).toBe(readFileSync(golden, 'utf8'));
  });

  it('says the account and the key in quotes', () => {
    expect(accountScript({ ...given, user: "a'b" })).toContain("ACCOUNT='a'\\''b'");
    expect(accountScript(given)).toContain(`PUBLIC_KEY='${KEY}'`);
  });
});
