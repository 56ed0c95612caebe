# The manifests of the control plane as they were before the upgrade to TARGET and as they are, and what kubeadm had said that it
# would change, each in one line. Changes nothing. Read by parseManifestCopies (src/node/manifest-copies.ts).
TARGET={{target}}
stage="$ROOT/var/lib/nightlift/stage/$TARGET"
for component in etcd kube-apiserver kube-controller-manager kube-scheduler; do
  for when in before now; do
    case "$when" in before) file="$stage/manifests-before/$component.yaml" ;; now) file="$ROOT/etc/kubernetes/manifests/$component.yaml" ;; esac
    if [ -f "$file" ]; then printf 'nightlift-manifest\t%s %s %s\n' "$when" "$component" "$(base64 -w 0 "$file")"; fi
  done
done
if [ -f "$stage/diff" ]; then printf 'nightlift-promised\t%s\n' "$(base64 -w 0 "$stage/diff")"; fi
printf 'nightlift-manifests-end\tx\n'
