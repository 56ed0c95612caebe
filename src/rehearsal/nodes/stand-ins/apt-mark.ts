import type { StandInCall } from '../stand-in.ts';

export function aptMark(call: StandInCall): number {
  const { packages } = call.machine;
  const [verb, ...names] = call.args;
  if (verb === 'showhold') {
    for (const [name, { held }] of [...packages].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      if (held && (names.length === 0 || names.includes(name))) call.out(`${name}\n`);
    }
    return 0;
  }
  if (verb !== 'hold' && verb !== 'unhold') {
    call.err(`E: No operation specified\n`);
    return 100;
  }
  for (const name of names) {
    const found = packages.get(name);
    if (found === undefined) {
      call.err(`E: Can't select installed nor candidate version from package '${name}' as it has neither of them\n`);
      return 100;
    }
    const held = verb === 'hold';
    if (found.held === held) call.out(`${name} was already ${held ? 'set on hold' : 'not on hold'}.\n`);
    else call.out(held ? `${name} set on hold.\n` : `Canceled hold on ${name}.\n`);
    found.held = held;
  }
  return 0;
}
