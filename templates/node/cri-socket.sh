# For scripts that ask which container runtime this node uses: stands in front of them.
# The socket that this node's kubelet uses: a flag, else its config file; empty when neither names one.
cri_socket() {
  local file files=()
  for file in "$ROOT"/var/lib/kubelet/kubeadm-flags.env "$ROOT"/etc/default/kubelet "$ROOT"/etc/sysconfig/kubelet \
    "$ROOT"/{etc,run,usr/lib,usr/local/lib,lib}/systemd/system/kubelet.service{,.d/*.conf} \
    "$ROOT"/var/lib/kubelet/instance-config.yaml "$ROOT"/var/lib/kubelet/config.yaml; do
    if [ -f "$file" ]; then files+=("$file"); fi
  done
  if [ "${#files[@]}" -eq 0 ]; then return 0; fi
  awk '
    flag == "" && !/^[[:space:]]*[#;]/ && match($0, /--container-runtime-endpoint[= ]+[^" \t]+/) {
      flag = substr($0, RSTART, RLENGTH); sub(/^[^= ]*[= ]+/, "", flag) }
    setting == "" && /^containerRuntimeEndpoint:/ { setting = $0; sub(/^[^:]*:[[:space:]]*/, "", setting); gsub(/["\047]|[[:space:]]+$/, "", setting) }
    END { printf "%s", flag == "" ? setting : flag }' "${files[@]}"
}
