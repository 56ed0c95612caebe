import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatResource, parseQuantity, parseResources } from './quantity.ts';

describe('parseQuantity', () => {
  it.each([
    ['4', 4],
    ['250m', 0.25],
    ['0.5', 0.5],
    ['.5', 0.5],
    ['8Gi', 8 * 2 ** 30],
    ['1.5G', 1.5e9],
    ['1e3', 1000],
    ['2E', 2e18],
    ['12E2', 1200],
    ['100n', 1e-7],
  ])('reads %s', (text, value) => {
    expect(parseQuantity(text)).toBeCloseTo(value, 9);
  });

  it.each(['', 'x', '1Zi', '1 Gi', '--1', '1m1', 'Infinity'])('does not take "%s" for a quantity', (text) => {
    expect(parseQuantity(text)).toBeUndefined();
  });

  it('answers with a finite number or none, whatever it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789.eE+-mkMGiKunTP '.split('')) }), (text) => {
        const value = parseQuantity(text);
        expect(value === undefined || Number.isFinite(value)).toBe(true);
      }),
    );
  });
});

it('resources have cpu in thousandths, and leave out what cannot be read', () => {
  expect(parseResources({ cpu: '1500m', memory: '1Gi', pods: 110, odd: 'many' })).toEqual({
    cpu: 1500,
    memory: 2 ** 30,
    pods: 110,
  });
  expect(parseResources(null)).toEqual({});
});

it.each([
  ['cpu', 1500, '1500m'],
  ['cpu', 3000, '3'],
  ['memory', 1.5 * 2 ** 30, '1.5Gi'],
  ['memory', 300 * 2 ** 20, '300Mi'],
  ['memory', 12, '12'],
  ['pods', 7, '7'],
])('%s %d is shown as %s', (name, amount, text) => {
  expect(formatResource(name, amount)).toBe(text);
});
