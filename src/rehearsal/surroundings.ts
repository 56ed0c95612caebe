import { type DnsService, startDns } from './services/dns.ts';
import { type PackageFeed, startPackageFeed } from './services/package-feed.ts';
import { type Prometheus, startPrometheus } from './services/prometheus.ts';
import { type Pushgateway, startPushgateway } from './services/pushgateway.ts';
import { type Slack, startSlack } from './services/slack.ts';

/** What stands around a cluster and is not of it. */
export interface Surroundings {
  readonly feed: PackageFeed;
  readonly prometheus: Prometheus;
  readonly pushgateway: Pushgateway;
  readonly slack: Slack;
  readonly dns: DnsService;
  /** HTTP requests to feed, Prometheus, Pushgateway and Slack so far. */
  httpRequests(): number;
}

/** Starts something, and remembers how it is closed. */
export type Open = <T extends { close(): Promise<void> | void }>(starting: Promise<T> | T) => Promise<T>;

export async function startSurroundings(open: Open, versions: readonly string[]): Promise<Surroundings> {
  const feed = await open(startPackageFeed({ versions }));
  const prometheus = await open(startPrometheus());
  const pushgateway = await open(startPushgateway());
  const slack = await open(startSlack());
  const dns = await open(startDns());
  return {
    feed,
    prometheus,
    pushgateway,
    slack,
    dns,
    httpRequests: () =>
      [feed, prometheus, pushgateway, slack].reduce(
        (sum, { requests }) => sum + requests.length,
        feed.downloads.length,
      ),
  };
}
