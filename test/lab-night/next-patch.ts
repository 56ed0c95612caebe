import { publishVersion } from '../lab/apt-repository.ts';
import { provideKubeImages } from '../lab/kube-images.ts';
import { minorOf } from '../lab/lab-spec.ts';
import { newestPatch, runningVersion } from './provide-scene.ts';
import type { Scene } from './scene.ts';

/** The patch release that the night will find; when there is none, one appears. */
export async function nextPatch({ lab, log }: Scene): Promise<string> {
  const running = await runningVersion(lab);
  const newest = await newestPatch(lab, minorOf(running));
  if (newest !== running) return newest;
  const next = `${minorOf(running)}.${Number(running.split('.')[2]) + 1}`;
  await provideKubeImages(lab.registry.tags, next);
  await publishVersion(lab.repository.dir, next, '1.1');
  log(`${next} has appeared`);
  return next;
}
