import { describe, expect, it } from 'vitest';
import { HISTORY_SCHEMA, newRun } from '../facts/run-history.ts';
import { Settings } from '../settings/settings.ts';
import { lazyStaging } from './on-demand.ts';

const signal = new AbortController().signal;
const settings = (promotion: object): Settings => Settings.parse({ promotion });

describe('where it is asked how staging fares', () => {
  it.each([
    [
      'has its history',
      () => JSON.stringify({ schema: HISTORY_SCHEMA, at: new Date().toISOString(), runs: [done()] }),
      ['1.36.4'],
    ],
    ['is not there', () => undefined, /ConfigMap k8s-upgrade\/k8s-upgrade-staging: it is no history of runs/],
  ])('is a ConfigMap that %s', async (_title, text, expected) => {
    const asked: string[] = [];
    const cluster = {
      async configMap(namespace: string, name: string) {
        asked.push(`${namespace}/${name}`);
        const history = text();
        return history === undefined ? undefined : { 'history.json': history };
      },
    };
    const looking = lazyStaging(settings({ from: 'configmap' }), cluster).look(signal);
    if (expected instanceof RegExp) await expect(looking).rejects.toThrow(expected);
    else expect((await looking).ran.map(({ version }) => version)).toEqual(expected);
    expect(asked).toEqual(['k8s-upgrade/k8s-upgrade-staging']);
  });

  it.each([
    ['its own Prometheus', { prometheusUrl: 'http://127.0.0.1:1/own' }, '127.0.0.1:1/own'],
    ['that of the alerts', {}, '127.0.0.1:1/alerts'],
  ])('is %s', async (_title, promotion, where) => {
    const alerts = { prometheusUrl: 'http://127.0.0.1:1/alerts' };
    const own = Settings.parse({ alerts, promotion: { from: 'prometheus', ...promotion } });
    await expect(
      lazyStaging(own, { configMap: () => Promise.reject(new Error('not asked')) }).look(signal),
    ).rejects.toThrow(where);
  });

  it.each([
    [{ from: 'url' }, 'give the address at which the history of staging is fetched'],
    [{ from: 'url', url: 'ftp://x' }, 'give an http or https address'],
    [{ from: 'prometheus', labels: { 'a"b': 'x' } }, 'give the name of a label'],
    [{ days: 0 }, 'days'],
  ])('is refused with the key: %j', (promotion, why) => {
    expect(() => settings(promotion)).toThrow(why);
  });
});

function done() {
  return { ...newRun('1.36.4', '2026-11-10T23:00:00.000Z'), outcome: 'complete', endedAt: '2026-11-10T23:50:00.000Z' };
}
