import { expect, it } from 'vitest';
import { describeBody } from './describe-body.ts';
import { redactUrl } from './redact-url.ts';

it.each([
  ['', 'an empty body'],
  [' \n', 'an empty body'],
  ['no\n  such key', '"no such key"'],
  ['<!DOCTYPE html><p>', 'a page of HTML or XML, "<!DOCTYPE html><p>"'],
  ['x'.repeat(200), `"${'x'.repeat(120)}…"`],
])('describes the body %j', (body, text) => {
  expect(describeBody(body)).toBe(text);
});

it('shows an address without its secrets', () => {
  expect(redactUrl('https://u:p@host:1/a/b?token=x#y')).toBe('https://***@host:1/a/b');
  expect(redactUrl('nonsense')).toBe('an address that is no URL');
});
