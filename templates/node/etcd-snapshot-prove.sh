keys=null
restored=false
if [ -z "$skipped" ]; then
  # While this revision is not compacted, which takes five minutes at least.
  expected="$(count_keys "--rev=$revision" 2>/dev/null | number Count)" || expected=""
  port=12379
  while { : >"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null || { : >"/dev/tcp/127.0.0.1/$((port + 1))"; } 2>/dev/null; do port=$((port + 2)); done
  scheme="${endpoint%%:*}"
  peer="$scheme://127.0.0.1:$((port + 1))"
  # Its own name and token: it could never be taken for a member of the cluster.
  member=(--name nightlift-proof --data-dir "$scratch" --initial-cluster "nightlift-proof=$peer" --initial-cluster-token nightlift-proof --initial-advertise-peer-urls "$peer")
  say "restoring it into $DIRECTORY/.proof"
  if ! GOMAXPROCS=1 within "$programs/etcdutl" snapshot restore "$file" "${member[@]}" 2>"$directory/etcd-restore.part"; then
    tail -n 20 "$directory/etcd-restore.part"
    fail 65 "etcdutl snapshot restore did not succeed" "$REMOVED"
  fi
  endpoint="$scheme://127.0.0.1:$port"
  serve=(--listen-client-urls "$endpoint" --advertise-client-urls "$endpoint" --listen-peer-urls "$peer" --unsafe-no-fsync --log-level warn)
  if [ "$scheme" = https ]; then
    # With the cluster's own certificates: nobody else on this node can read from it.
    serve+=(--cert-file "$certificate" --key-file "$key" --trusted-ca-file "$authority" --client-cert-auth
      --peer-cert-file "$certificate" --peer-key-file "$key" --peer-trusted-ca-file "$authority" --peer-client-cert-auth)
  fi
  GOMAXPROCS=1 "$programs/etcd" "${member[@]}" "${serve[@]}" >"$directory/etcd-proof.part" 2>&1 9>&- &
  proof=$!
  found=""
  while [ -z "$found" ] && [ "$SECONDS" -lt "$LIMIT" ] && kill -0 "$proof" 2>/dev/null; do
    found="$(count_keys 2>/dev/null)" || found=""
    if [ -z "$found" ]; then sleep 0.5; fi
  done
  keys="$(number Count <<<"$found")"
  at="$(number Revision <<<"$found")"
  if [ -z "$keys" ] || [ -z "$at" ]; then
    tail -n 20 "$directory/etcd-proof.part"
    fail 65 "an etcd started from the snapshot did not answer on $endpoint" "$REMOVED"
  fi
  if [ "$keys" -eq 0 ] || [ "$keys" -ne "${expected:-$keys}" ] || [ "$at" -lt "$revision" ]; then
    fail 65 "an etcd started from the snapshot has $keys keys at revision $at, the cluster has ${expected:-some} at revision $revision" "$REMOVED"
  fi
  restored=true
  say "an etcd started from it has $keys keys at revision $at${expected:+, as many as the cluster}"
else
  say "warning: the snapshot was not restored to prove it: $skipped"
fi
