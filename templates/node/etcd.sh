# Finds this node's etcd. Stands in front of the scripts that ask it. The programs are the running etcd's own, reached
# through /proc: they fit its version whatever the container runtime, take nothing of its memory limit, and end with us.
ETCD_MANIFEST="$ROOT/etc/kubernetes/manifests/etcd.yaml"

# Value of a flag of etcd.
flag() {
  awk -v prefix="--$1=" '{ sub(/^ *- +/, ""); gsub(/^["\047]|["\047] *$/, "") }
    !found && index($0, prefix) == 1 { print substr($0, length(prefix) + 1); found = 1 }' "$ETCD_MANIFEST"
}

# find_etcd INSTEAD PROGRAM…: sets endpoint, certificate, key, authority, tls and programs, a directory that has all of
# these programs. INSTEAD: what to do when there is no such etcd here.
find_etcd() {
  local instead="$1" wanted data client process name place program
  shift
  wanted="$*"
  data="$(flag data-dir)"
  endpoint="$(flag listen-client-urls | awk -F, '{ for (i = 1; i <= NF; i++) if (!found && $i ~ /\/\/(127\.0\.0\.1|localhost):/) { print $i; found = 1 } }')"
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
      grep -qzxF -e "--data-dir=$data" "$process/cmdline"; then
      for place in usr/local/bin usr/bin bin; do
        for program in "$@"; do
          if [ ! -x "$process/root/$place/$program" ]; then continue 2; fi
        done
        programs="${programs:-$process/root/$place}"
      done
    fi
  done
  if [ -z "$programs" ]; then
    fail 61 "no etcd with --data-dir=$data runs here whose image has ${wanted// / and }" "see that etcd runs (crictl ps --name etcd); when its image lacks these programs, $instead"
  fi
}

# Whatever hangs ends LIMIT seconds after the script's start.
within() { timeout -k 10 "$((LIMIT > SECONDS ? LIMIT - SECONDS : 1))" "$@"; }
etcdctl() { within "$programs/etcdctl" --endpoints "$endpoint" "${tls[@]}" "$@"; }
