import { atOnce } from '../../at-once.ts';
import { reasonOf } from '../../errors.ts';
import { fetchText } from '../../http/fetch-text.ts';
import { redactUrl } from '../../http/redact-url.ts';
import type { SmokeCheck } from './smoke-check.ts';

const AT_ONCE = 8;
const DEADLINE_MS = 10_000;
const MAX_BYTES = 1024 * 1024;

/** A redirect is followed to the hosts that are named, and to no other: where it leads is asked by its own address. */
export const urlsAnswer: SmokeCheck = {
  reason: 'UrlsSilent',
  what: 'the addresses of smoke.urls answer',
  remedy: 'curl -v shows what each says; look at the ingress controller and its Service. smoke.urls names them.',
  isWanted: ({ smoke }) => smoke.urls.length > 0,
  async look({ deps, signal }) {
    const { urls } = deps.settings.smoke;
    const options = {
      signal,
      deadlineMs: DEADLINE_MS,
      maxBytes: MAX_BYTES,
      allowedHosts: urls.map((url) => new URL(url).host),
    };
    const answers = await atOnce(urls, AT_ONCE, async (url) => {
      try {
        const { status } = await fetchText(url, options);
        return status < 400 ? [] : [`${redactUrl(url)}: HTTP ${status}`];
      } catch (error) {
        signal.throwIfAborted();
        return [`${redactUrl(url)}: ${reasonOf(error)}`];
      }
    });
    return answers.flat();
  },
};
