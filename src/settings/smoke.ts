import { z } from 'zod';
import { name, notes, stringList } from './field.ts';

const address = z
  .url({ protocol: /^https?$/ })
  .refine(
    (url) => !/^[^/]*\/\/[^/]*@/.test(url),
    'it has a user or a password in it, which would stand in logs and messages',
  );

export const Smoke = z.strictObject({
  eachWorker: z
    .boolean()
    .default(false)
    .meta(
      notes('Ask it after each worker too, before the next one goes; else after canaries and in postflight alone.', {
        reason: 'What a worker brings with it is found before there are more of them, and takes time with each.',
      }),
    ),
  nodesReady: z
    .boolean()
    .default(false)
    .meta(
      notes('Every node is Ready.', {
        reason: 'Each step has asked for it; a node that fails later for a reason of its own would leave the run open.',
      }),
    ),
  podsPer: z
    .string()
    .max(317)
    .default('')
    .meta(
      notes(
        'Node label, such as `node.kubernetes.io/instance-type`: a pod runs on a node of each of its values, or after a worker on that one; empty = none is made.',
        { reason: 'It makes pods in the namespace, and removes them.' },
      ),
    ),
  podNetwork: z
    .boolean()
    .default(false)
    .meta(
      notes('These pods reach each other, and are reached from the pod of the step.', {
        reason: 'Where NetworkPolicies of the namespace forbid it, it says nothing of the network.',
      }),
    ),
  image: z
    .string()
    .default('')
    .meta(
      notes('What they run, with `node` in its PATH; empty = the image of the chain.', {
        reason: 'The control planes have it already.',
      }),
    ),
  storageClasses: stringList(
    [],
    'StorageClasses of which a claim binds, and what one pod has written there the next one reads. Needs the permission of `deploy/smoke-claims`.',
    'It makes volumes, and removes them.',
  ),
  urls: z
    .array(address)
    .default([])
    .meta(
      notes('Addresses that answer with a status below 400, through the ingress for example.', {
        reason: 'Only you know what has to answer.',
      }),
    ),
  dnsNames: z
    .array(name)
    .default([])
    .meta(
      notes('Names that the cluster DNS has to know, besides `kubernetes.default`: one of outside, for example.', {
        reason: 'A cluster without a way out is a whole one.',
      }),
    ),
  devices: z
    .boolean()
    .default(false)
    .meta(
      notes('Every node offers as much of each extended resource (`nvidia.com/gpu`) as before the run.', {
        reason: 'Most clusters have none.',
      }),
    ),
  targets: z
    .boolean()
    .default(false)
    .meta(
      notes('In each job of Prometheus as many targets are up as before the run.', {
        reason: 'Where workloads come and go by themselves, their targets do too.',
      }),
    ),
  ignoreJobs: stringList(
    [],
    'Jobs of Prometheus that `targets` does not compare.',
    'Those that scrape what comes and goes.',
  ),
});
