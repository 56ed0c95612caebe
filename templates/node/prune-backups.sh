# Deletes copies that kubeadm left in /etc/kubernetes/tmp and that are older than DAYS (I17: 28 GB of them).
# Prints "pruned<TAB>path<TAB>bytes" for each.
DAYS={{days}}
exec 9>&-
for component in kube-apiserver kube-controller-manager kube-scheduler; do
  # A manifest that a killed kubeadm lost is in one of the copies and nowhere else.
  if [ -f "$ROOT/etc/kubernetes/admin.conf" ] && [ ! -f "$ROOT/etc/kubernetes/manifests/$component.yaml" ]; then
    say "the manifest of $component is missing, so every copy is kept"
    exit 0
  fi
done
if [ -d "$ROOT/etc/kubernetes/tmp" ]; then
  find "$ROOT/etc/kubernetes/tmp" -mindepth 1 -maxdepth 1 -name 'kubeadm-backup-*' -mmin "+$((DAYS * 1440))" -print0 |
    while IFS= read -r -d '' backup; do
      bytes="$(du -sk "$backup" | awk '{ print $1 * 1024 }')"
      rm -rf "$backup"
      printf 'pruned\t%s\t%s\n' "${backup#"$ROOT"}" "$bytes"
    done
fi
