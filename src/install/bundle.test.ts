import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { renderJobManifest } from '../chain/job-manifest.ts';
import { parseSettings } from '../settings/parse-settings.ts';
import { bundleContainer, bundleJobTemplate, bundleVolume, packBundle } from './bundle.ts';
import { readInstallTemplates } from './install-templates.ts';

const TEMPLATE = readInstallTemplates(join(import.meta.dirname, '../../templates')).job;

/** The command of the container, with its two folders in one on this machine. */
function commandIn(directory: string): readonly string[] {
  return bundleContainer.command.map((word) => word.replaceAll(/\/(program|tmp)\//g, `${directory}/`));
}

describe('the install without an image of ours', () => {
  it('starts the program from the ConfigMap with the arguments of the Job, and hands back its exit code', () => {
    const directory = mkdtempSync(join(tmpdir(), 'nightlift-bundle-'));
    try {
      const program =
        'process.stdout.write(JSON.stringify(process.argv.slice(2))); process.exitCode = process.argv.length - 3;';
      writeFileSync(join(directory, 'nightlift.cjs.gz'), packBundle(Buffer.from(program)).gzip);
      const [shell = '', ...args] = commandIn(directory);
      expect(execFileSync(shell, [...args, 'phase'], { encoding: 'utf8' })).toBe('["phase"]');
      expect(() => execFileSync(shell, [...args, 'a', 'b c', '$d', '"'])).toThrow(
        expect.objectContaining({ status: 3 }),
      );
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('fails to start, and does not run half a program, when the ConfigMap is damaged', () => {
    const directory = mkdtempSync(join(tmpdir(), 'nightlift-bundle-'));
    try {
      const { gzip } = packBundle(Buffer.from('process.stdout.write("ran")\n'.repeat(100)));
      writeFileSync(join(directory, 'nightlift.cjs.gz'), gzip.subarray(0, gzip.length - 10));
      const [shell = '', ...args] = commandIn(directory);
      expect(() => execFileSync(shell, [...args, 'phase'], { stdio: 'pipe' })).toThrow(
        expect.objectContaining({ stdout: Buffer.from('') }),
      );
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('packs the same program into the same bytes', () => {
    const program = readFileSync(import.meta.filename);
    expect(packBundle(program).gzip.equals(packBundle(program).gzip)).toBe(true);
  });

  it('refuses a program that does not fit a ConfigMap', () => {
    expect(() => packBundle(randomBytes(1_100_000))).toThrow(/a ConfigMap holds 1048576/);
  });

  it('keeps the rest of the Job template, comments included', () => {
    const lines = new Set(bundleJobTemplate(TEMPLATE).split('\n'));
    expect(TEMPLATE.split('\n').filter((line) => !lines.has(line))).toEqual([]);
  });

  it('gives a Job of the chain the program and the command that starts it', () => {
    const job = {
      step: { phase: 'preflight' },
      target: '1.36.4',
      name: 'k8s-upgrade-preflight-1-36-4',
      runner: undefined,
      image: 'node:24-slim',
    } as const;
    const manifest = renderJobManifest(bundleJobTemplate(TEMPLATE), job, parseSettings('', 'a test'));
    expect(manifest.spec).toMatchObject({
      template: {
        spec: {
          containers: [
            {
              command: bundleContainer.command,
              args: ['phase'],
              volumeMounts: expect.arrayContaining([bundleContainer.mount]),
            },
          ],
          volumes: expect.arrayContaining([bundleVolume]),
        },
      },
    });
  });

  it('says so when the Job template no longer has the places that it adds to', () => {
    expect(() => bundleJobTemplate(TEMPLATE.replace('image: {{image}}', 'image: mine'))).toThrow(
      /does not stand exactly once/,
    );
  });
});
