import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../src/cli/commands.ts';
import { generatedDocuments, settingsSchema } from '../src/docs/documents.ts';
import { fieldsOf, isGroup } from '../src/docs/schema-field.ts';
import { parseSettings } from '../src/settings/parse-settings.ts';
import { Settings } from '../src/settings/settings.ts';

const ROOT = resolve(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const pages = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', ...globSync('{docs,test}/**/*.md', { cwd: ROOT })];
const blocks = (text: string, language: string): readonly string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm'))].map((match) => match[1] ?? '');

const generated = await generatedDocuments(ROOT);

describe('generated documents', () => {
  it.each(generated)('$path is what the code says (npm run generate writes it)', ({ path, text }) => {
    expect(read(path)).toBe(text);
  });
});

describe('docs/configuration.md', () => {
  const fields = fieldsOf(settingsSchema());

  it.each(fields.filter((field) => !isGroup(field)))(
    'has $key with what it is and why its default is what it is',
    ({ key, node, required }) => {
      expect(read('docs/configuration.md')).toContain(`| \`${key}\` |`);
      expect(node.description).toMatch(/^\S.*\.$/);
      expect(node.reason).toMatch(/\.$/);
      expect(required || node.default !== undefined).toBe(true);
    },
  );

  it.each(fields.filter(({ node }) => node.type === 'number'))('gives the unit of $key', ({ node }) => {
    expect(node.unit).toMatch(/./);
  });

  it('has an example that parses, and all defaults as they are', () => {
    const [example = '', defaults = ''] = blocks(read('docs/configuration.md'), 'yaml');
    expect(parseSettings(example, 'the example')).toMatchObject({ ssh: { user: 'nightlift' } });
    expect(parseSettings(defaults, 'the defaults')).toEqual(Settings.parse({}));
  });
});

describe('docs/messages.md', () => {
  const page = read('docs/messages.md');
  const sources = (...patterns: string[]) =>
    globSync(patterns, { cwd: ROOT })
      .filter((file) => !file.endsWith('.test.ts'))

      .map(read)
      .join('\n');

  it('explains every reason that a finding or a failure on a node can have', () => {
    const code = sources(
      'src/{gate,steps,chain,phases,detect}/**/*.ts',
      'src/node/{exit-codes,output-rules,explain-failure}.ts',
    );
    const reasons = new Set(
      [...code.matchAll(/(?:reason: |[fF]inding\(\s*)'([A-Z]\w+)'/g)].map((match) => match[1] ?? ''),
    );
    expect(reasons.size).toBeGreaterThan(20);
    expect([...reasons].filter((reason) => !page.includes(`\`${reason}\``))).toEqual([]);
  });

  it('explains every exit code of the node scripts', () => {
    const codes = new Set(
      [...sources('templates/node/*.sh').matchAll(/\bfail (\d+) "/g)].map((match) => match[1] ?? ''),
    );
    expect(codes.size).toBeGreaterThan(10);
    expect([...codes].filter((code) => !page.includes(`| ${code} |`))).toEqual([]);
  });
});

describe('pages written by hand', () => {
  it('name only files of the program that there are, and so do the node scripts', () => {
    const texts = [...pages, ...globSync('{templates,deploy,test/golden,terraform}/**/*.{sh,yaml,tf}', { cwd: ROOT })];
    const named = texts.flatMap((file) =>
      [...read(file).matchAll(/\bsrc\/[\w/-]+\.ts\b/g)].map(([path]) => ({ file, path })),
    );
    expect(named.length).toBeGreaterThan(3);
    // NAME and SUBJECT stand for any.
    const real = named.filter(({ path }) => !/[A-Z]{2}/.test(path));
    expect(real.filter(({ path }) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it.each(pages)('%s links to files that are there', (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map((match) => match[1] ?? '');
    expect(links.filter((link) => !existsSync(resolve(ROOT, dirname(page), link)))).toEqual([]);
  });

  it.each(pages)('%s names only commands and npm scripts that there are', (page) => {
    const shell = blocks(read(page), '(?:sh|bash|console)').join('\n');
    const commands = [...shell.matchAll(/(?:^|[\s/])nightlift ([a-z][a-z-]*)/gm)].map((match) => match[1] ?? '');
    expect(commands.filter((name) => !COMMANDS.some((command) => command.name === name))).toEqual([]);
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const used = [...shell.matchAll(/npm run (?:--silent )?([a-z:]+)/g)].map((match) => match[1] ?? '');
    expect(used.filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  // The blocks of docs/gates.md are addon matrices.
  it.each(pages.filter((page) => page !== 'docs/gates.md'))('%s gives settings that parse', (page) => {
    const settings = blocks(read(page), 'yaml').filter((text) => !/^apiVersion:/m.test(text));
    for (const text of settings) expect(() => parseSettings(text, page)).not.toThrow();
  });

  it('README.md runs a whole night first and the tests second', () => {
    const [first = '', second = ''] = blocks(read('README.md'), '(?:sh|bash|console)')
      .join('\n')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(first).toContain('npm ci && npm run demo');
    expect(second).toContain('npm test');
    expect(read('README.md').split('\n').length).toBeLessThanOrEqual(151);
  });

  it('.ci/run runs what the README says that it does', () => {
    expect(read('README.md')).toContain(
      '`.ci/run` prepares that, and does `npm test -- --all` and then `npm run test:lab -- --ci`',
    );
    const commands = read('.ci/run').match(/^npm .*?(?= 2>&1|$)/gm);
    expect(commands).toEqual([
      'npm ci',
      "npm run test:lab -- --prepare || echo 'No night on a real cluster runs beside the tests.'",
      'npm test -- --all',
      'npm run test:lab -- --ci',
    ]);
  });
});
