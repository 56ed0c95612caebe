import { type Layer, layerOf, putImage, tagImage } from './image-store.ts';
import { baseLayer } from './kube-images.ts';

export interface DirectoryImage {
  base: boolean;
  command: string[];
  user?: string;
  workingDir?: string;
  env?: string[];
}

/** An image with a directory as its root, offered to the nodes by the lab's registry: no build tool, no real registry. */
export async function addImage(
  tags: string,
  reference: string,
  directory: string,
  settings: DirectoryImage,
): Promise<string> {
  const layers: Layer[] = settings.base ? [await baseLayer()] : [];
  layers.push(await layerOf(directory));
  const digest = await putImage(layers, {
    ...(settings.command.length === 0 ? {} : { entrypoint: settings.command }),
    ...(settings.user === undefined ? {} : { user: settings.user }),
    ...(settings.workingDir === undefined ? {} : { workingDir: settings.workingDir }),
    ...(settings.env === undefined ? {} : { env: settings.env }),
  });
  await tagImage(tags, reference, digest);
  return digest;
}
