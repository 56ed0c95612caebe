import type { Container, EnvVar, Node, Pod } from '../api/kinds.ts';
import { configMaps, nodes, secrets } from '../api/resources.ts';
import { fieldText } from '../api/selector.ts';
import type { Store } from '../api/store.ts';
import { NotStartable } from './pod-runner.ts';

/** The environment of a container, with its references resolved as a kubelet does. */
export function podEnvironment(store: Store, container: Container, pod: Pod): Record<string, string> {
  const env: Record<string, string> = {};
  for (const source of container.envFrom ?? []) {
    const { configMapRef, secretRef, prefix = '' } = source;
    const values =
      configMapRef === undefined ? {} : configMapData(store, pod, configMapRef.name, configMapRef.optional);
    if (secretRef !== undefined) Object.assign(values, secretData(store, pod, secretRef.name, secretRef.optional));
    for (const [key, value] of Object.entries(values)) env[`${prefix}${key}`] = value;
  }
  for (const variable of container.env ?? []) {
    const value = valueOf(store, variable, pod);
    if (value !== undefined)
      env[variable.name] = value.replace(/\$\(([A-Za-z0-9_.-]+)\)/g, (whole, name: string) => env[name] ?? whole);
  }
  return env;
}

function valueOf(store: Store, { value, valueFrom }: EnvVar, pod: Pod): string | undefined {
  if (valueFrom === undefined) return value ?? '';
  const { fieldRef, secretKeyRef, configMapKeyRef } = valueFrom;
  if (fieldRef !== undefined) return fieldValue(store, pod, fieldRef.fieldPath);
  if (secretKeyRef !== undefined) {
    const { name, key, optional } = secretKeyRef;
    return required(
      secretData(store, pod, name, optional)[key],
      optional,
      `couldn't find key ${key} in Secret ${pod.metadata.namespace}/${name}`,
    );
  }
  if (configMapKeyRef !== undefined) {
    const { name, key, optional } = configMapKeyRef;
    return required(
      configMapData(store, pod, name, optional)[key],
      optional,
      `couldn't find key ${key} in ConfigMap ${pod.metadata.namespace}/${name}`,
    );
  }
  return undefined;
}

function required(value: string | undefined, optional: boolean | undefined, message: string): string | undefined {
  if (value === undefined && optional !== true) throw new NotStartable(message);
  return value;
}

/** A field of the downward API. */
export function fieldValue(store: Store, pod: Pod, path: string): string {
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (keyed !== null) return pod.metadata[keyed[1] === 'labels' ? 'labels' : 'annotations']?.[keyed[2] ?? ''] ?? '';
  if (path === 'status.hostIP') return internalIp(store.get(nodes, pod.spec.nodeName ?? '')) ?? '';
  if (path === 'status.podIP') return pod.status.podIP ?? '127.0.0.1';
  return fieldText(pod, path);
}

function internalIp(node: Node | undefined): string | undefined {
  return node?.status.addresses?.find(({ type }) => type === 'InternalIP')?.address;
}

export function configMapData(store: Store, pod: Pod, name: string, optional = false): Record<string, string> {
  const found = store.get(configMaps, name, pod.metadata.namespace);
  if (found === undefined && !optional) throw new NotStartable(`configmap "${name}" not found`);
  return { ...found?.data };
}

export function secretData(store: Store, pod: Pod, name: string, optional = false): Record<string, string> {
  const found = store.get(secrets, name, pod.metadata.namespace);
  if (found === undefined && !optional) throw new NotStartable(`secret "${name}" not found`);
  const decoded = Object.entries(found?.data ?? {}).map(([key, value]) => [
    key,
    Buffer.from(value, 'base64').toString(),
  ]);
  return Object.fromEntries(decoded);
}
