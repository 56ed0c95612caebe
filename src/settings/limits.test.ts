import { describe, expect, it } from 'vitest';
import { limitChanges, limitsOf } from './limits.ts';
import { parseSettings } from './parse-settings.ts';

const limits = (text: string, matrix?: unknown) => limitsOf(parseSettings(text, 'a test'), matrix);

describe('the limits', () => {
  it('are those in effect, the defaults too, and none of them is the name of a setting that is gone', () => {
    const all = limits('');
    expect(all).toMatchObject({
      dryRun: 'false',
      window: 'none',
      'target.ceiling': 'none',
      'target.skip': 'none',
      'alerts.required': 'true',
      'addons.untested': 'block',
      'drain.policies': 'none',
    });
    expect(Object.entries(all).filter(([, value]) => value === 'undefined')).toEqual([]);
  });

  it('say what is set in words that a person reads in one line', () => {
    expect(
      limits(`
dryRun: true
window: { start: "23:00", end: "05:00" }
target: { ceiling: "1.36", skip: [1.36.2, 1.36.3] }
drain: { policies: [{ namespace: shop, action: delete-after, afterSeconds: 300 }] }
`),
    ).toMatchObject({
      dryRun: 'true',
      window:
        'start=23:00 end=05:00 weekdays=Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday blackouts=none timeZone=UTC',
      'target.ceiling': '1.36',
      'target.skip': '1.36.2, 1.36.3',
      'drain.policies': 'namespace=shop action=delete-after afterSeconds=300',
    });
  });

  it('are others when a pin in the matrix goes, though the file has the same name', () => {
    const of = (pinned: boolean) =>
      limits('addons: { matrixFile: /config/addons.yaml }', { addons: [{ name: 'cilium', pinned }] });
    expect(of(true)['addons.matrixFile']).toMatch(/^\/config\/addons\.yaml \([0-9a-f]{12}\)$/);
    expect(of(true)).not.toEqual(of(false));
  });

  it('are compared by name', () => {
    expect(limitChanges(limits('dryRun: true'), limits('target: { ceiling: "1.36" }'))).toEqual([
      'dryRun: true → false',
      'target.ceiling: none → 1.36',
    ]);
    expect(limitChanges({ gone: 'a' }, { new: 'b' })).toEqual([
      'gone: a → not known any more',
      'new: not recorded → b',
    ]);
    expect(limitChanges(limits(''), limits(''))).toEqual([]);
  });

  it('stay short, and are others when the end of a long one changes', () => {
    const skip = (last: number) =>
      limits(`target: { skip: [${Array.from({ length: 60 }, (_, index) => `1.30.${index}`).join()}, 1.31.${last}] }`)[
        'target.skip'
      ] ?? '';
    expect(skip(1).length).toBeLessThan(200);
    expect(skip(1)).not.toBe(skip(2));
  });
});
