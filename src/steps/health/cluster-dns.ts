import { NODATA, Resolver } from 'node:dns/promises';
import type { ActionStep } from '../../chain/phase.ts';
import { reasonOf } from '../../errors.ts';
import { hostPort } from '../../host-port.ts';

export const clusterDns: ActionStep = {
  name: 'cluster-dns',
  summary: 'the cluster DNS answers for kubernetes.default',
  skip: ({ deps }) => Promise.resolve(deps.inCluster ? undefined : 'this process is outside the cluster'),
  async run(context) {
    const { deps, signal } = context;
    const inside = `kubernetes.default.svc.${deps.settings.postflight.clusterDomain}`;
    const service = await deps.cluster.dnsService(signal);
    if (service === undefined) {
      deps.log.warn('there is no Service kube-system/kube-dns: the cluster DNS was not tried');
      return;
    }
    const resolver = new Resolver({ timeout: 2000, tries: 2 });
    resolver.setServers([hostPort(service.address, service.port)]);
    for (const name of [inside, ...deps.settings.smoke.dnsNames]) {
      await context.waiter.until(
        `the cluster DNS to know ${name}`,
        async () => {
          try {
            const addresses = await addressesOf(resolver, name);
            return addresses.length > 0
              ? { done: true, value: undefined }
              : { done: false, missing: 'it answers without an address' };
          } catch (error) {
            return { done: false, missing: reasonOf(error) };
          }
        },
        {
          seconds: deps.settings.waits.readySeconds,
          remedy:
            name === inside
              ? 'kubectl -n kube-system get pods -l k8s-app=kube-dns, and their logs.'
              : 'See the same, and where it forwards to (ConfigMap kube-system/coredns); smoke.dnsNames names what is asked.',
        },
      );
    }
  },
};

/** A name of an IPv6 cluster is known, and has no IPv4 address. */
async function addressesOf(resolver: Resolver, name: string): Promise<readonly string[]> {
  try {
    return await resolver.resolve4(name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === NODATA)) throw error;
    return await resolver.resolve6(name);
  }
}
