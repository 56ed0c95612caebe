import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLabelSelector } from '../rehearsal/api/selector.ts';
import {
  excludesEachOther,
  type LabelRequirement,
  LabelSelector,
  meets,
  selectorText,
  selects,
} from './label-selector.ts';

describe('a requirement on labels', () => {
  it.each<[string, string, string[] | null, Record<string, string>, boolean]>([
    ['In is met by one of the values', 'In', ['web', 'api'], { app: 'api' }, true],
    ['In is not met by another value', 'In', ['web', 'api'], { app: 'db' }, false],
    ['In is not met without the label', 'In', ['web'], {}, false],
    ['In without values is met by nothing', 'In', null, { app: 'web' }, false],
    ['NotIn is met by another value', 'NotIn', ['web'], { app: 'db' }, true],
    ['NotIn is not met by one of the values', 'NotIn', ['web', 'api'], { app: 'api' }, false],
    ['NotIn is met without the label', 'NotIn', ['web'], {}, true],
    ['NotIn without values is met by everything', 'NotIn', null, { app: 'web' }, true],
    ['Exists is met by the label, even an empty one', 'Exists', null, { app: '' }, true],
    ['Exists is not met without the label', 'Exists', null, { tier: 'front' }, false],
    ['DoesNotExist is met without the label', 'DoesNotExist', null, { tier: 'front' }, true],
    ['DoesNotExist is not met by the label, even an empty one', 'DoesNotExist', null, { app: '' }, false],
    ['Gt is met by a greater number', 'Gt', ['9'], { app: '10' }, true],
    ['Gt is not met by the same number', 'Gt', ['9'], { app: '9' }, false],
    ['Gt is not met by a lower number', 'Gt', ['10'], { app: '9' }, false],
    ['Gt is not met without the label', 'Gt', ['-1'], {}, false],
    ['Lt is met by a lower number', 'Lt', ['10'], { app: '9' }, true],
    ['Lt is not met by the same number', 'Lt', ['9'], { app: '9' }, false],
    ['Lt is not met by a greater number', 'Lt', ['9'], { app: '10' }, false],
    ['Lt is not met without the label', 'Lt', ['1'], {}, false],
    ['Gt is not met by what is no whole number', 'Gt', ['-1'], { app: '' }, false],
    ['Gt is not met by a fraction', 'Gt', ['1'], { app: '1.5' }, false],
    ['Lt is not met by what is no whole number', 'Lt', ['1'], { app: '' }, false],
    ['an operator of a later Kubernetes counts as met', 'Matches', ['x'], {}, true],
  ])('%s', (_title, operator, values, labels, met) => {
    expect(meets({ key: 'app', operator, values }, labels)).toBe(met);
  });

  it('is not met by what every object has, such as "constructor"', () => {
    expect(meets({ key: 'constructor', operator: 'Exists' }, {})).toBe(false);
    expect(meets({ key: 'constructor', operator: 'DoesNotExist' }, {})).toBe(true);
  });
});

describe('a label selector', () => {
  const exists = (key: string): LabelRequirement => ({ key, operator: 'Exists' });
  it.each<[string, LabelSelector | null | undefined, Record<string, string>, boolean]>([
    ['that is absent selects nothing', undefined, { app: 'web' }, false],
    ['that is null selects nothing', null, { app: 'web' }, false],
    ['that is empty selects everything', {}, { app: 'web' }, true],
    ['that is empty selects what has no labels', { matchLabels: null, matchExpressions: null }, {}, true],
    ['wants each of its labels', { matchLabels: { app: 'web', tier: 'front' } }, { app: 'web', tier: 'front' }, true],
    ['is not content with one of two labels', { matchLabels: { app: 'web', tier: 'front' } }, { app: 'web' }, false],
    ['wants the very value', { matchLabels: { app: 'web' } }, { app: 'web2' }, false],
    [
      'D07 wants each of its expressions',
      { matchExpressions: [exists('app'), exists('tier')] },
      { app: '', tier: '' },
      true,
    ],
    [
      'is not content with one of two expressions',
      { matchExpressions: [exists('app'), exists('tier')] },
      { app: 'web' },
      false,
    ],
    [
      'is not content with its labels alone',
      { matchLabels: { app: 'web' }, matchExpressions: [exists('tier')] },
      { app: 'web' },
      false,
    ],
    [
      'is not content with its expressions alone',
      { matchLabels: { app: 'web' }, matchExpressions: [exists('tier')] },
      { tier: 'front' },
      false,
    ],
    [
      'leaves out what carries a label that must not be there',
      { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'canary', operator: 'DoesNotExist' }] },
      { app: 'web', canary: 'yes' },
      false,
    ],
    [
      'takes what does not carry that label',
      { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'canary', operator: 'DoesNotExist' }] },
      { app: 'web' },
      true,
    ],
  ])('%s', (_title, selector, labels, selected) => {
    expect(selects(selector, labels)).toBe(selected);
  });

  it('keeps both of its parts when it is read from the API', () => {
    const selector = {
      matchLabels: { app: 'web' },
      matchExpressions: [{ key: 'tier', operator: 'In', values: ['front'] }],
    };
    expect(LabelSelector.parse({ ...selector, other: 1 })).toEqual(selector);
  });
});

describe('selectors against each other and in a query', () => {
  const value = fc.constantFrom('a', 'b', 'c');
  const key = fc.constantFrom('app', 'tier');
  const labels = fc.dictionary(key, value);
  const requirement = fc.record({
    key,
    operator: fc.constantFrom('In', 'NotIn', 'Exists', 'DoesNotExist', 'OfALaterKubernetes'),
    values: fc.array(value, { minLength: 1, maxLength: 3 }),
  });
  const selector = fc.record({ matchLabels: labels, matchExpressions: fc.array(requirement, { maxLength: 3 }) });

  it('exclude each other only when no labels match both', () => {
    fc.assert(
      fc.property(selector, selector, labels, (one, other, given) => {
        if (excludesEachOther(one, other)) expect(selects(one, given) && selects(other, given)).toBe(false);
      }),
      { numRuns: 2000 },
    );
    expect(excludesEachOther({ matchLabels: { app: 'a' } }, { matchLabels: { app: 'b' } })).toBe(true);
    expect(excludesEachOther({ matchLabels: { app: 'a' } }, {})).toBe(false);
    expect(excludesEachOther(null, {})).toBe(true);
  });

  it('ask a query for everything that they select, and for no more when it can say it', () => {
    fc.assert(
      fc.property(selector, labels, (one, given) => {
        const asked = parseLabelSelector(selectorText(one) ?? '')(given);
        if (selects(one, given)) expect(asked).toBe(true);
        const isSayable = one.matchExpressions.every(({ operator }) => operator !== 'OfALaterKubernetes');
        if (isSayable) expect(asked).toBe(selects(one, given));
      }),
      { numRuns: 2000 },
    );
  });
});
