/**
 * Who sends a command that changes a node. A node keeps the highest generation of the chain's lock that has come to it,
 * and refuses an older one: a process that was cut off or suspended may not know that another one has taken over.
 */
export interface Fence {
  /** See LeaseFact. 0 for who holds no lock: refused wherever a holder of it has been. */
  readonly generation: number;
  readonly holder: string;
}

export const WITHOUT_LOCK: Fence = { generation: 0, holder: 'nobody' };

/** Exit code of fence.sh: a newer holder has been there. */
export const FENCED = 53;
