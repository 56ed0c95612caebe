import type { ActionStep } from '../../chain/phase.ts';

export const apiHealth: ActionStep = {
  name: 'api-health',
  summary: '/readyz and /livez of the API server',
  async run(context) {
    const { deps, signal } = context;
    for (const path of ['/readyz', '/livez'] as const) {
      await context.waiter.until(
        `the API server's ${path}`,
        async () => {
          const health = await deps.cluster.health(path, signal);
          return health.ok ? { done: true, value: undefined } : { done: false, missing: health.detail };
        },
        { seconds: deps.settings.waits.readySeconds, remedy: `kubectl get --raw '${path}?verbose'` },
      );
    }
  },
};
