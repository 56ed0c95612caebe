import type { Deps } from '../deps.ts';
import type { FactPart } from '../facts/facts.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import type { Check } from '../gate/check.ts';
import type { Fence } from '../node/fence.ts';
import type { Settings } from '../settings/settings.ts';
import type { PhaseName, Step } from './step.ts';
import type { Waiter } from './wait.ts';

/** What a step of a phase has at hand. */
export interface Context {
  readonly step: Step;
  readonly target: string;
  readonly deps: Deps;
  readonly signal: AbortSignal;
  /** Of the lock of the chain: goes along with every command that changes a node. */
  readonly fence: Fence;
  /** Waits look at the kill switch and the window at each poll (I09 of design.md). */
  readonly waiter: Waiter;
  /** The node that the phase changes. @throws when the phase has none or the node is gone. */
  node(): Promise<NodeFact>;
}

/**
 * One thing that a phase does. Safe to repeat from any point: the process may be killed at any line. `undo` takes back
 * what `run` did when a later step fails or the run is paused; it must be safe when `run` did only a part, or nothing.
 */
export interface ActionStep {
  readonly name: string;
  /** What a person reads while it runs. */
  readonly summary: string;
  /** A setting or the cluster's shape can make a step pointless: then it is skipped and `why` is logged. */
  skip?(context: Context): Promise<string | undefined>;
  isDone?(context: Context): Promise<boolean>;
  run(context: Context): Promise<void>;
  undo?(context: Context): Promise<void>;
  /** From the first package change until the node is back in service: no pause and no window's end comes in between. */
  readonly critical?: boolean;
  /** What it may take at most, where that is not one of `waits`; seconds. */
  longest?(settings: Settings): number;
}

/** A phase is data; `runPhase` is the one algorithm for all of them. */
export interface Phase {
  readonly name: PhaseName;
  readonly summary: string;
  readonly checks: readonly Check[];
  /** What has to be read for these checks. */
  readonly facts: readonly FactPart[];
  readonly steps: readonly ActionStep[];
}
