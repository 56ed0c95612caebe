output "namespace" {
  description = "Namespace of everything that Nightlift keeps in the cluster."
  value       = local.namespace
}

output "secret_name" {
  description = "Secret with ssh_key, known_hosts and slack_webhook, which the Jobs mount."
  value       = "k8s-upgrade-creds"
}

output "service_accounts" {
  description = "Accounts of the phases, the detector and the report."
  value       = sort(local.accounts)
}

output "cron_jobs" {
  description = "Schedules (UTC) by the name of the CronJob."
  value       = { for name, cron_job in kubernetes_cron_job_v1.this : name => cron_job.spec[0].schedule }
}

output "run_now" {
  description = "Starts the detector by hand."
  value       = "kubectl -n ${local.namespace} create job --from=cronjob/k8s-version-check check-$(date +%s)"
}
