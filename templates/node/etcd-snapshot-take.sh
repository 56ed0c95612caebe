status="$(etcdctl --command-timeout=30s endpoint status -w json)" || status=""
size="$(number dbSize <<<"$status")"
if [ -z "$size" ]; then
  fail 62 "etcd does not answer at $endpoint" "read the lines above; look at etcd: crictl logs of its container"
fi
free="$(free_bytes "$directory")"
if [ "$free" -lt $((2 * size + SPARE)) ]; then
  fail 28 "$free bytes are free on the file system of $DIRECTORY, $((2 * size + SPARE)) are wanted: twice the $size bytes of etcd and $SPARE" "make room on this node, or set snapshot.directory to a larger file system"
fi
skipped=""
if [ "$RESTORE_PROOF" = off ]; then
  skipped="snapshot.restoreProof is off"
elif [ "$free" -lt $((3 * size + SPARE)) ]; then
  skipped="$free bytes are free, $((3 * size + SPARE)) are wanted for it"
fi

proof=""
at_end() {
  local code=$?
  trap - EXIT
  if [ -n "$proof" ]; then
    kill "$proof" 2>/dev/null || true
    wait "$proof" 2>/dev/null || true
  fi
  rm -rf "$scratch"
  rm -f "$directory"/etcd-*.part
  exit "$code"
}
trap at_end EXIT
trap 'exit 143' TERM

# Answered by the quorum: a member that has fallen behind cannot pass an old state off as the present one.
present="$(count_keys | number Revision)" || present=""
if [ -z "$present" ]; then fail 62 "etcd at $endpoint cannot be read: it has no quorum, or is too slow" "look at etcd before anything else: crictl logs of its container, disk latency, members"; fi
name="etcd-$TARGET-$(date -u +%Y%m%dT%H%M%SZ)"
file="$directory/$name.db.part"
say "taking a snapshot of $size bytes from $endpoint"
if ! etcdctl snapshot save "$file" >"$directory/etcd-save.part" 2>&1; then
  tail -n 20 "$directory/etcd-save.part"
  fail 62 "etcdctl snapshot save did not succeed" "read the lines above; look at etcd: crictl logs of its container"
fi
