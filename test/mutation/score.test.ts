import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../run-command.ts';
import { readScore, scoreChapter, scoreOf } from './score.ts';

const mutants = (...statuses: string[]) => ({ mutants: statuses.map((status) => ({ status })) });

describe('the score of a mutation run', () => {
  it('counts what was noticed, and leaves out what did not run', () => {
    const files = {
      'src/gate/a.ts': mutants('Killed', 'Timeout', 'Survived', 'Ignored'),
      'src/gate/b.ts': mutants('NoCoverage', 'CompileError'),
    };
    expect(scoreOf('gate', { files })).toEqual({ room: 'gate', changes: 4, noticed: 2 });
  });

  it.each([
    ['is no report', {}, /files/],
    ['has no change in it', { files: { 'src/gate/a.ts': mutants('Ignored') } }, /changes/],
  ])('fails for what %s', (_, report, why) => {
    expect(() => scoreOf('gate', report)).toThrow(why);
  });

  it('is a row for each folder and one for all', () => {
    const text = scoreChapter({
      date: '2026-11-27',
      rooms: [
        { room: 'gate', changes: 8, noticed: 7 },
        { room: 'steps', changes: 2, noticed: 2 },
      ],
    });
    expect(text).toContain('| `src/gate` | 8 | 7 | 87.5 % |');
    expect(text).toContain('| all | 10 | 9 | 90.0 % |');
  });

  it('that was recorded is at least 90 % in every folder, and stands in docs/proof.md', () => {
    const score = readScore();
    expect(score.rooms.filter(({ changes, noticed }) => noticed / changes < 0.9)).toEqual([]);
    expect(readFileSync(join(ROOT, 'docs/proof.md'), 'utf8')).toContain(scoreChapter(score));
  });
});
