REMOVED="it was removed, and nothing was upgraded; look at the disk of this node and at etcd"
status="$(within "$programs/etcdutl" snapshot status "$file" -w json)" || status=""
hash="$(number hash <<<"$status")"
revision="$(number revision <<<"$status")"
total="$(number totalKey <<<"$status")"
bytes="$(stat -c %s "$file" 2>/dev/null)" || bytes=0
if [ -z "$hash" ] || [ -z "$revision" ] || [ -z "$total" ] || [ "$bytes" -le 32 ]; then
  fail 63 "etcdutl snapshot status does not take the file of $bytes bytes for a snapshot: ${status:-no answer}" "$REMOVED"
fi
# etcd ends its stream with the SHA-256 of what came before; status does not look at it.
ending="$(tail -c 32 "$file" | od -An -v -tx1 | tr -d ' \n')"
if [ "$(head -c -32 "$file" | sha256sum | cut -d ' ' -f 1)" != "$ending" ]; then
  fail 63 "the snapshot of $bytes bytes does not have the SHA-256 that it ends with" "$REMOVED"
fi
if [ "$revision" -lt "$present" ]; then
  fail 63 "the snapshot has revision $revision, etcd had $present before it was taken" "$REMOVED"
fi
if [ -n "$last" ] && [ "$revision" -lt "$(number revision <"$last")" ]; then
  fail 64 "the snapshot has revision $revision, the last one ($(basename "$last" .json).db) has $(number revision <"$last"): etcd has lost data" "find out what happened to etcd; when it was restored from an older snapshot on purpose, remove the .json files in $DIRECTORY"
fi
