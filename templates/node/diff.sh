# What kubeadm would change in the static pod manifests (I18). Changes nothing.
TARGET={{target}}
kubeadm="$ROOT/var/lib/nightlift/stage/$TARGET/program/kubeadm"
if [ ! -x "$kubeadm" ]; then fail 16 "the packages of $TARGET are not staged on this node" "run stage.sh first"; fi
"$kubeadm" upgrade diff "v$TARGET" </dev/null
