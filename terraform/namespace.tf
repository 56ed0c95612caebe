resource "kubernetes_namespace_v1" "this" {
  count = var.create_namespace ? 1 : 0

  metadata {
    name   = local.documents["namespace"][0].metadata.name
    labels = local.labels
  }

  lifecycle {
    # The record of a run in flight stands there: an apply in the middle of a night must not remove it.
    ignore_changes = [metadata[0].annotations]
  }
}
