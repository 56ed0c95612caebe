sync "$file"
printf '{"path":"%s","bytes":%s,"hash":%s,"revision":%s,"totalKeys":%s,"keys":%s,"restored":%s,"notRestoredWhy":"%s","takenAt":"%s","target":"%s","run":"%s"}\n' \
  "$DIRECTORY/$name.db" "$bytes" "$hash" "$revision" "$total" "$keys" "$restored" "$skipped" \
  "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$TARGET" "$RUN" >"$directory/$name.json"
# A note without its snapshot counts for nothing, so the note comes first.
mv "$file" "$directory/$name.db"
sync "$directory"
newest 'etcd-*.db' | tail -n "+$((KEEP + 1))" | while IFS= read -r old; do
  say "removing $(basename "$old"), of which $KEEP newer ones are there"
  rm -f "$old" "${old%.db}.json"
done
printf 'nightlift-snapshot\t%s\n' "$(cat "$directory/$name.json")"
