import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { NightliftError } from '../errors.ts';
import { HISTORY_SCHEMA, RunHistory } from '../facts/run-history.ts';
import type { StagingFact } from '../facts/staging.ts';
import { describeBody } from '../http/describe-body.ts';
import { type FetchText, fetchText } from '../http/fetch-text.ts';
import { redactUrl } from '../http/redact-url.ts';
import { compareVersions } from '../version.ts';
import { MOST_BYTES, type Staging, whyNotFresh } from './staging.ts';

export interface HistoryStagingOptions {
  /** What messages call it, without a password. */
  readonly source: string;
  read(signal: AbortSignal): Promise<string>;
  readonly clock: Clock;
}

const History = z.object({ schema: z.literal(HISTORY_SCHEMA), at: z.iso.datetime(), runs: z.array(RunHistory) });

/** `nightlift history -o json` of staging, wherever somebody has put it. */
export function createHistoryStaging({ source, read, clock }: HistoryStagingOptions): Staging {
  const no = (problem: string): NightliftError =>
    new NightliftError('network', `reading how staging fares from ${source}: ${problem}`, {
      remedy: 'Let staging write there what `nightlift history -o json` says, every night after its run.',
    });
  return {
    async look(signal) {
      const text = await read(signal);
      const parsed = History.safeParse(jsonOf(text));
      if (!parsed.success) throw no(`it is no history of runs: ${describeBody(text)}`);
      const { at, runs } = parsed.data;
      const stale = whyNotFresh(Date.parse(at), clock.now().getTime());
      if (stale !== undefined) throw no(`it was not written last night: ${stale}`);
      return stagingOf(source, runs);
    },
  };
}

/** A ConfigMap of our namespace that somebody writes for us. */
export const STAGING = { configMap: 'k8s-upgrade-staging', key: 'history.json' } as const;

export function fetchHistory(
  url: string,
  userAgent: string,
  fetch: FetchText = fetchText,
): Pick<HistoryStagingOptions, 'source' | 'read'> {
  return {
    source: redactUrl(url),
    async read(signal) {
      const headers = { 'user-agent': userAgent, accept: 'application/json' };
      const { status, body } = await fetch(url, { signal, headers, maxBytes: MOST_BYTES });
      if (status !== 200)
        throw new NightliftError(
          'network',
          `fetching the history of staging from ${redactUrl(url)}: HTTP ${status} with ${describeBody(body)}`,
          {
            remedy: 'Check promotion.url.',
          },
        );
      return body;
    },
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * What runs say of the versions in between: one that is complete begins an interval, which the next complete one ends. A run that
 * begins below the version before it says that staging was set back. Pure.
 */
export function stagingOf(source: string, all: readonly RunHistory[]): StagingFact {
  const runs = all.toSorted((a, b) => a.startedAt.localeCompare(b.startedAt));
  const ran: { version: string; from: string; to: string | null }[] = [];
  const reds: StagingFact['reds'] = [];
  const begins = (version: string, at: string): void => {
    const last = ran.at(-1);
    if (last?.version === version) return;
    if (last !== undefined) last.to = at;
    ran.push({ version, from: at, to: null });
  };
  for (const run of runs) {
    const version = ran.at(-1)?.version;
    if (run.from !== null && version !== undefined && compareVersions(run.from, version) < 0)
      begins(run.from, run.startedAt);
    if (run.outcome === 'complete' && run.endedAt !== null) begins(run.target, run.endedAt);
    if (run.outcome === 'failed' || run.outcome === 'blocked')
      reds.push({
        at: run.endedAt ?? run.updatedAt,
        what: `run ${run.id} ${run.outcome === 'failed' ? 'failed' : 'was refused'}`,
        alert: null,
        severity: 'critical',
      });
  }
  return { source, ran, reds };
}
