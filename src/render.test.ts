import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { NightliftError } from './errors.ts';
import { renderStrict } from './render.ts';

function failure(run: () => unknown): NightliftError {
  try {
    run();
  } catch (error) {
    if (error instanceof NightliftError) return error;
  }
  throw new Error('it did not fail with a NightliftError');
}

describe('renderStrict', () => {
  it('writes values for the place where they stand', () => {
    expect(renderStrict('a: {{v}}', { v: 'x: "y" # z' }, 'yaml', 't')).toBe('a: "x: \\"y\\" # z"');
    expect(renderStrict('A={{v}}', { v: "it's $HOME" }, 'sh', 't')).toBe(`A='it'\\''s $HOME'`);
    expect(renderStrict('{{v}}', { v: '/etc/<a>' }, 'text', 't')).toBe('/etc/<a>');
    expect(renderStrict('n: {{n}} {{b}} {{l}}', { n: 3, b: false, l: ['a'] }, 'yaml', 't')).toBe('n: 3 false ["a"]');
  });

  it('refuses a name that nobody gives and names the nearest one', () => {
    const error = failure(() => renderStrict('rm -rf {{stateDri}}/x', { stateDir: '/a', other: 1 }, 'sh', 'stage.sh'));
    expect(error.kind).toBe('config');
    expect(error.message).toBe('rendering stage.sh: it names the variable "stateDri", which nobody gives');
    expect(error.remedy).toContain('Did you mean "stateDir"?');
  });

  it('refuses a name in a section that is not shown only when it is reached, and section names always', () => {
    expect(failure(() => renderStrict('{{#nope}}x{{/nope}}', {}, 'text', 't')).message).toContain('"nope"');
    expect(failure(() => renderStrict('{{constructor}}', {}, 'text', 't')).message).toContain('"constructor"');
  });

  it('shows sections for true, for texts and once per element', () => {
    const template =
      '{{#on}}on {{/on}}{{^on}}off {{/on}}{{#list}}[{{.}}]{{/list}}{{#items}}<{{name}}{{all}}>{{/items}}';
    expect(renderStrict(template, { on: true, list: ['a', 'b'], items: [{ name: 'n' }], all: '!' }, 'text', 't')).toBe(
      'on [a][b]<n!>',
    );
    expect(renderStrict(template, { on: '', list: [], items: [], all: '' }, 'text', 't')).toBe('off ');
  });

  it.each(['{{{a}}}', '{{&a}}', '{{>a}}', '{{=<% %>=}}'])('refuses %s', (template) => {
    expect(failure(() => renderStrict(template, { a: '1' }, 'text', 't')).message).toContain('is not allowed');
  });

  it('says where a template is broken', () => {
    expect(failure(() => renderStrict('{{#a}}', { a: true }, 'text', 'job.yaml')).message).toBe(
      'reading the template of job.yaml: Unclosed section "a" at 6',
    );
  });

  it('gives yaml and bash back exactly the text that went in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (v) => {
        expect(parse(renderStrict('v: {{v}}', { v }, 'yaml', 't'))).toEqual({ v });
      }),
    );
    const values = fc.sample(
      fc.string({ unit: 'binary-ascii' }).map((v) => v.replaceAll('\0', '')),
      50,
    );
    const script = values.map((v) => renderStrict('printf "%s\\0" {{v}}\n', { v }, 'sh', 't')).join('');
    expect(execFileSync('bash', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1)).toEqual(values);
  });
});
