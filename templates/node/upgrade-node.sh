# Upgrades this node to TARGET, from the packages and the key that stage.sh has fetched. Every step looks at the state
# first: it may be killed at any line and run again.
# Exit codes: 10 apt source · 11 package lock · 12 package kubeadm · 13 holds · 16 not staged · 20 kubeadm · 21 manifest lost ·
# 22 kubeadm done, state differs · 23 wrong kubeadm · 28 disk full · 30 package kubelet · 31 kubelet not active · 32 kubelet flags
TARGET={{target}}
# first-control-plane, control-plane or worker
ROLE={{role}}
IGNORE={{ignorePreflightErrors}}
SKIP_PHASES={{skipPhases}}
# Empty, or where patches of kubeadm may lie on a node: it does not remember them.
PATCHES={{patchesDirectory}}
# false only when etcd's image is proven to stay the same (I06)
ETCD_UPGRADE={{etcdUpgrade}}

stage="$ROOT/var/lib/nightlift/stage/$TARGET"
manifests="$ROOT/etc/kubernetes/manifests"
components=(kube-apiserver kube-controller-manager kube-scheduler)
if [ ! -s "$stage/versions" ]; then fail 16 "the packages of $TARGET are not staged on this node" "run stage.sh first"; fi
version_of() { awk -v package="$1" '$1 == package { print $2 }' "$stage/versions"; }
kubeadm_wanted="$(version_of kubeadm)"
kubelet_wanted="$(version_of kubelet)"
kubectl_wanted="$(version_of kubectl)"
mkdir -p "$ROOT/tmp"
