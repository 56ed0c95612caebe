import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readEnvironment, readSettings } from './environment.ts';
import { NightliftError } from './errors.ts';
import { parseSettings } from './settings/parse-settings.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nightlift-config-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function failure(run: () => unknown): NightliftError {
  try {
    run();
  } catch (error) {
    if (error instanceof NightliftError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

describe('parseSettings', () => {
  it('takes an empty file for the defaults', () => {
    const settings = parseSettings('', 'x');
    expect(settings).toMatchObject({ namespace: 'k8s-upgrade', waits: { soakSeconds: 600 }, window: null });
    expect(parseSettings('# only a comment\n', 'x')).toEqual(settings);
  });

  it('keeps the defaults of a group beside the keys that are given', () => {
    const { waits } = parseSettings('waits: { soakSeconds: 60 }', 'x');
    expect(waits).toMatchObject({ soakSeconds: 60, drainSeconds: 1800 });
  });

  it.each([
    ['namespase: a', 'namespase: no such key; did you mean "namespace"?'],
    ['waits: { soakSecond: 1 }', 'waits.soakSecond: no such key; did you mean "soakSeconds"?'],
    ['window: { start: "23:00", ende: "05:00", end: "05:00" }', 'window.ende: no such key; did you mean "end"?'],
    ['quiesce: [{ namespace: a, name: b, knid: Deployment }]', 'quiesce.0.knid: no such key; did you mean "kind"?'],
    ['colour: red', 'colour: no such key. Known here: namespace, '],
  ])('names the nearest known key for %j', (text, expected) => {
    expect(failure(() => parseSettings(text, 'x')).message).toContain(expected);
  });

  it.each([
    ['waits: { soakSeconds: -1 }', 'waits.soakSeconds: '],
    ['waits: { soakSeconds: "600" }', 'waits.soakSeconds: '],
    ['target: { ceiling: v1.36 }', 'target.ceiling: give a minor (1.36) or a version (1.36.4)'],
    ['target: { skip: [1.36.x] }', 'target.skip.0: give a version in full'],
    ['window: { start: "24:00", end: "05:00" }', 'window.start: give a time of day as HH:MM'],
    ['packages: { baseUrl: "ftp://feed" }', 'packages.baseUrl: '],
    ['- a list', 'the file: '],
    ['just text', 'the file: '],
  ])('says where %j is wrong', (text, expected) => {
    expect(failure(() => parseSettings(text, 'x')).message).toContain(expected);
  });

  it('says all mistakes of a file at once', () => {
    const { message } = failure(() => parseSettings('waits: { soakSecond: 1, drainSeconds: x }\nnamespase: a', 'x'));
    expect(message.split('\n  - ')).toHaveLength(4);
  });

  it('says the line of a file that is not YAML', () => {
    const { message, kind } = failure(() => parseSettings('waits:\n  soakSeconds: [1\n', '/config/config.yaml'));
    expect(message).toContain('reading the settings in /config/config.yaml: this is not YAML');
    expect(message).toMatch(/line \d/);
    expect(kind).toBe('config');
  });

  it('refuses the same key twice, of which only one could count', () => {
    expect(failure(() => parseSettings('dryRun: true\ndryRun: false\n', 'x')).message).toContain('this is not YAML');
  });
});

describe('readSettings', () => {
  it('takes the file of the command line before that of the environment', () => {
    writeFileSync(join(dir, 'a.yaml'), 'namespace: from-a');
    writeFileSync(join(dir, 'b.yaml'), 'namespace: from-b');
    const environment = readEnvironment({ NIGHTLIFT_CONFIG: join(dir, 'a.yaml') });
    expect(readSettings(environment).namespace).toBe('from-a');
    expect(readSettings(environment, join(dir, 'b.yaml')).namespace).toBe('from-b');
  });

  it('reads the file of the pod, under the root that the environment names', () => {
    const environment = readEnvironment({ NIGHTLIFT_ROOT: dir });
    expect(readSettings(environment).namespace).toBe('k8s-upgrade');
    mkdirSync(join(dir, 'config'));
    writeFileSync(join(dir, 'config/config.yaml'), 'namespace: in-the-pod');
    expect(readSettings(environment).namespace).toBe('in-the-pod');
  });

  it('does not fall back to the defaults when the named file is not there', () => {
    const { message, remedy } = failure(() => readSettings(readEnvironment({}), join(dir, 'none.yaml')));
    expect(message).toContain(`reading the settings file ${join(dir, 'none.yaml')}`);
    expect(remedy).toContain('--config');
  });

  it('takes blank variables for absent ones', () => {
    expect(readSettings(readEnvironment({ NIGHTLIFT_CONFIG: ' ', NIGHTLIFT_ROOT: dir })).namespace).toBe('k8s-upgrade');
  });

  describe('in a pod', () => {
    const pod = () => readEnvironment({ NIGHTLIFT_ROOT: dir, KUBERNETES_SERVICE_HOST: '10.96.0.1' });
    const put = (name: string, text: string): void => {
      mkdirSync(join(dir, 'config'), { recursive: true });
      writeFileSync(join(dir, 'config', name), text);
    };

    it('refuses to begin without its file, and says where it comes from and how all defaults are asked for', () => {
      const error = failure(() => readSettings(pod()));
      expect(error.exitCode).toBe(64);
      expect(error.message).toBe(
        `reading the settings file ${join(dir, 'config/config.yaml')}: it is not there, and there is no folder ${join(dir, 'config')}`,
      );
      expect(error.remedy).toContain('key config.yaml of ConfigMap k8s-upgrade-config');
      expect(error.remedy).toContain('all defaults: {}');
    });

    it('does not take a file of another name for it, and names what is there', () => {
      put('config.yml', 'dryRun: true\n');
      mkdirSync(join(dir, 'config/..data'));
      expect(failure(() => readSettings(pod())).message).toMatch(/it is not there; the folder has: config\.yml$/);
    });

    it('takes {} for all defaults on purpose', () => {
      put('config.yaml', '{}\n');
      expect(readSettings(pod())).toEqual(parseSettings('', 'x'));
    });
  });

  it.each(['', ' \n', '# emptied by a bad merge\n', '---\n', '--- # nothing\n...\n', 'null\n', '~'])(
    'does not take a file that says nothing (%j) for the defaults, wherever it is',
    (text) => {
      const file = join(dir, 'config.yaml');
      writeFileSync(file, text);
      const error = failure(() => readSettings(readEnvironment({}), file));
      expect(error.exitCode).toBe(64);
      expect(error.message).toBe(`reading the settings in ${file}: it says nothing`);
      expect(error.remedy).toContain('all defaults: {}');
    },
  );
});
