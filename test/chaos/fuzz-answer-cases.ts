import { z } from 'zod';
import { alertOfSeries, alertsIn, rulesIn, samplesIn } from '../../src/alerts/prometheus-answer.ts';
import { answerError, isNotFound, unreadableAnswer } from '../../src/cluster/kube-error.ts';
import { evictionResult } from '../../src/cluster/kube-pods.ts';
import { mismatch, subjectOf } from '../../src/cluster/kube-subject.ts';
import { parseObject } from '../../src/cluster/parse-object.ts';
import {
  apiServerProblems,
  etcdProblems,
  parseControlPlaneHealth,
} from '../../src/steps/control-plane/control-plane-health.ts';
import { parseEtcdSnapshotReport } from '../../src/steps/etcd/own-snapshot-report.ts';
import { rebootingNodes } from '../../src/steps/locks/kured-lock.ts';
import { ETCD_VERSIONS, recordedHealth } from '../fixtures/recorded/etcd-health.ts';
import type { FuzzCase } from './fuzz.ts';

type Json = Readonly<Record<string, unknown>>;

const alert = (name: string, state: string): Json => ({
  labels: { alertname: name, severity: 'critical' },
  annotations: { summary: `${name} is bad` },
  state,
  activeAt: '2026-11-21T22:00:00.123456789Z',
  value: '1e+00',
});
const vector = (...metrics: readonly Json[]): string =>
  JSON.stringify({
    status: 'success',
    data: { resultType: 'vector', result: metrics.map((metric) => ({ metric, value: [1_795_302_000.1, '1'] })) },
  });
const rules = (...list: readonly (readonly [string, string, string])[]): string => {
  const all = list.map(([name, type, health]) => ({ name, type, health, query: 'up == 0', labels: {}, alerts: [] }));
  return JSON.stringify({ status: 'success', data: { groups: [{ name: 'group', file: 'rules.yml', rules: all }] } });
};
const alerts = (...list: readonly Json[]): string => JSON.stringify({ status: 'success', data: { alerts: list } });
const answered = (body: string) => ({ where: 'http://prometheus:9090/api/v1', status: 200, body });

const SERVER = { node: 'cp2', address: '192.0.2.12:6443' };
const serverSays = (code: string): string => `nightlift-api-server\tcp2\t${code}\n`;
const NOW = new Date('2026-11-21T12:00:00Z');
const REPORT = {
  path: '/var/lib/nightlift/snapshots/etcd-1.36.4-20261121T230102Z.db',
  bytes: 1_093_664,
  hash: 3_535_332_676,
  revision: 848,
  totalKeys: 335,
  keys: 335,
  restored: true,
  notRestoredWhy: '',
  takenAt: '2026-11-21T23:01:03Z',
  target: '1.36.4',
};

const LEASE = { doing: 'reading Lease a/lock', path: '/apis/coordination.k8s.io/v1/namespaces/a/leases/lock' };
const PODS = { doing: 'listing pods', path: '/api/v1/pods' };
const EVICTION = subjectOf({ path: '/api/v1/namespaces/a/pods/web-1/eviction' });
const statusOf = (name: string, kind: string, more: Json = {}): string =>
  JSON.stringify({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    message: `${kind} "${name}" not found, and some more words that may be damaged without a loss of what is said here`,
    status: 'Failure',
    reason: 'NotFound',
    details: { name, kind, ...more },
    code: 404,
  });
const objectOf = (kind: string, apiVersion: string, metadata: Json, more: Json = {}): string =>
  JSON.stringify({ kind, apiVersion, metadata, ...more });

interface Said {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly status?: string;
  readonly reason?: string;
  readonly details?: { readonly name?: string; readonly kind?: string };
  readonly metadata?: { readonly name?: string; readonly resourceVersion?: string };
}

/** Answers of servers and programs, most of them JSON: what they say is bad never gets lost. */
export const ANSWER_FUZZ_CASES: readonly FuzzCase[] = [
  {
    name: '404 of an API server',
    seeds: [
      statusOf('lock', 'leases', { group: 'coordination.k8s.io' }),
      statusOf('a', 'namespaces'),
      statusOf('other', 'leases', { group: 'coordination.k8s.io' }),
      '{"kind":"Status","status":"Failure","reason":"NotFound","details":{},"code":404}',
      '<html>default backend - 404</html>',
    ],
    run: (body) => {
      const error = answerError(LEASE, 'https://api', { status: 404, body });
      if (!isNotFound(error)) throw error;
      const { status, reason, details = {} } = JSON.parse(body) as Said;
      const isThere = details.name === 'lock' || (details.name === 'a' && details.kind === 'namespaces');
      return status === 'Failure' && reason === 'NotFound' && isThere ? undefined : 'absence that nobody has stated';
    },
  },
  {
    name: 'object of an API server',
    seeds: [
      objectOf(
        'Lease',
        'coordination.k8s.io/v1',
        { name: 'lock', annotations: { note: 'words that may be damaged without a loss of what is said here' } },
        { spec: { holderIdentity: 'k8s-upgrade-worker-1-36-4-w1-abcde', leaseDurationSeconds: 60 } },
      ),
      objectOf('Lease', 'coordination.k8s.io/v1', { name: 'other', resourceVersion: '7' }),
      objectOf('ConfigMap', 'v1', { name: 'lock' }, { data: {} }),
    ],
    run: (body) => {
      const about = (value: unknown) => mismatch(LEASE, value);
      const found = parseObject(LEASE.doing, 'https://api', body, z.looseObject({}), about) as Said;
      return found.kind === 'Lease' && found.metadata?.name === 'lock' ? undefined : 'another object';
    },
  },
  {
    name: 'list of an API server',
    seeds: [
      objectOf('PodList', 'v1', { resourceVersion: '7' }, { items: [] }),
      objectOf('PodList', 'v1', { resourceVersion: '7', continue: 'x', remainingItemCount: 3 }, { items: [] }),
      objectOf('PodMetricsList', 'metrics.k8s.io/v1beta1', {}, { items: [] }),
    ],
    run: (body) => {
      const about = (value: unknown) => mismatch(PODS, value);
      const found = parseObject(PODS.doing, 'https://api', body, z.looseObject({}), about) as Said;
      const isList = found.kind === 'PodList' && found.apiVersion === 'v1';
      return isList && (found.metadata?.resourceVersion ?? '') !== '' ? undefined : 'another list';
    },
  },
  {
    name: 'eviction',
    seeds: [
      '{"kind":"Status","apiVersion":"v1","status":"Success","code":201}',
      statusOf('web-1', 'pods'),
      statusOf('web-2', 'pods'),
      '<html>It works!</html>',
    ],
    run: (body) => {
      const result = evictionResult(
        { status: body.includes('404') ? 404 : 201, body, contentType: '', retryAfterMs: 0, date: undefined },
        EVICTION,
      );
      if (result === undefined) throw unreadableAnswer('evicting', 'https://api', 'no answer');
      const said = JSON.parse(body) as Said;
      if (result.kind === 'accepted') return said.status === 'Success' ? undefined : 'nobody has accepted it';
      const isNamed = said.details?.name === 'web-1' || said.details?.name === 'a';
      return result.kind !== 'gone' || isNamed ? undefined : 'a pod that nobody has called gone';
    },
  },
  {
    name: 'alerts',
    seeds: [
      alerts(),
      alerts(alert('NodeDown', 'firing'), alert('DiskFull', 'pending'), alert('__proto__', 'firing')),
      JSON.stringify({ status: 'error', errorType: 'timeout', error: 'query timed out' }),
      JSON.stringify({ status: 'success', warnings: ['a store is away'], data: { alerts: [] } }),
    ],
    run: (text) => {
      const found = alertsIn(answered(text));
      const { data } = JSON.parse(text) as { data: { alerts: { state: string; labels: Record<string, string> }[] } };
      const said = data.alerts.map(({ state, labels }) => `${state} ${labels['alertname'] ?? ''}`);
      return found.map(({ state, name }) => `${state} ${name}`).join('\n') === said.join('\n')
        ? undefined
        : 'other alerts than the answer has';
    },
  },
  {
    name: 'alerting rules',
    seeds: [
      rules(['NodeDown', 'alerting', 'ok'], ['rate', 'recording', 'ok'], ['DiskFull', 'alerting', 'err']),
      rules(['NodeDown', 'alerting', 'unknown']),
      rules(),
    ],
    run: (text) => {
      const found = rulesIn(answered(text));
      const { data } = JSON.parse(text) as {
        data: { groups: { rules: { name: string; type: string; health?: string }[] }[] };
      };
      const said = data.groups.flatMap((group) => group.rules).filter(({ type }) => type === 'alerting');
      const ok = (list: readonly { readonly health?: string }[]): number =>
        list.filter(({ health }) => health === 'ok').length;
      return found.length === said.length && ok(found) === ok(said) ? undefined : 'other rules than the answer has';
    },
  },
  {
    name: 'series ALERTS',
    seeds: [
      vector(),
      vector(
        { __name__: 'ALERTS', alertname: 'NodeDown', alertstate: 'firing', severity: 'critical' },
        { __name__: 'ALERTS', alertname: 'DiskFull', alertstate: 'pending' },
      ),
      JSON.stringify({ status: 'success', data: { resultType: 'matrix', result: [] } }),
    ],
    run: (text) => {
      const found = samplesIn(answered(text)).map(alertOfSeries);
      const { data } = JSON.parse(text) as { data: { result: { metric: Record<string, string> }[] } };
      const firing = data.result.filter(({ metric }) => metric['alertstate'] !== 'pending').length;
      return found.length === data.result.length && found.filter(({ state }) => state === 'firing').length === firing
        ? undefined
        : 'other alerts than the series has';
    },
  },
  {
    name: 'etcd and API servers of themselves',
    seeds: [
      ...ETCD_VERSIONS.flatMap((version) =>
        ['well', 'single', 'learner', 'not-started', 'member-down', 'nospace', 'no-quorum'].map(
          (state) => `${recordedHealth(version, state).stdout}${serverSays('200')}`,
        ),
      ),
      `nightlift-etcd-external\tnone here\n${serverSays('403')}`,
      `${recordedHealth('3.6.8', 'well').stdout}${serverSays('500')}`,
    ],
    run: (text) => {
      const { etcd, apiServers } = parseControlPlaneHealth(text, '');
      if (
        apiServerProblems([SERVER], apiServers).length === 0 &&
        !/^nightlift-api-server\tcp2\t(200|401|403)(\t|$)/m.test(text)
      )
        return 'an API server that did not say that it is ready';
      if (etcd === null) return /^nightlift-etcd-external(\t|$)/m.test(text) ? undefined : 'an etcd that is gone';
      return etcdProblems(etcd, []).length === 0 ? wellInspiteOf(text) : undefined;
    },
  },
  {
    name: 'report of an own snapshot',
    seeds: [
      `nightlift: taking\nnightlift-snapshot\t${JSON.stringify(REPORT)}\n`,
      `nightlift-snapshot\t${JSON.stringify({ ...REPORT, keys: null, restored: false, notRestoredWhy: 'off' })}\n`,
    ],
    run: (text) => {
      const report = parseEtcdSnapshotReport(text);
      if (report === undefined) return undefined;
      const lines = text.split('\n').filter((line) => line.startsWith('nightlift-snapshot\t'));
      return lines.some((line) => line.includes(JSON.stringify(report.bytes).slice(0, 6))) &&
        report.path.startsWith('/')
        ? undefined
        : 'a report that is not in the text';
    },
  },
  {
    name: "kured's lock",
    seeds: [
      '{"nodeID":"worker-1","created":"2026-11-21T00:00:00Z","TTL":3600000000000}',
      '{"nodeID":"worker-1","metadata":{"unschedulable":false},"created":"2026-11-21T11:59:00.123456789Z","TTL":0}',
      '{"maxOwners":2,"locks":[{"nodeID":"a","created":"2026-11-21T11:00:00Z","TTL":7200000000000},{"nodeID":""}]}',
      '{"locks":null}',
      '',
    ],
    run: (text) => {
      const nodes = rebootingNodes(text, NOW);
      if (nodes.includes('')) return 'a node without a name';
      return nodes.length > 0 || text.trim() === '' || isFree(JSON.parse(text) as Lock)
        ? undefined
        : 'a lock that is overlooked';
    },
  },
];

interface Lock {
  readonly locks?: readonly Lock[] | null;
  readonly nodeID?: string;
  readonly created?: string;
  readonly TTL?: number;
}

function isFree({ locks, nodeID, created = '', TTL = 0 }: Lock): boolean {
  if (locks !== undefined) return (locks ?? []).every(isFree);
  return nodeID === '' || (TTL > 0 && Date.parse(created) + TTL / 1e6 < NOW.getTime());
}

/** What etcd itself says is wrong, in a text that was taken for that of a healthy one. */
function wellInspiteOf(text: string): string | undefined {
  const last = (key: string): string =>
    text
      .split('\n')
      .findLast((line) => line.startsWith(`nightlift-etcd-${key}\t`))
      ?.split('\t')[1] ?? '';
  const { members } = JSON.parse(last('members')) as { members: { clientURLs: string[]; isLearner?: boolean }[] };
  const health = JSON.parse(last('health')) as { endpoint: string; health: boolean }[];
  const status = JSON.parse(last('status')) as { Endpoint: string; Status: { errors?: string[]; leader?: number } }[];
  for (const { clientURLs, isLearner } of members) {
    if (isLearner === true) return 'a learner';
    if (health.find(({ endpoint }) => clientURLs.includes(endpoint))?.health !== true) return 'a member that is unwell';
    const own = status.find(({ Endpoint }) => clientURLs.includes(Endpoint))?.Status;
    if (own?.leader === undefined || own.leader === 0) return 'a member without a leader';
    if ((own.errors ?? []).length > 0) return 'a member with an alarm';
  }
  return members.length === 0 ? 'no members' : undefined;
}
