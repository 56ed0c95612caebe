resource "kubernetes_manifest" "creds" {
  count = var.external_secret == null ? 0 : 1

  manifest = {
    apiVersion = var.external_secret.api_version
    kind       = "ExternalSecret"

    metadata = {
      name      = "k8s-upgrade-creds"
      namespace = local.namespace
      labels    = local.object_labels
    }

    spec = {
      refreshInterval = var.external_secret.refresh_interval

      secretStoreRef = {
        name = var.external_secret.store_name
        kind = var.external_secret.store_kind
      }

      target = {
        name           = "k8s-upgrade-creds"
        creationPolicy = "Owner"
      }

      data = [
        for property in sort(var.external_secret.properties) : {
          secretKey = property
          remoteRef = {
            key      = var.external_secret.key
            property = property
          }
        }
      ]
    }
  }
}
