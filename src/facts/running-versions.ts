import { known, type Observed, unknown } from '../observed.ts';
import { compareVersions, newestVersion, oldestVersion } from '../version.ts';
import type { Facts } from './facts.ts';

export interface RunningVersions {
  /** Over all kubelets and API servers: a half-done cluster runs its oldest version (I05). */
  readonly oldest: string;
  readonly oldestApiServer: string;
  readonly newestApiServer: string;
  /** An API server is newer than something else: an upgrade began and did not end. */
  readonly halfDone: boolean;
}

/** The endpoint's answer is only one of the API servers; where it was not read, the static pods of all control planes do as well. */
export function runningVersions(facts: Facts): Observed<RunningVersions> {
  if (!facts.nodes.known) return unknown(`the nodes could not be read: ${facts.nodes.why}`);
  const apiServers = facts.apiServer.known ? [facts.apiServer.value] : [];
  for (const node of facts.nodes.value) {
    if (node.role !== 'control-plane') continue;
    if (node.apiServer === null) {
      return unknown(`the version of the API server on ${node.name} could not be read: it has no kube-apiserver pod`);
    }
    apiServers.push(node.apiServer);
  }
  const oldestKubelet = oldestVersion(facts.nodes.value.map((node) => node.kubelet));
  const oldestApiServer = oldestVersion(apiServers);
  const newestApiServer = newestVersion(apiServers);
  if (oldestKubelet === undefined) return unknown('the list of nodes is empty');
  if (oldestApiServer === undefined || newestApiServer === undefined) {
    return unknown('no API server says its version: there is no control plane node, and the endpoint was not read');
  }
  const oldest = compareVersions(oldestKubelet, oldestApiServer) < 0 ? oldestKubelet : oldestApiServer;
  return known({
    oldest,
    oldestApiServer,
    newestApiServer,
    halfDone: compareVersions(oldest, newestApiServer) < 0,
  });
}
