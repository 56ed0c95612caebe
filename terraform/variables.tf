variable "image" {
  description = "Image of Nightlift, built from the Dockerfile of the project, with registry and tag or digest. The Jobs of the chain take the same one. With program_file: the image that runs the program, default node:24-slim; by digest it stays the same (docs/release.md)."
  type        = string
  default     = null

  validation {
    condition     = var.image == null || can(regex("^[^[:space:]]+[:@][^[:space:]/]+$", var.image))
    error_message = "Give the image with a tag or a digest, for example registry.example/nightlift:0.1.0: a tag that moves would change the program in the middle of a run."
  }

  validation {
    condition     = var.image == null || !can(regex(":latest$", var.image))
    error_message = "Give a fixed tag or a digest instead of latest: a tag that moves would change the program in the middle of a run."
  }
}

variable "program_file" {
  description = "Path of dist/nightlift.cjs.gz (node build.mjs && node src/install/generate-manifests.ts --bundle) to install without an image of Nightlift: a stock image of Node runs it from a ConfigMap. Null: the image has the program."
  type        = string
  default     = null

  validation {
    condition     = var.program_file == null || try(fileexists(var.program_file), false)
    error_message = "The file of program_file does not exist; make it with: node build.mjs && node src/install/generate-manifests.ts --bundle"
  }

  validation {
    # Base64 has 4 characters for 3 bytes, and a ConfigMap holds 1 MiB.
    condition     = var.program_file == null || try(length(filebase64(var.program_file)) * 3 / 4 < 1048576, true)
    error_message = "The file of program_file is larger than a ConfigMap may be (1 MiB); it has to be minified and compressed with gzip."
  }
}

variable "settings" {
  description = "Settings of Nightlift as in docs/configuration.md, for example { alerts = { prometheusUrl = \"http://prometheus.monitoring:9090\" } }. Null: those of deploy/base/config.yaml. Names are checked here, values by the program when it starts."
  type        = any
  default     = null

  validation {
    condition     = var.settings == null || can(keys(var.settings))
    error_message = "The settings have to be an object, for example { ssh = { user = \"nightlift\" } }."
  }

  validation {
    condition     = try(var.settings.namespace, "k8s-upgrade") == "k8s-upgrade"
    error_message = "This module installs into namespace k8s-upgrade, on whose name alerts and operators rely: leave settings.namespace away."
  }
}

variable "addon_matrix" {
  description = "Your own addon matrix as in docs/gates.md, for example { addons = [{ name = \"cilium\", pinned = true, reason = \"a bug in 1.20\" }] }. Null: the built-in one. The program checks it when it starts."
  type        = any
  default     = null

  validation {
    condition     = var.addon_matrix == null || can(var.addon_matrix.addons[*])
    error_message = "The addon matrix has to be an object with a list of addons, for example { addons = [{ name = \"cilium\", pinned = true }] }."
  }
}

variable "create_namespace" {
  description = "Create namespace k8s-upgrade, which enforces Pod Security level restricted. False: it is there already."
  type        = bool
  default     = true
  nullable    = false
}

variable "check_schedule" {
  description = "When the detector looks for a new version and starts the chain: cron fields, UTC. Null: 23:00 every night."
  type        = string
  default     = null

  validation {
    condition     = var.check_schedule == null || can(regex("^[^[:space:]]+( [^[:space:]]+){4}$", var.check_schedule))
    error_message = "Give five cron fields, for example \"0 23 * * *\"; the time zone is UTC."
  }
}

variable "report_schedule" {
  description = "When the report of the night is sent: cron fields, UTC. Null: 06:07 every morning."
  type        = string
  default     = null

  validation {
    condition     = var.report_schedule == null || can(regex("^[^[:space:]]+( [^[:space:]]+){4}$", var.report_schedule))
    error_message = "Give five cron fields, for example \"7 6 * * *\"; the time zone is UTC."
  }
}

variable "suspend" {
  description = "Start nothing by itself: both CronJobs are suspended. A chain that runs goes on; ConfigMap k8s-upgrade-killswitch stops that too."
  type        = bool
  default     = false
  nullable    = false
}

variable "image_pull_secrets" {
  description = "Names of Secrets in namespace k8s-upgrade with credentials of the registry, given to every account of Nightlift."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for name in var.image_pull_secrets : can(regex("^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$", name))])
    error_message = "Names of Secrets have lower case letters, digits, dashes and dots."
  }
}

variable "network_policy" {
  description = "Create the NetworkPolicies: nobody connects to Nightlift, and it reaches DNS, the API server, the nodes' SSH, pods of this cluster and the ports of the URLs in the settings."
  type        = bool
  default     = true
  nullable    = false
}

variable "extra_egress_ports" {
  description = "Further TCP ports that Nightlift may reach, for an API server, a proxy or a webhook on an unusual port."
  type        = set(number)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for port in var.extra_egress_ports : port >= 1 && port <= 65535 && floor(port) == port])
    error_message = "A port is a whole number from 1 to 65535."
  }
}

variable "external_secret" {
  description = "Have External Secrets Operator make Secret k8s-upgrade-creds: name and kind of the store, key there, the properties to take over, how often to look. Null: create the Secret yourself. The operator's CRDs must be there before a plan."
  type = object({
    store_name       = string
    store_kind       = optional(string, "ClusterSecretStore")
    key              = string
    properties       = optional(set(string), ["ssh_key", "known_hosts", "slack_webhook"])
    refresh_interval = optional(string, "1h")
    api_version      = optional(string, "external-secrets.io/v1")
  })
  default = null

  validation {
    condition     = var.external_secret == null || try(contains(["SecretStore", "ClusterSecretStore"], var.external_secret.store_kind), false)
    error_message = "external_secret.store_kind is SecretStore or ClusterSecretStore."
  }

  validation {
    condition     = var.external_secret == null || try(contains(var.external_secret.properties, "ssh_key"), false)
    error_message = "external_secret.properties has to have ssh_key: without it no node can be reached."
  }

  validation {
    condition     = var.external_secret == null || try(can(regex("^([0-9]+(s|m|h))+$", var.external_secret.refresh_interval)), false)
    error_message = "external_secret.refresh_interval is a duration, for example 1h or 30m."
  }

  validation {
    condition     = var.external_secret == null || try(length(var.external_secret.store_name) > 0 && length(var.external_secret.key) > 0, false)
    error_message = "external_secret needs the name of the store and the key in it."
  }
}

variable "administrators" {
  description = "Users and groups that may write what runs as root on the nodes (docs/security.md), for example [\"kubeadm:cluster-admins\"], and the account of an operator that brings the Secret. A ValidatingAdmissionPolicy then keeps everybody else from it. Null: no policy. The account that applies this module must be one of them."
  type        = list(string)
  default     = null

  validation {
    condition     = var.administrators == null || (try(length(var.administrators), 0) > 0 && alltrue([for name in coalesce(var.administrators, []) : can(regex("^[^'\\\\[:space:]]+$", name))]))
    error_message = "Name at least one user or group, without blanks, quotes or backslashes: with nobody in the list nobody could mend it."
  }
}
