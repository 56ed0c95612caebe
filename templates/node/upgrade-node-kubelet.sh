# --- packages kubelet and kubectl
case "$MINOR" in
  1.3[0-4]) ;;
  *)
    if grep -qs -- --pod-infra-container-image "$ROOT/var/lib/kubelet/kubeadm-flags.env"; then
      fail 32 "/var/lib/kubelet/kubeadm-flags.env has --pod-infra-container-image, with which kubelet $TARGET does not start; the kubelet was not touched" "take the flag out of that file, then start again"
    fi
    ;;
esac
if [ "$(package_version kubelet)" != "$kubelet_wanted" ] || [ "$(package_version kubectl)" != "$kubectl_wanted" ]; then
  say "installing kubelet $kubelet_wanted and kubectl $kubectl_wanted"
  rm -f "$stage/kubelet-restarted"
  apt-mark unhold kubelet kubectl >/dev/null || true
  install_packages 30 "kubelet=$kubelet_wanted" "kubectl=$kubectl_wanted"
fi
if [ ! -f "$stage/kubelet-restarted" ] || ! systemctl is-active --quiet kubelet; then
  say "restarting the kubelet"
  systemctl daemon-reload
  if ! systemctl restart kubelet; then
    fail 31 "systemctl restart kubelet did not succeed" "read journalctl -u kubelet on this node"
  fi
  steady=0
  for _ in $(seq 60); do
    # Its own health endpoint is the proof; where it is switched off, ten seconds without a fall are.
    if systemctl is-active --quiet kubelet; then steady=$((steady + 1)); else steady=0; fi
    if [ "$steady" -gt 10 ]; then break; fi
    if [ "$steady" -gt 0 ] && curl -fs --max-time 2 http://127.0.0.1:10248/healthz >/dev/null 2>&1; then break; fi
    sleep 1
  done
  if [ "$steady" -eq 0 ]; then
    fail 31 "the kubelet $TARGET is not active a minute after its restart" "read journalctl -u kubelet on this node"
  fi
  : >"$stage/kubelet-restarted"
fi
# What was replaced can be looked at until another version is staged.
if [ -d "$stage/before" ]; then
  rm -rf "$stage/replaced"
  mv "$stage/before" "$stage/replaced"
fi
rm -rf "$stage/archives" "$stage/lists" "$stage/program" "$stage/staged"
say "this node is on $TARGET"
