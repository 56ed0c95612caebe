import { describe, expect, it } from 'vitest';
import { bold, slackMessage } from './slack-message.ts';

const shown = (text: string) => slackMessage([[`• ${text}`]], 'elsewhere').text.slice(2);

describe('text from outside in Slack', () => {
  it.each([
    [
      '<!channel> <@U1> <https://evil.example|renew>',
      '&lt;!channel&gt; &lt;@U1&gt; &lt;https://evil.example|renew&gt;',
    ],
    ['a & b', 'a &amp; b'],
    ['disk.\n\n*✅ K8s upgrade complete*\nAll nodes', 'disk. ⏎ ∗✅ K8s upgrade complete* ⏎ All nodes'],
    ['*bold* _italic_ ~gone~', '∗bold* ＿italic_ ∼gone~'],
    [':white_check_mark: at 10:20:30', '∶white_check_mark: at 10:20:30'],
    ['@here @channel @everyone x@here.example', '＠here ＠channel ＠everyone x＠here.example'],
    ['```\ncode\n``` and ` alone', "' ⏎ code ⏎ ' and ' alone"],
    ['\u001b[2J\u202e', String.raw`\u001b[2J\u202e`],
    ['ssh_key 2*3*4 kube-* ~/.kube a_b_c', 'ssh_key 2*3*4 kube-* ~/.kube a_b_c'],
    ['run `kubectl -n k8s_upgrade get pods -l *x*`', 'run `kubectl -n k8s_upgrade get pods -l *x*`'],
    ['`<b>`', '`&lt;b&gt;`'],
  ])('%j is shown as %j', (text, expected) => {
    expect(shown(text)).toBe(expected);
  });

  it('cannot end or widen what is bold', () => {
    expect(slackMessage([[[bold('a* *b\nc <d>'), ' *e* ', bold('f')]]], '').text).toBe('*a∗ ∗b ⏎ c &lt;d&gt;* ∗e* *f*');
  });

  it('becomes no link in a block', () => {
    const { blocks } = slackMessage([['see https://slack.com.evil.example/login']], '');
    expect(blocks).toEqual([
      { type: 'section', text: { type: 'mrkdwn', text: 'see https://slack.com.evil.example/login', verbatim: true } },
    ]);
  });

  it('is one line for each line of a section, whatever it holds', () => {
    const { text } = slackMessage([['a\nb', ['c\r\nd', bold('e\u2028f')]], ['g']], '');
    expect(text.split('\n')).toHaveLength(3);
  });
});
