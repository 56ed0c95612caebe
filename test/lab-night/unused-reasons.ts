/** What is granted and used in no night, with the reason: what is used in none and stands not here is granted for nothing. */
export const unusedReasons: ReadonlyMap<string, string> = new Map([
  [
    'k8s-upgrade-job delete /pods',
    'the action delete-after in drain.policies, which no night here has (unit tests have it)',
  ],
  [
    'k8s-upgrade-check patch /namespaces k8s-upgrade',
    'clearing the record of a run that began more than twelve hours ago and has no Job any more',
  ],
  [
    'k8s-upgrade-job delete batch/jobs default',
    'replacing the snapshot Job of the same day, when it failed or a drain has taken its log along',
  ],
  ['k8s-upgrade-job create /configmaps k8s-upgrade', 'the record of a run that the detector could not begin'],
  ['k8s-upgrade-job delete batch/jobs k8s-upgrade', 'replacing the failed Job of an earlier night'],
]);
