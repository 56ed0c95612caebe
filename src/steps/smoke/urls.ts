import { atOnce } from '../../at-once.ts';
import { reasonOf } from '../../errors.ts';
import { fetchText } from '../../http/fetch-text.ts';
import { redactUrl } from '../../http/redact-url.ts';
import type { SmokeCheck } from './smoke-check.ts';

const AT_ONCE = 8;
const DEADLINE_MS = 10_000;
const MAX_BYTES = 1024 * 1024;

/** Redirects elsewhere are an answer too: whoever sends one works. */
export const urlsAnswer: SmokeCheck = {
  reason: 'UrlsSilent',
  what: 'the addresses of smoke.urls answer',
  remedy: 'curl -v shows what each says; look at the ingress controller and its Service. smoke.urls names them.',
  isWanted: ({ smoke }) => smoke.urls.length > 0,
  async look({ deps, signal }) {
    const answers = await atOnce(deps.settings.smoke.urls, AT_ONCE, async (url) => {
      try {
        const { status } = await fetchText(url, { signal, deadlineMs: DEADLINE_MS, maxBytes: MAX_BYTES });
        return status < 400 ? [] : [`${redactUrl(url)}: HTTP ${status}`];
      } catch (error) {
        signal.throwIfAborted();
        return [`${redactUrl(url)}: ${reasonOf(error)}`];
      }
    });
    return answers.flat();
  },
};
