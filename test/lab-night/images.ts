import { readPods } from './cluster-objects.ts';
import type { Scene } from './scene.ts';

/** The image of the first pod of kube-system whose name begins so. */
export async function imageOf({ api }: Pick<Scene, 'api'>, name: string): Promise<string> {
  const pods = await readPods(api, 'kube-system');
  return pods.find(({ metadata }) => metadata.name.startsWith(`${name}-`))?.spec.containers[0]?.image ?? '';
}

export function tagOf(image: string): string {
  return image.split(':').at(-1) ?? '';
}

export async function etcdVersion(scene: Pick<Scene, 'api'>): Promise<string> {
  return tagOf(await imageOf(scene, 'etcd'));
}
