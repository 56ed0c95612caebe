/** `node test/lab/record.ts patch|minor --name LAB`: runs the steps as Nightlift would, over SSH, and keeps what was said. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { scriptPath } from './lab-paths.ts';
import { type Lab, theLab } from './lab-state.ts';
import { minorSteps, patchSteps, type RecordStep } from './record-steps.ts';
import { formatRecording } from './recording.ts';
import { type CommandResult, mustRun, runCommand } from './run-command.ts';
import { sshArguments } from './ssh-access.ts';

const recorded = path.resolve(import.meta.dirname, '../fixtures/recorded');

function onNode(lab: Lab, name: string, command: string): Promise<CommandResult> {
  const node = lab.nodes.find((candidate) => candidate.name === name);
  if (node === undefined) throw new Error(`recording on ${name}: the lab "${lab.name}" has no such node`);
  return runCommand('ssh', [...sshArguments(lab, node), command]);
}

/** Only the lab's addresses, which change from lab to lab, are replaced: by the ones that are kept for examples. */
function withoutAddresses(lab: Lab, text: string): string {
  return text.replaceAll(`10.77.${lab.spec.subnet}.`, '192.0.2.').replaceAll('\r', '');
}

async function record(lab: Lab, step: RecordStep): Promise<void> {
  const fill = (text: string): string => text.replaceAll('{repository}', lab.repository.fromNodes);
  const tellLab = (words: string[]): Promise<string> =>
    mustRun(process.execPath, [scriptPath('lab.ts'), ...words, '--name', lab.name]);
  if (step.lab !== undefined) await tellLab(step.lab);
  if (step.before !== undefined) await onNode(lab, step.node, fill(step.before));
  const result = await onNode(lab, step.node, fill(step.command));
  if (step.after !== undefined) await onNode(lab, step.node, fill(step.after));
  if (step.labAfter !== undefined) await tellLab(step.labAfter);
  const file = path.join(recorded, step.version, `${step.name}.txt`);
  await mkdir(path.dirname(file), { recursive: true });
  const text = formatRecording({
    command: fill(step.command),
    exitCode: result.code,
    stdout: result.stdout,
    stderr: result.stderr,
  });
  await writeFile(file, withoutAddresses(lab, text));
  console.error(`${step.version}/${step.name}: exit ${result.code}`);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { name: { type: 'string', default: 'lab' }, only: { type: 'string', default: '' } },
});
const lab = await theLab(values.name);
for (const step of positionals[0] === 'minor' ? minorSteps : patchSteps) {
  if (step.name.includes(values.only)) await record(lab, step);
}
