/** `npm run test:lab`: nights of the product on real kubeadm clusters. */
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { CannotRunHere, checkPrograms, checkRoot, installPackages } from '../lab/machine.ts';
import { ResultLine, type RunSettings, runSettingsKey } from './run-settings.ts';
import { scenarios } from './scenarios.ts';
import { selected } from './selected.ts';
import { summaryTable } from './summary.ts';
import { inNewDirectory } from './temporary-directory.ts';
import { writeProof } from './write-proof.ts';

const help = `The product in pods of real kubeadm clusters: from a new release to the Slack message.

Usage: npm run test:lab [-- [--ci] [--only NAME[,NAME…]] [--keep] [--write-proof]]

  --only NAME   only these:
${scenarios.map(({ name, title }) => `                  ${name.padEnd(16)} ${title}`).join('\n')}
  --ci          the ones that every change is judged by
  --keep        leave the last cluster standing (npm run lab -- status)
  --write-proof docs/proof.md and docs/recorded-night.md from the last result of each scenario on this machine, after
                this run; a run of every scenario does it by itself

Exit code 0 when every night passed, 1 when one failed, 78 when this machine cannot run them.`;

function vitest(settings: RunSettings): Promise<number> {
  const root = path.resolve(import.meta.dirname, '../..');
  const program = path.join(root, 'node_modules/vitest/vitest.mjs');
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [program, 'run', '--config', path.join(import.meta.dirname, 'vitest.lab.config.ts')],
      {
        cwd: root,
        stdio: 'inherit',
        env: { ...process.env, [runSettingsKey]: JSON.stringify(settings) },
      },
    );
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      ci: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      'write-proof': { type: 'boolean', default: false },
      only: { type: 'string', multiple: true },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  const only = (values.only ?? []).flatMap((names) => names.split(','));
  const chosen = selected(scenarios, { only, ci: values.ci });
  try {
    checkPrograms();
    checkRoot();
    await installPackages((line) => console.error(line));
  } catch (error) {
    if (!(error instanceof CannotRunHere)) throw error;
    console.log(`${error.message}\n0 passed, 0 failed, ${chosen.length} not run`);
    return 78;
  }
  return inNewDirectory('results', async (directory) => {
    const results = path.join(directory, 'results.jsonl');
    await writeFile(results, '');
    const code = await vitest({ only, ci: values.ci, keep: values.keep, results });
    const lines = (await readFile(results, 'utf8')).split('\n').filter(Boolean);
    const played = lines.map((line) => ResultLine.parse(JSON.parse(line)));
    const passed = played.filter((result) => result.passed).length;
    const failed = chosen.length - passed;
    console.log(`\nSeconds:\n${summaryTable(played)}\n${passed} passed, ${failed} failed`);
    const everything = chosen.length === scenarios.length;
    if (!everything && !values['write-proof']) return failed === 0 && code === 0 ? 0 : 1;
    const { files, defects } = await writeProof();
    console.log([`written: ${files.join(', ')}`, ...defects.map((defect) => `permission: ${defect}`)].join('\n'));
    return failed === 0 && code === 0 && (!everything || defects.length === 0) ? 0 : 1;
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 64;
}
