# What kubeadm would change in the static pod manifests (I18): each of them whole, as it is and as it would be. The answer is
# kept here for whoever compares after the upgrade; what is in use does not change.
TARGET={{target}}
# Empty, or where patches of kubeadm may lie on this node. `kubeadm upgrade diff` does not look at them.
PATCHES={{patchesDirectory}}
# The cluster's, in one line; empty where etcd is none of kubeadm's.
ETCD_CONFIGURATION={{etcdConfiguration}}
stage="$ROOT/var/lib/nightlift/stage/$TARGET"
kubeadm="$stage/program/kubeadm"
if [ ! -x "$kubeadm" ]; then fail 16 "the packages of $TARGET are not staged on this node" "run stage.sh first"; fi
# Manifests are readable for root alone.
umask 077

# `kubeadm upgrade diff` does not show etcd. The upgrade writes its manifest by the same function as this phase of `init`, which with
# --dry-run asks nobody and writes into the given folder alone (seen in 1.35, 1.36 and 1.37); here the patches count.
init_config() {
  local api endpoint
  api="$(sed -n 's|^{"apiVersion":"\(kubeadm\.k8s\.io/[0-9a-z]*\)".*|\1|p' <<<"$ETCD_CONFIGURATION")"
  # Where kubeadm looks itself: 192.0.2.1:6443 or [2001:db8::1]:6443.
  endpoint="$(sed -n 's|^ *kubeadm\.kubernetes\.io/kube-apiserver\.advertise-address\.endpoint: *||p' "$ROOT/etc/kubernetes/manifests/kube-apiserver.yaml" | tr -d "\"'[]")"
  if [ -z "$endpoint" ]; then endpoint="$(manifest_flag kube-apiserver advertise-address):6443"; fi
  printf "apiVersion: %s\nkind: InitConfiguration\nnodeRegistration:\n  name: '%s'\n" "$api" "$NODE"
  printf "localAPIEndpoint:\n  advertiseAddress: '%s'\n" "${endpoint%:*}"
  if [ -n "$PATCHES" ] && [ -d "$ROOT$PATCHES" ]; then printf "patches:\n  directory: '%s'\n" "$ROOT$PATCHES"; fi
  printf -- '---\n%s\n' "$ETCD_CONFIGURATION"
}
etcd_diff() {
  local before="$ROOT/etc/kubernetes/manifests/etcd.yaml" work="$stage/etcd-diff" after="" code=0
  if [ -z "$ETCD_CONFIGURATION" ] || [ ! -f "$before" ]; then return 0; fi
  rm -rf "$work"
  mkdir "$work"
  init_config >"$work/config.yaml"
  KUBEADM_INIT_DRYRUN_DIR="$work" "$kubeadm" init phase etcd local --dry-run --config "$work/config.yaml" </dev/null >"$work/said" 2>&1 || code=$?
  if [ "$code" -eq 0 ]; then
    after="$(awk '/^\[dryrun\] Would write file ".*\/etcd\.yaml"/ { on = 1; next } /^\[/ { on = 0 } on' "$work/said")"
  fi
  if [ -n "$after" ]; then
    printf 'nightlift-etcd\t%s %s\n' "$(base64 -w 0 "$before")" "$(base64 -w 0 <<<"$after")"
  else
    printf 'nightlift-etcd-unknown\texit code %s: %s\n' "$code" "$(tail -n 5 "$work/said" | tr '\n\t' '  ')"
  fi
  rm -rf "$work"
}
{
  if [ -n "$PATCHES" ] && [ -d "$ROOT$PATCHES" ]; then
    for patch in "$ROOT$PATCHES"/*; do
      if [ -f "$patch" ]; then printf 'nightlift-patch\t%s\n' "$(basename "$patch")"; fi
    done
  fi
  etcd_diff
  "$kubeadm" upgrade diff "v$TARGET" --context-lines 100000 </dev/null
} >"$stage/diff.new"
mv "$stage/diff.new" "$stage/diff"
cat "$stage/diff"
