import { z } from 'zod';

/** What run.ts tells the vitest process of a lane, in NIGHTLIFT_LAB_RUN. */
const RunSettings = z.object({
  lane: z.object({
    name: z.string(),
    subnets: z.object({ one: z.number(), ha: z.number() }),
    /** Names of its scenarios, in their order. */
    scenarios: z.array(z.string()),
  }),
  /** How many lanes run beside each other. */
  lanes: z.number(),
  images: z.object({
    product: z.object({ reference: z.string(), digest: z.string() }),
    /** Digest of what stands in for the stock image of Node. */
    stock: z.string(),
  }),
  /** When the whole run began: the lanes' clocks are one. */
  began: z.number(),
  results: z.string(),
});

export type RunSettings = z.infer<typeof RunSettings>;

export const runSettingsKey = 'NIGHTLIFT_LAB_RUN';

export function readRunSettings(): RunSettings {
  const text = process.env[runSettingsKey];
  if (text === undefined) throw new Error('the nights are started by: node test/lab-night/run.ts');
  return RunSettings.parse(JSON.parse(text));
}

const Shares = z.object({
  wall: z.number(),
  kubeadm: z.number(),
  packages: z.number(),
  drain: z.number(),
  soak: z.number(),
  ready: z.number().default(0),
  own: z.number(),
});

/** One line of the results file. */
export const ResultLine = z.object({
  name: z.string(),
  passed: z.boolean(),
  seconds: z.number(),
  summary: z.string(),
  shares: Shares.optional(),
  nodes: z.array(Shares.extend({ node: z.string() })).optional(),
  /** How many lanes ran beside each other then. */
  lanes: z.number().default(1),
  /** When it ended; of the first ones that were kept the day alone is known. */
  at: z.union([z.iso.datetime(), z.iso.date()]),
  /** What the product's accounts asked of the API server. */
  uses: z.array(z.string()).default([]),
});

export type ResultLine = z.infer<typeof ResultLine>;
