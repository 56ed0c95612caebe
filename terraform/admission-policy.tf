# Only administrators and Nightlift itself may write what runs as root on the nodes (docs/security.md).
locals {
  # The provider has no resource of its own for it. Text, because the two documents differ in their fields.
  admission_policy = var.administrators == null ? {} : {
    for document in local.documents["policy"] : document.kind => jsonencode(merge(document, {
      spec = merge(document.spec, document.kind != "ValidatingAdmissionPolicy" ? {} : {
        variables = [
          for variable in document.spec.variables :
          variable.name != "administrators" ? variable : {
            name       = variable.name
            expression = "[${join(", ", [for name in var.administrators : "'${name}'"])}]"
          }
        ]
      })
    }))
  }
}

resource "kubernetes_manifest" "admission_policy" {
  for_each = local.admission_policy
  manifest = jsondecode(each.value)

  # Last to come, first to go: it must not stand in the way of its own module.
  depends_on = [
    kubernetes_cron_job_v1.this,
    kubernetes_config_map_v1.config,
    kubernetes_config_map_v1.scripts,
    kubernetes_config_map_v1.job_template,
    kubernetes_config_map_v1.program,
  ]
}
