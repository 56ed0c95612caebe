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
