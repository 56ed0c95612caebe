locals {
  cron_jobs = { for document in local.documents["cron-jobs"] : document.metadata.name => document }
  schedules = {
    k8s-version-check          = var.check_schedule
    k8s-upgrade-nightly-report = var.report_schedule
  }
  pods = { for name, document in local.cron_jobs : name => document.spec.jobTemplate.spec.template }
}

resource "kubernetes_cron_job_v1" "this" {
  for_each = local.cron_jobs

  metadata {
    name      = each.key
    namespace = local.namespace
    labels    = each.value.metadata.labels
  }

  spec {
    schedule                      = coalesce(local.schedules[each.key], each.value.spec.schedule)
    timezone                      = each.value.spec.timeZone
    concurrency_policy            = each.value.spec.concurrencyPolicy
    starting_deadline_seconds     = each.value.spec.startingDeadlineSeconds
    successful_jobs_history_limit = each.value.spec.successfulJobsHistoryLimit
    failed_jobs_history_limit     = each.value.spec.failedJobsHistoryLimit
    suspend                       = var.suspend

    job_template {
      metadata {
        labels = each.value.spec.jobTemplate.metadata.labels
      }

      spec {
        ttl_seconds_after_finished = each.value.spec.jobTemplate.spec.ttlSecondsAfterFinished
        active_deadline_seconds    = each.value.spec.jobTemplate.spec.activeDeadlineSeconds
        backoff_limit              = each.value.spec.jobTemplate.spec.backoffLimit

        pod_failure_policy {
          dynamic "rule" {
            for_each = each.value.spec.jobTemplate.spec.podFailurePolicy.rules
            content {
              action = rule.value.action

              dynamic "on_exit_codes" {
                for_each = try([rule.value.onExitCodes], [])
                content {
                  # The provider (3.2.1) crashes while it reads a rule without the name.
                  container_name = on_exit_codes.value.containerName
                  operator       = on_exit_codes.value.operator
                  values         = on_exit_codes.value.values
                }
              }

              dynamic "on_pod_condition" {
                for_each = try(rule.value.onPodConditions, [])
                content {
                  type   = on_pod_condition.value.type
                  status = on_pod_condition.value.status
                }
              }
            }
          }
        }

        template {
          metadata {
            labels = local.pods[each.key].metadata.labels
          }

          spec {
            service_account_name            = kubernetes_service_account_v1.this[local.pods[each.key].spec.serviceAccountName].metadata[0].name
            automount_service_account_token = local.pods[each.key].spec.automountServiceAccountToken
            enable_service_links            = local.pods[each.key].spec.enableServiceLinks
            restart_policy                  = local.pods[each.key].spec.restartPolicy
            priority_class_name             = local.pods[each.key].spec.priorityClassName

            security_context {
              run_as_non_root = local.pods[each.key].spec.securityContext.runAsNonRoot
              run_as_user     = local.pods[each.key].spec.securityContext.runAsUser
              run_as_group    = local.pods[each.key].spec.securityContext.runAsGroup
              fs_group        = local.pods[each.key].spec.securityContext.fsGroup

              seccomp_profile {
                type = local.pods[each.key].spec.securityContext.seccompProfile.type
              }
            }

            dynamic "affinity" {
              for_each = try([local.pods[each.key].spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution], [])
              content {
                node_affinity {
                  dynamic "preferred_during_scheduling_ignored_during_execution" {
                    for_each = affinity.value
                    content {
                      weight = preferred_during_scheduling_ignored_during_execution.value.weight

                      preference {
                        dynamic "match_expressions" {
                          for_each = preferred_during_scheduling_ignored_during_execution.value.preference.matchExpressions
                          content {
                            key      = match_expressions.value.key
                            operator = match_expressions.value.operator
                          }
                        }
                      }
                    }
                  }
                }
              }
            }

            dynamic "toleration" {
              for_each = local.pods[each.key].spec.tolerations
              content {
                key      = toleration.value.key
                operator = toleration.value.operator
                effect   = toleration.value.effect
              }
            }

            dynamic "container" {
              for_each = local.pods[each.key].spec.containers
              content {
                name              = container.value.name
                image             = coalesce(var.image, container.value.image)
                image_pull_policy = container.value.imagePullPolicy
                command           = try(container.value.command, null)
                args              = container.value.args

                security_context {
                  # The provider writes false where nothing is given, which would undo the pod's true.
                  run_as_non_root            = container.value.securityContext.runAsNonRoot
                  allow_privilege_escalation = container.value.securityContext.allowPrivilegeEscalation
                  read_only_root_filesystem  = container.value.securityContext.readOnlyRootFilesystem

                  capabilities {
                    drop = container.value.securityContext.capabilities.drop
                  }
                }

                resources {
                  requests = container.value.resources.requests
                  limits   = container.value.resources.limits
                }

                dynamic "volume_mount" {
                  for_each = container.value.volumeMounts
                  content {
                    name       = volume_mount.value.name
                    mount_path = volume_mount.value.mountPath
                    read_only  = try(volume_mount.value.readOnly, false)
                  }
                }
              }
            }

            dynamic "volume" {
              for_each = local.pods[each.key].spec.volumes
              content {
                name = volume.value.name

                dynamic "config_map" {
                  for_each = try([volume.value.configMap], [])
                  content {
                    name     = config_map.value.name
                    optional = try(config_map.value.optional, null)
                  }
                }

                dynamic "secret" {
                  for_each = try([volume.value.secret], [])
                  content {
                    secret_name  = secret.value.secretName
                    default_mode = format("%04o", secret.value.defaultMode)
                    optional     = try(secret.value.optional, null)

                    dynamic "items" {
                      for_each = try(secret.value.items, [])
                      content {
                        key  = items.value.key
                        path = items.value.path
                      }
                    }
                  }
                }

                dynamic "empty_dir" {
                  for_each = try([volume.value.emptyDir], [])
                  content {}
                }
              }
            }
          }
        }
      }
    }
  }

  lifecycle {
    precondition {
      condition     = var.image != null || var.program_file != null
      error_message = "Give image (Nightlift's own), or program_file to run it on a stock image of Node."
    }
  }

  # A Job that starts in the middle of an apply finds everything that it mounts.
  depends_on = [
    kubernetes_cluster_role_binding_v1.this,
    kubernetes_role_binding_v1.this,
    kubernetes_config_map_v1.config,
    kubernetes_config_map_v1.scripts,
    kubernetes_config_map_v1.job_template,
    kubernetes_config_map_v1.program,
  ]
}
