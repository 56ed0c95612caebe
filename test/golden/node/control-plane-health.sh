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

# Asks etcd for its members, through this node, and API servers whether they are ready. Changes nothing; after etcd.sh.
# Prints lines "nightlift-KEY<TAB>ANSWER", read by parseControlPlaneHealth (src/steps/control-plane/control-plane-health.ts).
# Exit codes: 60, 61 no etcd here that could be asked, although there is its manifest
# NAME=ADDRESS:PORT of each API server, with a blank between them.
API_SERVERS='cp2=192.0.2.12:6443 cp3=[2001:db8::13]:6443'
LIMIT='60'

# ask KEY QUESTION…: an answer may come with an exit code, as when one of the members is down. What etcdctl says of an
# error goes to standard error.
ask() {
  local key="$1" answer
  shift
  answer="$(etcdctl --command-timeout=5s "$@" -w json | tr -d '\n')" || true
  printf 'nightlift-etcd-%s\t%s\n' "$key" "$answer"
  [ -n "$answer" ]
}

if [ -f "$ETCD_MANIFEST" ]; then
  find_etcd "take one that has them: the upgrade waits until etcd can be asked" etcdctl
  # Without a quorum the first one has no answer, and the others would only take their time.
  if ask members member list && ask status endpoint status --cluster; then ask health endpoint health --cluster || true; fi
else
  printf 'nightlift-etcd-external\tthis control plane has no manifest of etcd\n'
fi

for server in $API_SERVERS; do
  # Anonymously: kubeadm's clusters let everybody ask this, and a server that does not says so by 401 or 403.
  code="$(curl -sS --noproxy '*' -o /dev/null -w '%{http_code}' --connect-timeout 3 --max-time 5 \
    --cacert "$ROOT/etc/kubernetes/pki/ca.crt" "https://${server#*=}/readyz")" || true
  printf 'nightlift-api-server\t%s\t%s\n' "${server%%=*}" "$code"
done
