# Every value comes from the generated manifests of deploy/ and from templates/: this module says how they are written in
# the provider's words, and lays the variables over them.
locals {
  deploy    = "${path.module}/../deploy"
  templates = "${path.module}/../templates"
  overlay   = var.program_file == null ? "base" : "no-image"

  namespace = coalesce(one(kubernetes_namespace_v1.this[*].metadata[0].name), "k8s-upgrade")

  documents = {
    for name, path in {
      namespace        = "base/namespace.yaml"
      service-accounts = "base/service-accounts.yaml"
      rbac             = "base/rbac.yaml"
      kured            = "kured/rbac.yaml"
      policy           = "policy/policy.yaml"
      delete-pods      = "delete-pods/rbac.yaml"
      patch-workloads  = "patch-workloads/rbac.yaml"
      smoke-claims     = "smoke-claims/rbac.yaml"
      network-policies = "base/network-policies.yaml"
      cron-jobs        = "${local.overlay}/cron-jobs.yaml"
    } :
    name => [
      for document in split("\n---\n", replace(file("${local.deploy}/${path}"), "\r\n", "\n")) :
      yamldecode(document)
    ]
  }

  labels = local.documents["namespace"][0].metadata.labels

  object_labels = { for key, value in local.labels : key => value if startswith(key, "app.kubernetes.io/") }

  config_yaml = var.settings == null ? file("${local.deploy}/base/config.yaml") : yamlencode(var.settings)

  # Null when the file has comments only; without the mark that would be no document at all.
  settings = yamldecode("---\n${local.config_yaml}")

  settings_keys = flatten([
    for key in try(keys(local.settings), []) :
    concat([key], try([for inner in keys(local.settings[key]) : "${key}.${inner}"], []))
  ])
  unknown_settings = setsubtract(local.settings_keys, jsondecode(file("${path.module}/settings-keys.json")))
}
