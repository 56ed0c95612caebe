import type { Timing } from './nodes/machine.ts';

/**
 * How fast a rehearsal's night goes. What people only wait for (settle, soak) and what programs take is divided by
 * `speed`. Deadlines keep a floor: on a busy machine the work itself takes real seconds.
 */
export interface Pace {
  readonly waits: {
    readonly pollSeconds: number;
    readonly settleSeconds: number;
    readonly soakSeconds: number;
    readonly drainSeconds: number;
    readonly readySeconds: number;
    readonly alertSeconds: number;
    readonly snapshotSeconds: number;
    readonly apiSeconds: number;
  };
  readonly timing: Timing;
  readonly apiAwayMs: number;
  readonly staticPodMs: number;
  readonly snapshotMs: number;
  readonly podMs: number;
  /** Between a change and the reaction of a controller. */
  readonly reactionMs: number;
  /** Real milliseconds of one second of the controllers' own times: backoff, leases, grace periods. */
  readonly secondMs: number;
}

export const DEFAULT_SPEED = 300;

export function paceOf(speed: number): Pace {
  const seconds = (real: number, floor: number): number => Math.max(real / speed, Math.min(real, floor));
  const ms = (realSeconds: number, floor = 10): number => Math.round(Math.max((realSeconds * 1000) / speed, floor));
  return {
    waits: {
      pollSeconds: seconds(5, 0.2),
      settleSeconds: 600 / speed,
      soakSeconds: 600 / speed,
      drainSeconds: seconds(1800, 8),
      readySeconds: seconds(900, 20),
      alertSeconds: seconds(1800, 2),
      snapshotSeconds: seconds(600, 30),
      apiSeconds: seconds(900, 45),
    },
    timing: { kubeadmStep: ms(20), package: ms(8), kubeletRestart: ms(10), upgradeManifests: ms(300, 1000) },
    apiAwayMs: ms(60, 150),
    staticPodMs: ms(15),
    snapshotMs: ms(60),
    podMs: ms(10),
    reactionMs: 20,
    secondMs: Math.max(1000 / speed, 25),
  };
}
