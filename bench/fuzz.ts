import { fuzz } from '../test/chaos/fuzz.ts';
import { FUZZ_CASES } from '../test/chaos/fuzz-cases.ts';

/** A million damaged inputs for the parsers of text from outside: node bench/fuzz.ts [inputs] [seed] */
const inputs = Number(process.argv[2] ?? 1_000_000);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
const each = Math.ceil(inputs / FUZZ_CASES.length);
let failed = false;
for (const one of FUZZ_CASES) {
  const started = performance.now();
  const { taken, slowestMs, failures } = fuzz(one, each, seed);
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `${one.name}: ${each} inputs, ${taken} taken, slowest ${slowestMs.toFixed(1)} ms, ${seconds.toFixed(1)} s, ${failures.length} failures`,
  );
  for (const failure of failures) console.log(`  ${failure}`);
  failed ||= failures.length > 0;
}
console.log(`${each * FUZZ_CASES.length} inputs in all, seed ${seed}`);
if (failed) process.exitCode = 1;
