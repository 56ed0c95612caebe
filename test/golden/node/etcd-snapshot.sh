#!/bin/bash
# Stands in front of every other file of this folder. Runs as root on a node, by `bash -s` over SSH or as a systemd unit.
set -euo pipefail
umask 022
# Empty on a real node; the rehearsal puts a directory of its own in front of every path.
ROOT="${NIGHTLIFT_ROOT:-}"
# Without a terminal nothing may ask, and needrestart must not restart the kubelet before kubeadm has written its settings.
export LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none UCF_FORCE_CONFFOLD=1
export TMPDIR="$ROOT/tmp"

say() { printf 'nightlift: %s\n' "$*"; }

# fail CODE WHAT REMEDY: the last two lines of a script that failed.
fail() {
  printf 'nightlift: failed: %s\nnightlift: what to do: %s\n' "$2" "$3" >&2
  exit "$1"
}

# Version of an installed package; empty when it is absent or only half installed.
package_version() {
  # shellcheck disable=SC2016 # dpkg-query expands these, not the shell
  dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$1" 2>/dev/null | awk '$1 == "installed" { print $2; exit }' || true
}

free_bytes() { df -P -B1 "$1" | awk 'NR == 2 { print $4 }'; }

# Proves that this machine is the node that it is taken for. Stands in front of every script that changes something, and
# alone asks whether a node can be reached: an address is what each kubelet writes into the status of its own node.
# Exit codes: 25 another node · 26 no proof
NODE='worker-1'
# Of the node's status; empty when it has none.
MACHINE_ID='5d41402abc4b2a76b9719d911017c592'

kubelet_conf="$ROOT/etc/kubernetes/kubelet.conf"
in_hex() { od -An -v -tx1 | tr -d ' \n'; }

# The kubelet's own client certificate, in DER: a file that it renews, or what kubeadm has written into kubelet.conf.
kubelet_certificate() {
  local file
  file="$(awk '/^ *client-certificate: / { sub(/^ *client-certificate: */, ""); gsub(/["\047]/, ""); print; exit }' "$kubelet_conf")"
  if [ -n "$file" ]; then cat "$ROOT$file"; else sed -n 's/^ *client-certificate-data: *//p' "$kubelet_conf" | head -n 1 | base64 -d; fi |
    awk '/-----BEGIN CERTIFICATE-----/ { on = 1; next } /-----END CERTIFICATE-----/ { exit } on' | base64 -d
}

# The node that the certificate is for. Its subject has the common name system:node:NAME: the object identifier 2.5.4.3,
# then a string (UTF8String or PrintableString) with its length, which is one byte, or 81 and one byte.
node_of_certificate() {
  local found
  found="$(kubelet_certificate | in_hex)"
  if ! [[ "$found" =~ 0603550403(0c|13)((81)?[0-9a-f]{2}73797374656d3a6e6f64653a[0-9a-f]*) ]]; then return 1; fi
  found="${BASH_REMATCH[2]}"
  found="${found#81}"
  printf '%b' "$(printf '%s' "${found:26:$((2 * 16#${found:0:2} - 24))}" | sed 's/../\\x&/g')"
}

if ! own_name="$(node_of_certificate 2>/dev/null)"; then
  fail 26 "nothing proves that this machine is $NODE: /etc/kubernetes/kubelet.conf leads to no client certificate of a kubelet" "see on this machine how its kubelet logs in: kubeadm puts client-certificate into /etc/kubernetes/kubelet.conf"
fi
if [ "$own_name" != "$NODE" ]; then
  fail 25 "this machine is the node $(tr -cd '[:alnum:].-' <<<"$own_name"), not $NODE: nothing was changed on it" "kubectl get nodes -o wide shows the address of $NODE; find out who has set it, and set --node-ip of the kubelet on $NODE"
fi
if [ -n "$MACHINE_ID" ] && [ -s "$ROOT/etc/machine-id" ] && [ "$(cat "$ROOT/etc/machine-id")" != "$MACHINE_ID" ]; then
  fail 25 "this machine is not the one that reports as $NODE: its /etc/machine-id is another: nothing was changed on it" "when the machine-id was made anew, restart the kubelet on it; else find out which machine has the key of $NODE"
fi

# For scripts that look into the manifests of the static pods: stands in front of them.
# manifest_flag COMPONENT NAME: value of a flag in a static pod's manifest; empty without either.
manifest_flag() {
  if [ ! -f "$ROOT/etc/kubernetes/manifests/$1.yaml" ]; then return 0; fi
  awk -v prefix="--$2=" '{ sub(/^ *- +/, ""); gsub(/^["\047]|["\047] *$/, "") }
    !found && index($0, prefix) == 1 { print substr($0, length(prefix) + 1); found = 1 }' "$ROOT/etc/kubernetes/manifests/$1.yaml" 2>/dev/null || true
}

# Finds this node's etcd. Stands in front of the scripts that ask it. The programs are the running etcd's own, reached
# through /proc: they fit its version whatever the container runtime, take nothing of its memory limit, and end with us.
# Any container may call itself etcd. What the kernel says of a process is its cgroup, and the kubelet puts nothing into the
# cgroup of a static pod but the containers of a manifest of this node.
ETCD_MANIFEST="$ROOT/etc/kubernetes/manifests/etcd.yaml"

flag() { manifest_flag etcd "$1"; }

# The static pod that a process is in: its UID, a hash of its manifest, 32 hexadecimal digits. Pods that come from the API
# server have a UUID there, which the API server chooses. Only the outermost pod counts: a container that may write its own
# cgroup can make others below it.
static_pod_of() {
  awk -F / '
    { for (i = 2; i <= NF; i++) if ($i ~ /^([a-z0-9_.]+-)*pod[0-9a-f_-]+(\.slice)?$/) break }
    i <= NF { pod = $i; sub(/^.*pod/, "", pod); sub(/\.slice$/, "", pod); if (found != "" && found != pod) mixed = 1; found = pod }
    END { if (!mixed && length(found) == 32 && found ~ /^[0-9a-f]+$/) print found }' "$1/cgroup" 2>/dev/null || true
}

# Whether a process is the etcd of this node's manifest, as the kernel and the kubelet have it.
is_own_etcd() {
  local pod
  pod="$(static_pod_of "$1")"
  [ -n "$pod" ] && [ -d "$ROOT/var/lib/kubelet/pods/$pod/containers/etcd" ]
}

# find_etcd INSTEAD PROGRAM…: sets endpoint, certificate, key, authority, tls and programs, a directory that has all of
# these programs. INSTEAD: what to do when there is no such etcd here.
find_etcd() {
  local instead="$1" wanted data client process name place program
  shift
  wanted="$*"
  data="$(flag data-dir)"
  endpoint="$(flag listen-client-urls | awk -F, '{ for (i = 1; i <= NF; i++) if (!found && $i ~ /\/\/(127\.0\.0\.1|\[::1\]|localhost):/) { print $i; found = 1 } }')"
  if [ -z "$endpoint" ]; then endpoint="$(flag advertise-client-urls | cut -d , -f 1)"; fi
  if [ -z "$endpoint" ] || [ -z "$data" ]; then
    fail 60 "the manifest of etcd names no client URL or no data directory" "look at /etc/kubernetes/manifests/etcd.yaml; otherwise $instead"
  fi
  certificate="$ROOT$(flag cert-file)"
  key="$ROOT$(flag key-file)"
  authority="$ROOT$(flag trusted-ca-file)"
  tls=()
  case "$endpoint" in
    https:*)
      tls=(--cacert "$authority" --cert "$certificate" --key "$key")
      # kubeadm makes one for this kind of question; the server's own is good for it too.
      client="$(dirname "$certificate")/healthcheck-client"
      if [ -f "$client.crt" ]; then tls=(--cacert "$authority" --cert "$client.crt" --key "$client.key"); fi
      ;;
  esac
  programs=""
  for process in "$ROOT"/proc/[0-9]*; do
    if { read -r name <"$process/comm"; } 2>/dev/null && [ "$name" = etcd ] &&
      grep -qzxF -e "--data-dir=$data" "$process/cmdline" && is_own_etcd "$process"; then
      for place in usr/local/bin usr/bin bin; do
        for program in "$@"; do
          if [ ! -x "$process/root/$place/$program" ]; then continue 2; fi
        done
        # Held open before it is looked at again: the number of a process that ends is given to another one.
        exec {directory_of_programs}<"$process/root/$place"
        if is_own_etcd "$process"; then
          programs="/proc/$$/fd/$directory_of_programs"
          return 0
        fi
      done
    fi
  done
  fail 61 "in the static pod of this node's etcd no etcd with --data-dir=$data runs whose image has ${wanted// / and }" "see that etcd runs (crictl ps --name etcd) and that the kubelet has started it from /etc/kubernetes/manifests; when its image lacks these programs, $instead"
}

# Whatever hangs ends LIMIT seconds after the script's start.
within() { timeout -k 10 "$((LIMIT > SECONDS ? LIMIT - SECONDS : 1))" "$@"; }
etcdctl() { within "$programs/etcdctl" --endpoints "$endpoint" "${tls[@]}" "$@"; }

# Takes a snapshot of this node's etcd, proves that it can be restored, and keeps it with a note of what is in it. Runs
# detached, after etcd.sh.
# Prints "nightlift-snapshot<TAB>JSON". Read by parseEtcdSnapshotReport (src/steps/etcd/own-snapshot-report.ts).
# Exit codes: 28 disk full · 52 another one at work · 60 no etcd here · 61 no programs · 62 not taken · 63 not sound ·
# 64 older than the last · 65 cannot be restored
TARGET='1.36.4'
# Which run this is: a snapshot of the same run that is young enough is taken as it is.
RUN='2026-11-21T23:00:00.000Z'
REUSE_SECONDS='1800'
DIRECTORY='/var/lib/nightlift/snapshots'
KEEP='3'
# auto or off
RESTORE_PROOF='auto'
LIMIT='600'

# Every Secret of the cluster is in it.
umask 077
# The log and the files of a database that is started for the proof, and what etcd itself still needs to go on.
SPARE=268435456
directory="$ROOT$DIRECTORY"
scratch="$directory/.proof"
INSTEAD="make the snapshot with a CronJob (snapshot.cronJob), or set snapshot.required to false"

if [ ! -f "$ETCD_MANIFEST" ]; then
  fail 60 "this control plane has no etcd of its own: there is no /etc/kubernetes/manifests/etcd.yaml" "$INSTEAD"
fi
find_etcd "$INSTEAD" etcdctl etcdutl

# Number of a JSON object, or of etcdctl's "fields".
number() { sed -n 's/^.*"'"$1"'" *: *\([0-9][0-9]*\).*$/\1/p'; }
count_keys() { etcdctl --command-timeout=30s get "" --prefix --count-only -w fields "$@"; }

if [ ! -d "$directory" ]; then
  (umask 022 && mkdir -p "$(dirname "$directory")")
  mkdir "$directory"
fi
if [ ! -O "$directory" ]; then
  fail 61 "$DIRECTORY does not belong to root, and a snapshot has every Secret of the cluster in it" "chown root $DIRECTORY, or set snapshot.directory to another one"
fi
# Whoever may write a directory above it can put another one in its place.
top="$(cd -P "${ROOT:-/}" && pwd)"
above="$(cd -P "$directory" && dirname "$PWD")"
until [ "$above" = "$top" ] || [ "$above" = / ]; do
  mode="$(stat -c %a "$above")"
  if [ ! -O "$above" ] || { [ $((8#$mode & 8#22)) -gt 0 ] && [ $((8#$mode & 8#1000)) -eq 0 ]; }; then
    fail 61 "${above#"$top"}, in which $DIRECTORY is, can be written by others than root" "chown root and chmod go-w that directory, or set snapshot.directory to another one"
  fi
  above="$(dirname "$above")"
done
exec 9>"$directory/.lock"
if ! flock -w 60 9; then fail 52 "another snapshot has been under way on this node for a minute" "see which: fuser $DIRECTORY/.lock"; fi

# What was killed half-way leaves these behind.
rm -rf "$scratch"
rm -f "$directory"/etcd-*.part
newest() { find "$directory" -maxdepth 1 -name "$1" -printf '%T@ %p\n' | sort -rn | sed 's/^[^ ]* //'; }
last=""
while IFS= read -r note; do
  if [ ! -f "${note%.json}.db" ]; then rm -f "$note"; elif [ -z "$last" ]; then last="$note"; fi
done < <(newest 'etcd-*.json')
if [ -n "$last" ]; then
  age=$(($(date +%s) - $(stat -c %Y "$last")))
  if [ "$age" -ge 0 ] && [ "$age" -lt "$REUSE_SECONDS" ] && grep -qF "\"run\":\"$RUN\"" "$last" &&
    [ "$(number bytes <"$last")" = "$(stat -c %s "${last%.json}.db")" ]; then
    say "the snapshot that this run took $age s ago is still good"
    printf 'nightlift-snapshot\t%s\n' "$(cat "$last")"
    exit 0
  fi
fi

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
