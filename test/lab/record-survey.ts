/** `node test/lab/record-survey.ts --name LAB`: what survey.sh says of the first control plane and the first worker. */
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { nodeScripts } from '../../src/node/scripts.ts';
import { type Lab, theLab } from './lab-state.ts';
import { mustRun } from './run-command.ts';
import { sshArguments } from './ssh-access.ts';

const recorded = path.resolve(import.meta.dirname, '../fixtures/recorded/survey');
const scripts = nodeScripts((name) =>
  readFileSync(new URL(`../../templates/node/${name}.sh`, import.meta.url), 'utf8'),
);

/** The lab's addresses become those that are kept for examples, also in the files that the survey packs; the kernel is this machine's. */
function withoutMachine(lab: Lab, text: string): string {
  const addresses = (plain: string): string => plain.replaceAll(`10.77.${lab.spec.subnet}.`, '192.0.2.');
  return addresses(text)
    .replace(/^(survey\.kernel\t\d+\.\d+\.\d+)\S*/m, '$1')
    .replace(/^(survey\.(?:static-pod|kubelet-config)\t\S+\t)(\S+)$/gm, (_, key: string, packed: string) => {
      const file = addresses(gunzipSync(Buffer.from(packed, 'base64')).toString('utf8'));
      return `${key}${gzipSync(file).toString('base64')}`;
    });
}

const { values } = parseArgs({ options: { name: { type: 'string', default: 'lab' } } });
const lab = await theLab(values.name);
await mkdir(recorded, { recursive: true });
for (const role of ['control-plane', 'worker'] as const) {
  const node = lab.nodes.find((one) => one.role === role);
  if (node === undefined) throw new Error(`recording the survey of a ${role}: the lab "${lab.name}" has none`);
  const { text } = scripts.survey({ node: node.name, machineId: '' });
  const said = await mustRun('ssh', [...sshArguments(lab, node), 'sudo bash -s'], { input: text });
  await writeFile(path.join(recorded, `${role}.tsv`), withoutMachine(lab, said));
  console.error(`${role}: ${said.length} bytes`);
}
