# For scripts that ask which container runtime this node uses: stands in front of them.
# The socket that this node's kubelet uses: a flag, else its config file; empty when neither names one.
cri_socket() {
  local found
  found="$(grep -hsoE -- '--container-runtime-endpoint=[^ "]+' "$ROOT/var/lib/kubelet/kubeadm-flags.env" "$ROOT/etc/default/kubelet" | head -n 1 | cut -d = -f 2-)" || true
  if [ -z "$found" ]; then
    found="$(sed -n 's/^containerRuntimeEndpoint:[[:space:]]*//p' "$ROOT/var/lib/kubelet/instance-config.yaml" "$ROOT/var/lib/kubelet/config.yaml" 2>/dev/null | tr -d "\"'" | grep -v '^$' | head -n 1)" || true
  fi
  printf '%s' "$found"
}
