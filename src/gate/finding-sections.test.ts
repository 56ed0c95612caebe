import { describe, expect, it } from 'vitest';
import { slackMessage } from '../notify/slack-message.ts';
import type { Finding } from './finding.ts';
import { findingSections } from './finding-sections.ts';

const finding = (message: string, fields: Partial<Finding> = {}): Finding => ({
  check: 'x',
  reason: 'X',
  class: 'actionable',
  severity: 'block',
  message,
  ...fields,
});

const textsOf = (findings: readonly Finding[]) =>
  slackMessage(findingSections(findings), '').blocks.map(({ text }) => text.text.split('\n'));

describe('the findings of a night as a message', () => {
  it('D12 stand under what they ask for, whatever order they come in, with the warnings last', () => {
    const sections = textsOf([
      finding('an old kubelet', { severity: 'warn', class: 'waiting' }),
      finding('calico is pinned', { class: 'pinned', remedy: 'Take the pin off.' }),
      finding('istio is too old', { class: 'waiting' }),
      finding('w1 is not Ready', { remedy: 'Look at it.' }),
      finding('velero is too old', { class: 'waiting' }),
      finding('a budget', { severity: 'warn' }),
    ]);
    expect(sections).toEqual([
      ['*Action needed:*', '• w1 is not Ready. Look at it.'],
      ['*Waiting on upstream:*', '• istio is too old.', '• velero is too old.'],
      ['*Pinned (held by us):*', '• calico is pinned. Take the pin off.'],
      ['*Good to know:*', '• an old kubelet.', '• a budget.'],
    ]);
  });

  it('have no headings without anything under them', () => {
    expect(findingSections([])).toEqual([]);
    expect(textsOf([finding('a budget', { severity: 'warn' })])).toEqual([['*Good to know:*', '• a budget.']]);
  });

  it('cannot write as Slack does', () => {
    expect(textsOf([finding('<!channel> & co')])).toEqual([['*Action needed:*', '• &lt;!channel&gt; &amp; co.']]);
  });
});
