# `kubeadm upgrade plan` of the staged kubeadm. Always with the version: without one kubeadm asks the internet (D18, I16).
TARGET={{target}}
IGNORE={{ignorePreflightErrors}}
kubeadm="$ROOT/var/lib/nightlift/stage/$TARGET/program/kubeadm"
if [ ! -x "$kubeadm" ]; then fail 16 "the packages of $TARGET are not staged on this node" "run stage.sh first"; fi
flags=()
if [ -n "$IGNORE" ]; then flags+=("--ignore-preflight-errors=$IGNORE"); fi
"$kubeadm" upgrade plan "v$TARGET" "${flags[@]}" </dev/null
