import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');

/** What went wrong once (I: in production, D: a defect found by reading), and what is done instead. Docs and reasons refer to these. */
const INCIDENTS: Readonly<Record<string, string>> = {
  I01: 'a Job never runs on the node that it drains',
  I02: 'an empty result is a result',
  I03: 'the own permissions are checked before the first change, and the missing ones are named',
  I04: 'alerts that the run itself causes do not halt it',
  I05: 'the oldest kubelet is the running version',
  I06: "kubeadm's wait for an etcd that does not change is told from other failures",
  I07: 'nodes are enumerated live at every step',
  I08: 'a failed Job is replaced, and a failure of any phase is told',
  I09: 'CoreDNS is left alone: its checks and its phase',
  I10: 'what cannot be parsed is unknown and halts',
  I11: 'the log of the snapshot can be read, or it is said that it cannot',
  I12: 'what was scaled to zero is restored from a record, by any later Job',
  I13: 'a control plane that is on the target is not asked for a plan',
  I14: 'redirects are followed, and an empty answer is an error',
  I15: 'addon ceilings count for minors only',
  I16: 'the plan is always asked with the target',
  I17: 'backups are pruned, cordons lifted, the record of the run cleared',
  I18: 'everything that the upgrade would change in a manifest is shown, and looked for afterwards',
  I19: 'held is quiet',
  I20: 'a Job is placed only where it can be scheduled; else it is said why not',
  I21: 'the record of a run is judged from live Jobs; own alerts are ignored',
  D01: 'Prometheus out of reach halts',
  D02: 'a failed look-up never widens the jump',
  D03: 'a target is strictly newer',
  D04: "the next minor's version is kubeadm's own, with kubelet and kubectl beside it",
  D05: 'x.y.0, young, skipped and too new versions are left; the window ends hard',
  D06: 'an unreadable kill switch is engaged, and it is looked at inside every wait',
  D07: 'cordon first, evict with a deadline, full selectors',
  D08: "only the own cordon is lifted; a person's stays",
  D09: 'removed APIs are looked for over a time, and no data is unknown',
  D10: 'runtimes by range and by name; what cannot be read halts',
  D11: 'an absent addon does not block; an unlisted one is named',
  D12: 'held does not hide what can be acted on',
  D13: "a node's apt source is rewritten with its own upgrade, and put back when that fails",
  D14: 'the repository key is compared with a pinned fingerprint',
  D15: 'host keys are pinned; each pod mounts only what it needs',
  D16: 'one way to a node: its InternalIP',
  D17: 'not every failed apply is retried without etcd',
  D18: 'the node script plans with the version',
  D19: 'every control plane is upgraded, one by one',
  D20: 'the node is trusted, not its complete Job',
  D21: 'a snapshot is more than a size',
  D22: 'containerd is replaced after the drain, under the same checks',
  D23: 'what is unknown is said; the ratio of ready pods is a gate',
  D24: 'Job pods have securityContext, priority, podFailurePolicy and a deadline',
};

/** Not met yet, each with the reason. An entry whose test exists is an error, so that the list only gets shorter. */
const NOT_YET: Readonly<Record<string, string>> = {};

const titles = globSync('{src,test}/**/*.test.ts', { cwd: ROOT })
  .filter((file) => !file.endsWith('incidents.test.ts'))
  .flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(/(['"`])((?:\\.|(?!\1)[^\\\n])+)\1/g)].map((match) => ({
      file,
      title: match[2] ?? '',
    })),
  );

/** The tests whose title carries the id; a title is a sentence, so that a bare id in data does not count. */
function testsOf(id: string): readonly string[] {
  return titles
    .filter(({ title }) => title.includes(' ') && new RegExp(`\\b${id}\\b`).test(title))
    .map(({ file, title }) => `${file}: ${title}`);
}

describe('the regression catalogue', () => {
  it.each(Object.entries(INCIDENTS).filter(([id]) => NOT_YET[id] === undefined))(
    '%s (%s) has a test that carries its id',
    (id) => {
      expect(testsOf(id)).not.toEqual([]);
    },
  );

  it('has no test for what is listed as not yet met', () => {
    expect(Object.keys(NOT_YET).filter((id) => testsOf(id).length > 0)).toEqual([]);
  });

  it('names no incident in a title that it does not know', () => {
    const named = titles
      .filter(({ title }) => title.includes(' '))
      .flatMap(({ title }) => [...title.matchAll(/\b[ID]\d\d\b/g)].map(([id]) => id));
    expect([...new Set(named)].filter((id) => INCIDENTS[id] === undefined)).toEqual([]);
  });
});
