import manifest from '../../package.json' with { type: 'json' };
import { type Call, EXIT } from './call/command.ts';

export async function run(call: Call): Promise<number> {
  const { version } = manifest;
  call.output.line(`nightlift ${version} (Node ${process.version})`);
  call.output.json({ version, node: process.version });
  return await Promise.resolve(EXIT.done);
}
