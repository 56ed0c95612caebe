# --- kubeadm
is_on_target() { grep -qsE "image: .*/$1:v$TARGET([@\"]|\$)" "$manifests/$1.yaml"; }
manifests_are_on_target() {
  local component
  for component in "${components[@]}"; do
    if ! is_on_target "$component"; then return 1; fi
  done
}
# For the comparison afterwards (manifest-copies.sh). What a run that was killed has written is no manifest of before: its copy
# stays. Of etcd, whose image may be the same before and after, the first copy stays.
keep_manifests() {
  local component copy
  mkdir -p "$stage/manifests-before"
  for component in "${components[@]}" etcd; do
    copy="$stage/manifests-before/$component.yaml"
    if [ ! -f "$manifests/$component.yaml" ] || is_on_target "$component"; then continue; fi
    if [ "$component" = etcd ] && [ -f "$copy" ]; then continue; fi
    cp -p "$manifests/$component.yaml" "$copy.new"
    mv "$copy.new" "$copy"
  done
}
kubeadm_is_done() {
  if [ ! -f "$stage/kubeadm-done" ]; then return 1; fi
  if [ "$ROLE" = worker ]; then return 0; fi
  manifests_are_on_target
}
if ! kubeadm_is_done; then
  if [ "$ROLE" != worker ]; then
    # kubeadm moves a manifest away before it moves the new one in. Killed in between, the manifest is only in the copy,
    # and `kubeadm upgrade node` would take a node without kube-apiserver.yaml for a worker.
    for component in "${components[@]}" etcd; do
      if [ ! -f "$manifests/$component.yaml" ]; then
        copy=""
        for backup in "$ROOT"/etc/kubernetes/tmp/kubeadm-backup-manifests-*/"$component.yaml"; do
          # The names carry the time, so that the last one is the newest.
          if [ -f "$backup" ]; then copy="$backup"; fi
        done
        if [ "$component" = etcd ] && [[ ! "$(manifest_flag kube-apiserver etcd-servers)" =~ ^https?://(127\.0\.0\.1|\[::1\]|localhost): ]]; then
          # etcd stands elsewhere: an old copy must not come back to life.
          continue
        fi
        if [ -n "$copy" ]; then
          say "putting the manifest of $component back from ${copy#"$ROOT"}"
          cp -p "$copy" "$manifests/.$component.nightlift"
          mv "$manifests/.$component.nightlift" "$manifests/$component.yaml"
        elif [ "$component" != etcd ]; then
          fail 21 "/etc/kubernetes/manifests/$component.yaml is missing on a control plane, and no copy is in /etc/kubernetes/tmp" "put the manifest back (kubeadm init phase control-plane, or from another control plane), then start again"
        fi
      fi
    done
    keep_manifests
  fi
  flags=()
  if [ -n "$IGNORE" ]; then flags+=("--ignore-preflight-errors=$IGNORE"); fi
  if [ -n "$SKIP_PHASES" ]; then flags+=("--skip-phases=$SKIP_PHASES"); fi
  if [ -n "$PATCHES" ]; then
    if [ -d "$ROOT$PATCHES" ]; then flags+=("--patches=$PATCHES"); else say "there is no $PATCHES on this node: kubeadm gets no patches"; fi
  fi
  if [ "$ETCD_UPGRADE" = false ]; then flags+=(--etcd-upgrade=false); fi
  if [ "$ROLE" = first-control-plane ]; then command=(kubeadm upgrade apply "v$TARGET" -y "${flags[@]}"); else command=(kubeadm upgrade node "${flags[@]}"); fi
  say "running ${command[*]}"
  if ! "${command[@]}" </dev/null; then
    fail 20 "${command[*]} did not succeed; the kubelet was not touched" "read the lines of kubeadm above; starting again is safe"
  fi
  if [ "$ROLE" != worker ] && ! manifests_are_on_target; then
    fail 22 "kubeadm ended well, but not all manifests in /etc/kubernetes/manifests are on $TARGET" "compare their images; look at the version in the ConfigMap kube-system/kubeadm-config"
  fi
  : >"$stage/kubeadm-done"
else
  say "kubeadm has done its part before"
fi
