locals {
  accounts = toset([for document in local.documents["service-accounts"] : document.metadata.name])

  # What only a setting needs, as src/cluster/permissions.ts has it.
  drain_actions = [for policy in try(local.settings.drain.policies, []) : policy.action]
  extras = {
    kured           = try(local.settings.kured.takeLock, false) && try(local.settings.kured.daemonSet, "kured") != ""
    delete-pods     = contains(local.drain_actions, "delete-after")
    patch-workloads = length(try(local.settings.quiesce, [])) > 0 || contains(local.drain_actions, "restart-owner")
    smoke-claims    = length(try(local.settings.smoke.storageClasses, [])) > 0
  }

  # The Role for snapshots stands in the namespace of the snapshot CronJob, the one for kured's lock in that of kured.
  rbac = {
    for document in concat(local.documents["rbac"], flatten([for extra, needed in local.extras : local.documents[extra] if needed])) :
    "${document.kind}/${endswith(document.metadata.name, "-snapshot") ? "snapshot" : endswith(document.metadata.name, "-kured") ? "kured" : try(document.metadata.namespace, "")}/${document.metadata.name}" => {
      kind = document.kind
      name = document.metadata.name
      namespace = (
        endswith(document.metadata.name, "-snapshot")
        ? try(local.settings.snapshot.namespace, document.metadata.namespace)
        : endswith(document.metadata.name, "-kured")
        ? try(local.settings.kured.namespace, document.metadata.namespace)
        : try(document.metadata.namespace, null)
      )
      rules = [
        for rule in try(document.rules, []) : {
          apiGroups     = rule.apiGroups
          resources     = rule.resources
          verbs         = rule.verbs
          resourceNames = endswith(document.metadata.name, "-kured") ? [for name in rule.resourceNames : try(local.settings.kured.daemonSet, name)] : try(rule.resourceNames, [])
        }
      ]
      subject = try(document.subjects[0].name, null)
    }
  }
}

resource "kubernetes_service_account_v1" "this" {
  for_each = local.accounts

  metadata {
    name      = each.key
    namespace = local.namespace
    labels    = local.object_labels
  }

  dynamic "image_pull_secret" {
    for_each = var.image_pull_secrets
    content {
      name = image_pull_secret.value
    }
  }
}

resource "kubernetes_cluster_role_v1" "this" {
  for_each = { for key, role in local.rbac : key => role if role.kind == "ClusterRole" }

  metadata {
    name   = each.value.name
    labels = local.object_labels
  }

  dynamic "rule" {
    for_each = each.value.rules
    content {
      api_groups = rule.value.apiGroups
      resources  = rule.value.resources
      verbs      = rule.value.verbs
    }
  }
}

resource "kubernetes_cluster_role_binding_v1" "this" {
  for_each = { for key, binding in local.rbac : key => binding if binding.kind == "ClusterRoleBinding" }

  metadata {
    name   = each.value.name
    labels = local.object_labels
  }

  role_ref {
    api_group = "rbac.authorization.k8s.io"
    kind      = "ClusterRole"
    name      = kubernetes_cluster_role_v1.this["ClusterRole//${each.value.name}"].metadata[0].name
  }

  subject {
    kind      = "ServiceAccount"
    name      = kubernetes_service_account_v1.this[each.value.subject].metadata[0].name
    namespace = local.namespace
  }
}

resource "kubernetes_role_v1" "this" {
  for_each = { for key, role in local.rbac : key => role if role.kind == "Role" }

  metadata {
    name      = each.value.name
    namespace = each.value.namespace == "k8s-upgrade" ? local.namespace : each.value.namespace
    labels    = local.object_labels
  }

  dynamic "rule" {
    for_each = each.value.rules
    content {
      api_groups     = rule.value.apiGroups
      resources      = rule.value.resources
      resource_names = length(rule.value.resourceNames) > 0 ? rule.value.resourceNames : null
      verbs          = rule.value.verbs
    }
  }
}

resource "kubernetes_role_binding_v1" "this" {
  for_each = { for key, binding in local.rbac : key => binding if binding.kind == "RoleBinding" }

  metadata {
    name      = each.value.name
    namespace = kubernetes_role_v1.this[replace(each.key, "RoleBinding/", "Role/")].metadata[0].namespace
    labels    = local.object_labels
  }

  role_ref {
    api_group = "rbac.authorization.k8s.io"
    kind      = "Role"
    name      = each.value.name
  }

  subject {
    kind      = "ServiceAccount"
    name      = kubernetes_service_account_v1.this[each.value.subject].metadata[0].name
    namespace = local.namespace
  }
}
