import type { StandInCall } from '../stand-in.ts';
import { aptSettings, listedPackages } from './apt-sources.ts';

/** apt-cache madison: newest first, nothing and exit code 0 for what is not listed. */
export function aptCache(call: StandInCall): number {
  const { settings, words } = aptSettings(call.machine, call.args);
  const [verb, ...names] = words;
  if (verb !== 'madison') {
    call.err(`E: Invalid operation ${verb ?? ''}\n`);
    return 100;
  }
  for (const name of names) {
    for (const version of call.machine.containerds[name] ?? [])
      call.out(` ${name} | ${version} | distribution Packages\n`);
    for (const listed of listedPackages(call.machine, settings).filter((one) => one.name === name)) {
      call.out(`   ${name} | ${listed.version} | ${listed.source.uri.replace(/\/$/, '')}  Packages\n`);
    }
  }
  return 0;
}
