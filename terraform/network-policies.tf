locals {
  network_policies = { for document in local.documents["network-policies"] : document.metadata.name => document }

  package_scheme = try(regex("^http:", local.settings.packages.baseUrl), "https:")
  urls = compact([
    try(local.settings.packages.baseUrl, ""),
    try(local.settings.alerts.prometheusUrl, ""),
    try(local.settings.pushgatewayUrl, ""),
  ])
  redirects = [for host in try(local.settings.packages.redirectHosts, []) : "${local.package_scheme}//${host}"]
  url_ports = [
    for url in concat(local.urls, local.redirects) :
    try(tonumber(regex("^https?://[^/]*:([0-9]+)(?:/|$)", url)[0]), startswith(url, "http:") ? 80 : 443)
  ]

  # The rule with ports of each policy: SSH alone, or DNS and everything else.
  egress_ports = {
    k8s-upgrade = distinct(concat(
      [for port in local.network_policies["k8s-upgrade"].spec.egress[1].ports : { protocol = port.protocol, port = port.port }],
      [for port in concat(local.url_ports, tolist(var.extra_egress_ports)) : { protocol = "TCP", port = port }],
    ))
    k8s-upgrade-ssh = [{
      protocol = "TCP"
      port     = try(local.settings.ssh.port, local.network_policies["k8s-upgrade-ssh"].spec.egress[0].ports[0].port)
    }]
  }
}

resource "kubernetes_network_policy_v1" "this" {
  for_each = { for name, document in local.network_policies : name => document if var.network_policy }

  metadata {
    name      = each.key
    namespace = local.namespace
    labels    = local.object_labels
  }

  spec {
    policy_types = each.value.spec.policyTypes

    pod_selector {
      dynamic "match_expressions" {
        for_each = each.value.spec.podSelector.matchExpressions
        content {
          key      = match_expressions.value.key
          operator = match_expressions.value.operator
          values   = match_expressions.value.values
        }
      }
    }

    dynamic "egress" {
      for_each = each.value.spec.egress
      content {
        dynamic "to" {
          for_each = try(egress.value.to, [])
          content {
            namespace_selector {}
          }
        }

        dynamic "ports" {
          for_each = can(egress.value.ports) ? local.egress_ports[each.key] : []
          content {
            protocol = ports.value.protocol
            port     = ports.value.port
          }
        }
      }
    }
  }
}
