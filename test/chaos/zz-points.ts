import { makeHttpMortal } from './mortal-network.ts';
import { mortalNights } from './mortal-night.ts';

makeHttpMortal();

const topology = { controlPlanes: 1, workers: 2, version: '1.36.3', published: ['1.36.4'] };
const points = new Set<string>();
let t = performance.now();
let c = process.cpuUsage();
const whole = await mortalNights({
  topology,
  target: '1.36.4',
  foreignCordons: [],
  decide: (k) => {
    points.add(k);
    return false;
  },
});
const cpu = (c0: NodeJS.CpuUsage) => {
  const u = process.cpuUsage(c0);
  return Math.round((u.user + u.system) / 1000);
};
console.log(
  'whole',
  whole.nights.map((n) => n.outcome),
  whole.violations,
  points.size,
  Math.round(performance.now() - t),
  'cpu',
  cpu(c),
);
if (process.argv[2] === 'list') {
  console.log([...points].join('\n'));
  process.exit(0);
}
const left = new Set(points);
let kills = 0;
for (let i = 0; i < 6 && left.size > 0; i++) {
  t = performance.now();
  c = process.cpuUsage();
  const before = kills;
  const r = await mortalNights({
    topology,
    target: '1.36.4',
    foreignCordons: [],
    decide: (k) => {
      if (left.delete(k)) {
        kills++;
        if (kills % 25 === 0) console.log(kills, Math.round(performance.now() - t), 'cpu', cpu(c), k);
        return true;
      }
      return false;
    },
  });
  console.log(
    'night',
    i,
    r.nights.map((n) => n.outcome).join(),
    'kills',
    kills - before,
    'left',
    left.size,
    'violations',
    r.violations,
    'same',
    JSON.stringify(r.state) === JSON.stringify(whole.state),
    Math.round(performance.now() - t),
    'cpu',
    cpu(c),
  );
  if (JSON.stringify(r.state) !== JSON.stringify(whole.state))
    console.log(JSON.stringify(r.state, null, 1).slice(0, 6000));
  if (kills === before) break;
}
console.log([...left].slice(0, 150).join('\n'));
process.exit(0);
