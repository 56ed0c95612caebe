# What kubeadm would change in the static pod manifests (I18): each of them whole, as it is and as it would be. The answer is
# kept here for whoever compares after the upgrade; what is in use does not change.
TARGET={{target}}
# Empty, or where patches of kubeadm may lie on this node. `kubeadm upgrade diff` does not look at them.
PATCHES={{patchesDirectory}}
stage="$ROOT/var/lib/nightlift/stage/$TARGET"
kubeadm="$stage/program/kubeadm"
if [ ! -x "$kubeadm" ]; then fail 16 "the packages of $TARGET are not staged on this node" "run stage.sh first"; fi
# Manifests are readable for root alone.
umask 077
{
  if [ -n "$PATCHES" ] && [ -d "$ROOT$PATCHES" ]; then
    for patch in "$ROOT$PATCHES"/*; do
      if [ -f "$patch" ]; then printf 'nightlift-patch\t%s\n' "$(basename "$patch")"; fi
    done
  fi
  "$kubeadm" upgrade diff "v$TARGET" --context-lines 100000 </dev/null
} >"$stage/diff.new"
mv "$stage/diff.new" "$stage/diff"
cat "$stage/diff"
