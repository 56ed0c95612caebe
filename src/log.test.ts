import { describe, expect, it } from 'vitest';
import { createLog, type LogOptions } from './log.ts';

function recorded(format: LogOptions['format']) {
  const lines: string[] = [];
  const log = createLog({
    format,
    write: (line) => lines.push(line),
    now: () => new Date('2026-11-20T23:00:01.250Z'),
  });
  return { log, lines };
}

describe('createLog', () => {
  it('writes one JSON object a line in a pod, with the fields of all its parents', () => {
    const { log, lines } = recorded('json');
    log.child({ phase: 'worker' }).child({ node: 'w1' }).warn('cordoned', { by: 'us', phase: 'master' });
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      time: '2026-11-20T23:00:01.250Z',
      level: 'warn',
      message: 'cordoned',
      phase: 'master',
      node: 'w1',
      by: 'us',
    });
  });

  it('keeps a line a line, whatever the values hold', () => {
    const { log, lines } = recorded('json');
    log.error('failed', { output: 'one\ntwo "three"' });
    expect(lines[0]?.split('\n')).toHaveLength(1);
  });

  it.each(['json', 'text'] as const)(
    'as %s holds nothing that a terminal obeys, and no line that somebody forged',
    (format) => {
      const { log, lines } = recorded(format);
      const hostile = '\u001b[2J\u009b1m\u202ex\u2028\r\n23:00:02 FORGED';
      log.child({ node: hostile }).warn(hostile, { osImage: hostile, word: '\u001b]52;c;x\u0007' });
      expect(lines).toHaveLength(1);
      expect(lines[0]).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      if (format === 'json') expect(JSON.parse(lines[0] ?? '')).toMatchObject({ message: hostile, osImage: hostile });
      else expect(lines[0]).toMatch(/^23:00:01 WARN .*FORGED/);
    },
  );

  it('writes time, level and fields for people, and quotes what has spaces', () => {
    const { log, lines } = recorded('text');
    log.info('drained', { node: 'w1', why: 'a person said', none: undefined, pods: 3 });
    log.error('failed');
    expect(lines).toEqual(['23:00:01 drained node=w1 why="a person said" pods=3', '23:00:01 ERROR failed']);
  });
});
