import { describe, expect, it } from 'vitest';
import { fitted, type Picture, type Rows } from './picture.ts';

function rows(name: string, count: number, focus = 0): Rows {
  return { head: name, rows: Array.from({ length: count }, (_, index) => `${name}-${index + 1}`), focus };
}

function picture(nodes: number, jobs: number, fields: Partial<Picture> = {}): Picture {
  return {
    title: 'title',
    summary: ['summary'],
    nodes: rows('node', nodes),
    jobs: rows('job', jobs, jobs),
    events: ['event'],
    activity: ['doing', 'said'],
    more: (text) => `… ${text}`,
    ...fields,
  };
}

describe('the picture of a night', () => {
  it('is never higher than the screen, and keeps the title and what is being done', () => {
    for (let height = 5; height <= 60; height += 1)
      for (const nodes of [1, 3, 7, 30])
        for (const jobs of [0, 1, 8, 40]) {
          const lines = fitted(picture(nodes, jobs), height);
          expect(lines.length).toBeLessThanOrEqual(height);
          expect(lines[0]).toBe('title');
          expect(lines.at(-2)).toBe('doing');
        }
    expect(fitted(picture(7, 7), 1)).toEqual(['title']);
  });

  it('has seven nodes and the newest Jobs on 24 rows, and says how many are left out', () => {
    const lines = fitted(picture(7, 12), 23);
    expect(lines).toContain('node-7');
    expect(lines).toContain('job-12');
    expect(lines).not.toContain('job-1');
    expect(lines).toContain('… 7 before');
    expect(lines).toHaveLength(23);
  });

  it('shows the nodes that are still to go when there is no room for all', () => {
    const lines = fitted(picture(30, 12, { nodes: rows('node', 30, 20) }), 23);
    expect(lines).toContain('node-21');
    expect(lines).not.toContain('node-1');
    expect(lines).toContain('… and 4 more, and 20 before');
    const atEnd = fitted(picture(30, 12, { nodes: rows('node', 30, 29) }), 23);
    expect(atEnd).toContain('node-30');
  });

  it('uses a large screen for everything', () => {
    const lines = fitted(picture(30, 20), 80);
    expect(lines).toEqual([
      'title',
      'summary',
      '',
      'node',
      ...rows('node', 30).rows,
      '',
      'job',
      ...rows('job', 20).rows,
      '',
      'event',
      'doing',
      'said',
    ]);
  });
});
