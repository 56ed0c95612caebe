import { describe, expect, it } from 'vitest';
import { laneCount } from './lab-night/lane-count.ts';
import { planStages } from './lab-night/lanes.ts';
import { ResultLine } from './lab-night/run-settings.ts';
import { scenarios } from './lab-night/scenarios.ts';
import { lastResults, secondTries, toldOfFirstTries } from './lab-night/second-try.ts';

const GB = 2 ** 30;

describe('lanes of the nights on real clusters', () => {
  const everything = planStages(scenarios, 2);
  const names = (stages: typeof everything) =>
    stages.map((lanes) => lanes.map((lane) => lane.scenarios.map(({ name }) => name)));

  it('every scenario runs once, in the declared order within its lane', () => {
    const declared = scenarios.map(({ name }) => name);
    expect(names(everything).flat(2).toSorted()).toEqual(declared.toSorted());
    for (const lane of names(everything).flat()) expect(lane).toEqual(declared.filter((name) => lane.includes(name)));
  });

  it('what is a measure runs after the lanes, alone', () => {
    expect(names(everything).at(-1)).toEqual([['patch', 'by-hand']]);
  });

  it('what shares the larger cluster is in one lane', () => {
    expect(
      names(everything)
        .flat()
        .filter((lane) => lane.includes('ha')),
    ).toEqual([expect.arrayContaining(['ha', 'ha-minor'])]);
  });

  it('lanes are about as long as each other, and their clusters have networks of their own', () => {
    const [one = 0, other = 0] = (everything[0] ?? []).map((lane) =>
      lane.scenarios.reduce((sum, { seconds }) => sum + seconds, 0),
    );
    expect(Math.abs(one - other)).toBeLessThan((one + other) / 10);
    const subnets = (everything[0] ?? []).flatMap((lane) => Object.values(lane.subnets));
    expect(new Set(subnets).size).toBe(4);
  });

  it('one or two that failed are played once more, also those of a lane that died, and more than that are not', () => {
    const chosen = scenarios.slice(0, 4);
    const [first, second, third, fourth] = chosen.map(({ name }) => name);
    const of = (name: string | undefined, passed: boolean, summary = ''): ResultLine =>
      ResultLine.parse({ name, passed, summary, seconds: 1, at: '2026-11-27T23:00:00Z' });
    const lines = [of(second, false, 'other side closed'), of(first, true), of(third, true)];
    expect(secondTries(chosen, lines).map(({ name }) => name)).toEqual([second, fourth]);
    expect(secondTries(chosen, lines.slice(0, 2))).toEqual([]);
    const after = [...lines, of(second, true), of(fourth, false)];
    expect(lastResults(chosen, after).map(({ passed }) => passed)).toEqual([true, true, true, false]);
    expect(toldOfFirstTries(after)).toEqual([`↻ passed at its second try: ${second}\n    other side closed`]);
    expect(toldOfFirstTries(lines)).toEqual([]);
  });

  it('a single lane plays everything in the declared order', () => {
    expect(names(planStages(scenarios, 1))).toEqual([[scenarios.map(({ name }) => name)]]);
  });

  it.each([
    ['two are asked for', 2, 2, 20, 2],
    ['one is asked for', 1, 2, 20, 1],
    ['there is one core', 2, 1, 20, 1],
    ['there is little memory', 2, 2, 11, 1],
  ])('%s: %i with %i cores and %i GB are %i', (_, wanted, cores, free, lanes) => {
    const count = laneCount(wanted, cores, free * GB);
    expect(count.lanes).toBe(lanes);
    expect(count.because === undefined).toBe(count.lanes === wanted);
  });
});
