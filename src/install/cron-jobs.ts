import type { Bundle } from './bundle.ts';
import { type InstallObject, OBJECT_LABELS, POD_APPS } from './install-object.ts';
import { podTemplate } from './pod-template.ts';

export interface CronJobOptions {
  readonly namespace: string;
  readonly image: string;
  readonly bundle: Bundle | undefined;
}

interface Nightly {
  readonly name: string;
  readonly role: 'detector' | 'report';
  readonly command: string;
  readonly schedule: string;
  /** Seconds; longer than any wait of that command. */
  readonly deadline: number;
}

const DETECTOR: Nightly = {
  name: 'k8s-version-check',
  role: 'detector',
  command: 'check',
  schedule: '0 23 * * *',
  deadline: 3600,
};

const REPORT: Nightly = {
  name: 'k8s-upgrade-nightly-report',
  role: 'report',
  command: 'report',
  schedule: '7 6 * * *',
  deadline: 1800,
};

export function cronJobs(options: CronJobOptions): readonly InstallObject[] {
  return [DETECTOR, REPORT].map((nightly) => cronJob(nightly, options));
}

function cronJob(
  { name, role, command, schedule, deadline }: Nightly,
  { namespace, image, bundle }: CronJobOptions,
): InstallObject {
  const labels = { ...OBJECT_LABELS, app: POD_APPS[role] };
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name, namespace, labels },
    spec: {
      schedule,
      timeZone: 'UTC',
      concurrencyPolicy: 'Forbid',
      startingDeadlineSeconds: 600,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 3,
      suspend: false,
      jobTemplate: {
        metadata: { labels },
        spec: {
          ttlSecondsAfterFinished: 86_400,
          activeDeadlineSeconds: deadline,
          backoffLimit: 2,
          podFailurePolicy: {
            rules: [
              { action: 'FailJob', onExitCodes: { containerName: 'nightlift', operator: 'In', values: [3, 64] } },
              { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
            ],
          },
          template: podTemplate({ role, command, image, bundle }),
        },
      },
    },
  };
}
