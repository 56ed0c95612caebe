resource "kubernetes_config_map_v1" "config" {
  metadata {
    name      = "k8s-upgrade-config"
    namespace = local.namespace
    labels    = local.object_labels
  }

  data = merge(
    { "config.yaml" = local.config_yaml },
    var.addon_matrix == null ? {} : { "addons.yaml" = yamlencode(var.addon_matrix) },
  )

  lifecycle {
    precondition {
      condition     = length(local.unknown_settings) == 0
      error_message = "There are no such settings: ${join(", ", local.unknown_settings)}. docs/configuration.md lists all of them."
    }
  }
}

resource "kubernetes_config_map_v1" "scripts" {
  metadata {
    name      = "k8s-upgrade-scripts"
    namespace = local.namespace
    labels    = local.object_labels
  }

  data = { for name in fileset("${local.templates}/node", "*.sh") : name => file("${local.templates}/node/${name}") }
}

resource "kubernetes_config_map_v1" "job_template" {
  metadata {
    name      = "k8s-upgrade-job-template"
    namespace = local.namespace
    labels    = local.object_labels
  }

  data = {
    "job-template.yaml" = (
      var.program_file == null
      ? file("${local.templates}/job.yaml")
      : yamldecode(file("${local.deploy}/no-image/job-template.yaml")).data["job-template.yaml"]
    )
  }
}

resource "kubernetes_config_map_v1" "program" {
  count = var.program_file == null ? 0 : 1

  metadata {
    name      = "k8s-upgrade-program"
    namespace = local.namespace
    labels    = local.object_labels
  }

  binary_data = { "nightlift.cjs.gz" = filebase64(var.program_file) }
}
