import { parse } from 'yaml';
import { z } from 'zod';
import { reasonOf } from '../errors.ts';
import { etcdConfigurationOf } from '../facts/etcd-configuration.ts';
import { imageSourcesOf } from '../facts/image-sources.ts';
import { parseVersion } from '../version.ts';
import type { Cluster } from './cluster.ts';
import { apiPath } from './kube-client.ts';
import type { KubeContext } from './kube-context.ts';
import { isAlreadyExists, isNotFound, unreadableAnswer } from './kube-error.ts';
import { AnyObject, ObjectMeta, onConflictAgain, orUndefined } from './kube-object.ts';

const ConfigMap = z.object({ data: z.record(z.string(), z.string()).nullish() });
const Namespace = z.object({ metadata: ObjectMeta });
const ClusterConfiguration = z.object({ kubernetesVersion: z.string() });
const Named = z.object({ clusterName: z.string().nullish() });
const Record = z.object({ metadata: ObjectMeta, data: z.record(z.string(), z.string()).nullish() });
/** Key of the text in a record of a run. */
const TEXT = 'run';
const Versioned = z.object({ apiVersion: z.string() });

type ConfigMapCalls = Pick<
  Cluster,
  | 'kubeadmConfigVersion'
  | 'imageSources'
  | 'etcdConfiguration'
  | 'kubeadmApi'
  | 'configMap'
  | 'writeConfigMap'
  | 'changeRecord'
  | 'records'
  | 'clusterName'
  | 'deleteConfigMap'
  | 'namespaceAnnotations'
  | 'annotateNamespace'
>;

export function kubeConfigMaps({ client, namespace: own, keys }: KubeContext): ConfigMapCalls {
  const pathOf = (namespace: string, name: string) => apiPath`/api/v1/namespaces/${namespace}/configmaps/${name}`;
  const doing = 'reading ConfigMap kube-system/kubeadm-config';
  const clusterConfiguration = async (signal: AbortSignal): Promise<string> => {
    const { data } = await client.object({ doing, path: pathOf('kube-system', 'kubeadm-config') }, ConfigMap, signal);
    return data?.['ClusterConfiguration'] ?? '';
  };
  const unreadable = (why: string) =>
    unreadableAnswer(
      doing,
      client.server,
      why,
      undefined,
      'Put it back with: kubeadm init phase upload-config kubeadm --config FILE',
    );
  const ask = async <T>(signal: AbortSignal, what: string, of: (configuration: unknown) => T): Promise<T> => {
    const text = await clusterConfiguration(signal);
    try {
      return of(parse(text));
    } catch (error) {
      throw unreadable(
        `its ClusterConfiguration does not say ${what}: ${error instanceof z.ZodError ? z.prettifyError(error) : reasonOf(error)}`,
      );
    }
  };
  return {
    async kubeadmConfigVersion(signal) {
      const text = kubernetesVersion(await clusterConfiguration(signal));
      const version = parseVersion(text);
      if (version !== undefined) return version;
      throw unreadable(`its ClusterConfiguration has no kubernetesVersion X.Y.Z, but "${text}"`);
    },

    imageSources: (signal) => ask(signal, 'where the images come from', imageSourcesOf),
    etcdConfiguration: (target, signal) =>
      ask(signal, 'what etcd is started with', (value) => etcdConfigurationOf(value, target)),
    kubeadmApi: (signal) => ask(signal, 'which version it is written in', (value) => Versioned.parse(value).apiVersion),

    clusterName: (signal) => ask(signal, 'its name', (value) => Named.parse(value).clusterName ?? null),

    changeRecord(name, change, signal) {
      const doing = `writing ConfigMap ${own}/${name}`;
      return onConflictAgain(async () => {
        const found = await orUndefined(client.object({ doing, path: pathOf(own, name) }, Record, signal));
        const next = change(found?.data?.[TEXT]);
        if (next === undefined) return;
        const data = { [TEXT]: next };
        const labels = { [keys.record]: 'true' };
        if (found === undefined) {
          const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: own, labels }, data };
          const path = apiPath`/api/v1/namespaces/${own}/configmaps`;
          await client.object({ doing, method: 'POST', path, body }, AnyObject, signal);
        } else {
          const { resourceVersion } = found.metadata;
          const body = { metadata: { resourceVersion, labels }, data };
          await client.object(
            { doing, method: 'PATCH', path: pathOf(own, name), patch: 'merge', body },
            AnyObject,
            signal,
          );
        }
      });
    },

    async records(signal) {
      const doing = `listing the records of runs in ${own}`;
      const path = apiPath`/api/v1/namespaces/${own}/configmaps`;
      const found = await client.list({ doing, path, query: { labelSelector: `${keys.record}=true` } }, Record, signal);
      return found.flatMap(({ data }) => data?.[TEXT] ?? []);
    },

    async configMap(namespace, name, signal) {
      const doing = `reading ConfigMap ${namespace}/${name}`;
      const found = await orUndefined(client.object({ doing, path: pathOf(namespace, name) }, ConfigMap, signal));
      return found === undefined ? undefined : (found.data ?? {});
    },

    async writeConfigMap(namespace, name, data, signal) {
      const doing = `writing ConfigMap ${namespace}/${name}`;
      const merge = () =>
        client.object(
          { doing, method: 'PATCH', path: pathOf(namespace, name), patch: 'merge', body: { data } },
          AnyObject,
          signal,
        );
      try {
        await merge();
        return;
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      try {
        const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data };
        const path = apiPath`/api/v1/namespaces/${namespace}/configmaps`;
        await client.object({ doing, method: 'POST', path, body }, AnyObject, signal);
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
        await merge();
      }
    },

    async deleteConfigMap(namespace, name, signal) {
      const doing = `deleting ConfigMap ${namespace}/${name}`;
      await orUndefined(client.object({ doing, method: 'DELETE', path: pathOf(namespace, name) }, AnyObject, signal));
    },

    async namespaceAnnotations(namespace, signal) {
      const doing = `reading namespace ${namespace}`;
      return (await client.object({ doing, path: apiPath`/api/v1/namespaces/${namespace}` }, Namespace, signal))
        .metadata.annotations;
    },

    async annotateNamespace(namespace, annotations, signal) {
      const doing = `annotating namespace ${namespace}`;
      const path = apiPath`/api/v1/namespaces/${namespace}`;
      await client.object(
        { doing, method: 'PATCH', path, patch: 'merge', body: { metadata: { annotations } } },
        AnyObject,
        signal,
      );
    },
  };
}

/** The text of kubernetesVersion, or what is there instead. */
function kubernetesVersion(clusterConfiguration: string): string {
  try {
    const parsed = ClusterConfiguration.safeParse(parse(clusterConfiguration));
    return parsed.success ? parsed.data.kubernetesVersion : '';
  } catch (error) {
    return reasonOf(error);
  }
}
