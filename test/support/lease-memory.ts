import type { Cluster, LeaseFact } from '../../src/cluster/cluster.ts';

/** Leases in memory, each written only by whoever has read it last. */
export function leaseMemory(): Pick<Cluster, 'lease' | 'leases' | 'writeLease'> {
  const leases = new Map<string, LeaseFact>();
  let version = 1;
  return {
    lease: async (name) => leases.get(name),
    leases: async () => new Map(leases),
    writeLease: async (name, lease, at) => {
      if (at !== leases.get(name)?.version) return false;
      version += 1;
      leases.set(name, { ...lease, version: String(version) });
      return true;
    },
  };
}
