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

# For scripts that look at apt sources: stands in front of them.
# All that apt reads sources from.
source_files() {
  local file
  for file in "$ROOT"/etc/apt/sources.list "$ROOT"/etc/apt/sources.list.d/*.list "$ROOT"/etc/apt/sources.list.d/*.sources; do
    if [ -f "$file" ]; then printf '%s\n' "$file"; fi
  done
}

# For scripts that ask which container runtime this node uses: stands in front of them.
# The socket that this node's kubelet uses: a flag, else its config file; empty when neither names one.
cri_socket() {
  local file files=()
  for file in "$ROOT"/var/lib/kubelet/kubeadm-flags.env "$ROOT"/etc/default/kubelet "$ROOT"/etc/sysconfig/kubelet \
    "$ROOT"/{etc,run,usr/lib,usr/local/lib,lib}/systemd/system/kubelet.service{,.d/*.conf} \
    "$ROOT"/var/lib/kubelet/instance-config.yaml "$ROOT"/var/lib/kubelet/config.yaml; do
    if [ -f "$file" ]; then files+=("$file"); fi
  done
  if [ "${#files[@]}" -eq 0 ]; then return 0; fi
  awk '
    flag == "" && !/^[[:space:]]*[#;]/ && match($0, /--container-runtime-endpoint[= ]+[^" \t]+/) {
      flag = substr($0, RSTART, RLENGTH); sub(/^[^= ]*[= ]+/, "", flag) }
    setting == "" && /^containerRuntimeEndpoint:/ { setting = $0; sub(/^[^:]*:[[:space:]]*/, "", setting); gsub(/["\047]|[[:space:]]+$/, "", setting) }
    END { printf "%s", flag == "" ? setting : flag }' "${files[@]}"
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

# tell KEY FIELD…: one line, whatever is in the fields, without passwords in addresses; each is cut off after 600 characters.
shopt -s extglob
tell() {
  local line="$1" field
  shift
  for field in "$@"; do
    field="${field//[$'\t\n\r']/ }"
    if [[ "$field" == *://*@* ]]; then field="${field//:\/\/+([!\/@[:space:]\"])@/:\/\/***@}"; fi
    line+=$'\t'"${field:0:600}"
  done
  printf '%s\n' "$line"
}

# What is on this node, as lines of "key<TAB>value". Changes nothing. Read by parseNodeState (src/node/node-state.ts).
line() { printf '%s\t%s\n' "$1" "$2"; }
bytes_of() { if [ -e "$1" ]; then du -sk "$1" 2>/dev/null | awk '{ print $1 * 1024 }'; else printf '0\n'; fi; }

# shellcheck disable=SC2016 # dpkg-query expands these, not the shell
dpkg-query -W -f 'package.${Package}\t${Version} ${db:Status-Want} ${db:Status-Status}\n' \
  kubeadm kubelet kubectl containerd containerd.io 2>/dev/null || true
for manifest in "$ROOT"/etc/kubernetes/manifests/*.yaml; do
  if [ -f "$manifest" ]; then
    line "manifest.$(basename "$manifest" .yaml)" "$(awk '$1 == "image:" { gsub(/"/, "", $2); print $2; exit }' "$manifest")"
  fi
done
for file in "$ROOT"/etc/apt/sources.list "$ROOT"/etc/apt/sources.list.d/*.list "$ROOT"/etc/apt/sources.list.d/*.sources; do
  if [ -f "$file" ]; then
    awk -v file="${file#"$ROOT"}" '!/^[[:space:]]*#/ && /\/v[0-9]+\.[0-9]+\/deb/ { gsub(/:\/\/[^\/@ \t]+@/, "://***@"); print "source\t" file ": " $0 }' "$file"
  fi
done
df -P -B1 "$ROOT/etc" "$ROOT/var" | awk 'NR == 2 { print "free.root\t" $4 } NR == 3 { print "free.var\t" $4 }'
etcd="$(manifest_flag etcd data-dir)"
etcd="$ROOT${etcd:-/var/lib/etcd}"
if [ -d "$etcd" ]; then
  line free.etcd "$(free_bytes "$etcd")"
  line etcd.bytes "$(bytes_of "$etcd")"
fi
for stage in "$ROOT"/var/lib/nightlift/stage/*/; do
  version="$(basename "$stage")"
  if [ -f "$stage/staged" ]; then line staged "$version"; fi
  if [ -f "$stage/kubeadm-done" ]; then line kubeadm-done "$version"; fi
  if [ -d "$stage/before" ]; then line source-changed "$version"; fi
  if [ -f "$stage/images" ]; then awk -v version="$version" '{ print "image\t" version " " $1 }' "$stage/images"; fi
done
for unit in "$ROOT"/var/lib/nightlift/units/*/; do
  if [ -d "$unit" ]; then
    name="$(basename "$unit")"
    line "unit.$name" "$(systemctl show -p ActiveState --value "$name.service" 2>/dev/null || printf 'unknown')"
  fi
done
for backup in "$ROOT"/etc/kubernetes/tmp/kubeadm-backup-*; do
  if [ -e "$backup" ]; then line backup "${backup#"$ROOT"} $(bytes_of "$backup")"; fi
done
line kubelet "$(systemctl is-active kubelet 2>/dev/null || true)"

# What a node can say of itself before anything is changed. Changes nothing. Stands after this-node.sh and node-state.sh, in
# parts: survey-machine, survey-packages, survey-kubernetes, survey-etcd. Prints lines "survey.KEY<TAB>FIELD…", read by
# parseSurvey (src/node/parse-survey.ts); the first says the format and the last that nothing is missing.
tell survey.begin 1 "$(date +%s)"

# Part of survey.sh: the machine, its system and its file systems.
id="" version="" name=""
if [ -r "$ROOT/etc/os-release" ]; then
  while IFS='=' read -r key value; do
    value="${value#[\"\']}"
    value="${value%[\"\']}"
    case "$key" in ID) id="$value" ;; VERSION_ID) version="$value" ;; PRETTY_NAME) name="$value" ;; esac
  done <"$ROOT/etc/os-release"
fi
tell survey.os "$id" "$version" "$name"
read -r kernel machine < <(uname -rm)
tell survey.kernel "$kernel" "$machine"

# first_line FILE: into REPLY; empty without it.
first_line() {
  REPLY=""
  if [ -r "$1" ]; then read -r REPLY <"$1" || true; fi
}
first_line "$ROOT/sys/class/dmi/id/sys_vendor"
vendor="$REPLY"
first_line "$ROOT/sys/class/dmi/id/product_name"
product="$REPLY"
virtualisation="$(systemd-detect-virt 2>/dev/null || true)"
model="" cpus=0
if [ -r "$ROOT/proc/cpuinfo" ]; then
  IFS=$'\t' read -r cpus model < <(awk -F ': *' '/^processor/ { n++ } /^model name/ && model == "" { model = $2 } END { print n + 0 "\t" model }' "$ROOT/proc/cpuinfo")
fi
memory=0 swap=0
if [ -r "$ROOT/proc/meminfo" ]; then
  while read -r key value _; do
    case "$key" in MemTotal:) memory=$((value * 1024)) ;; SwapTotal:) swap=$((value * 1024)) ;; esac
  done <"$ROOT/proc/meminfo"
fi
tell survey.hardware "$virtualisation" "$vendor" "$product" "$cpus" "$model" "$memory" "$swap"
# Those with a device behind them: no bridges, no pods' ends.
for nic in "$ROOT"/sys/class/net/*; do
  if [ ! -e "$nic/device" ]; then continue; fi
  driver="$(readlink "$nic/device/driver" || true)"
  speed="$(cat "$nic/speed" 2>/dev/null || true)"
  tell survey.nic "${nic##*/}" "${driver##*/}" "$speed"
done

if [ -e "$ROOT/sys/fs/cgroup/cgroup.controllers" ]; then
  tell survey.cgroup v2
elif [ -d "$ROOT/sys/fs/cgroup/memory" ]; then
  tell survey.cgroup v1
fi
first_line "$ROOT/proc/uptime"
if [ -n "$REPLY" ]; then tell survey.uptime "${REPLY%% *}"; fi
if [ -e "$ROOT/run/reboot-required" ] || [ -e "$ROOT/var/run/reboot-required" ]; then tell survey.reboot-required; fi
for tool in apt-get apt-cache apt-mark awk base64 curl dpkg dpkg-deb dpkg-query du find flock gpg grep od sed sha256sum stat systemctl systemd-run tar timeout; do
  if ! command -v "$tool" >/dev/null; then tell survey.missing-tool "$tool"; fi
done
if [ ! -x "$ROOT/usr/lib/apt/apt-helper" ]; then tell survey.missing-tool apt-helper; fi

# containerd's own settings: where it keeps images, and which image holds a pod's network.
runtime_root="$ROOT/var/lib/containerd"
runtime_config="$ROOT/etc/containerd/config.toml"
if [ -r "$runtime_config" ]; then
  while IFS=$'\t' read -r key value; do
    tell survey.containerd "$key" "$value"
    if [ "$key" = root ]; then runtime_root="$ROOT$value"; fi
  done < <(awk '/^[[:space:]]*(version|root|sandbox_image|sandbox)[[:space:]]*=/ {
      key = $1; sub(/=.*/, "", key); value = $0; sub(/^[^=]*=[[:space:]]*/, "", value); gsub(/^["\047]|["\047][[:space:]]*(#.*)?$/, "", value); print key "\t" value }' "$runtime_config")
fi
etcd_data="$(manifest_flag etcd data-dir)"
declare -A mounted=()
if [ -r "$ROOT/proc/self/mounts" ]; then
  # Of an overlay, without the directories that it is made of.
  while read -r _ target _ options _; do mounted["$target"]="${options%%,lowerdir=*}"; done <"$ROOT/proc/self/mounts"
fi
paths=()
for path in "$ROOT"/{,usr,var,var/lib,tmp,etc/kubernetes,var/lib/kubelet,var/lib/nightlift} "$runtime_root" ${etcd_data:+"$ROOT$etcd_data"}; do
  if [ -e "$path" ]; then paths+=("$path"); fi
done
while read -r path type size free inodes inodes_free target; do
  tell survey.file-system "${path#"$ROOT"}" "$target" "$type" "$size" "$free" "$inodes" "$inodes_free" "${mounted["$target"]:-}"
done < <(df -B1 --output=file,fstype,size,avail,itotal,iavail,target "${paths[@]}" 2>/dev/null | sed 1d)

# Part of survey.sh: what apt and dpkg go by, and who is at work on them. Passwords in addresses are left out.
mapfile -t files < <(source_files)
if [ "${#files[@]}" -gt 0 ]; then
  # A key may stand in the file itself, over many lines.
  awk -v root="$ROOT" '
    function flush() { if (stanza != "") print "survey.apt-source\t" file "\t" stanza; stanza = "" }
    FNR == 1 { flush(); file = substr(FILENAME, length(root) + 1); stanzas = FILENAME ~ /\.sources$/ }
    /^[[:space:]]*#/ { next }
    { gsub(/\t/, " "); gsub(/:\/\/[^\/@ "]+@/, "://***@") }
    stanzas && /^[[:space:]]*$/ { flush(); next }
    stanzas && /^ / { if (field !~ /^[Ss]igned-[Bb]y/) stanza = stanza substr($0, 1, 200); else if (!inline) { stanza = stanza " inline"; inline = 1 } next }
    stanzas { field = $0; inline = 0; stanza = stanza (stanza == "" ? "" : " ; ") substr($0, 1, 300); next }
    NF > 0 { print "survey.apt-source\t" file "\t" substr($0, 1, 500) }
    END { flush() }' "${files[@]}"
fi
apt-config dump 2>/dev/null | awk '
  /^(Acquire::.*[Pp]roxy|APT::Default-Release|APT::Periodic::Unattended-Upgrade|Unattended-Upgrade::(Allowed-Origins|Origins-Pattern|Package-Blacklist))[^ ]* / {
    key = $1; value = $0; sub(/^[^ ]* "/, "", value); sub(/";$/, "", value); gsub(/:\/\/[^\/@ "]+@/, "://***@", value); if (value != "") print "survey.apt-config\t" key "\t" substr(value, 1, 300) }' || true
for file in "$ROOT"/etc/environment "$ROOT"/etc/systemd/system/{kubelet,containerd}.service.d/*.conf; do
  if [ -f "$file" ]; then
    { grep -oiE '(https?|no)_proxy=[^" ]*' "$file" || true; } | while IFS= read -r found; do tell survey.proxy "${file#"$ROOT"}" "$found"; done
  fi
done
for file in "$ROOT"/etc/apt/preferences "$ROOT"/etc/apt/preferences.d/*; do
  if [ -f "$file" ]; then
    awk -v RS= -v file="${file#"$ROOT"}" '/Package:[^\n]*(kube|containerd|cri-|\*)/ { gsub(/\n/, " ; "); gsub(/\t/, " "); print "survey.apt-pin\t" file ": " substr($0, 1, 300) }' "$file"
  fi
done
# Ours, the runtime's, what is on hold, and what is not whole: ii is installed; n and c are not there, c but for its settings.
# shellcheck disable=SC2016 # dpkg-query expands these, not the shell
dpkg-query -W -f '${db:Status-Abbrev}\t${Package}\t${Version}\n' 2>/dev/null | awk -F '\t' '
  { status = $1; gsub(/ /, "", status); ours = $2 ~ /^(kube(adm|let|ctl|rnetes-cni)|cri-tools|cri-o|cri-dockerd|containerd(\.io)?|runc|docker-ce|docker\.io|unattended-upgrades)$/ }
  status ~ /^.[cn]/ { next }
  (ours || status ~ /^h/ || status !~ /^.i$/) && n++ < 200 { print "survey.package\t" status "\t" $2 "\t" $3 }' || true

# The locks are the kernel's, of a process: which, and since when it runs.
locks=()
for file in "$ROOT"/var/{lib/dpkg/lock-frontend,lib/dpkg/lock,lib/apt/lists/lock,cache/apt/archives/lock}; do
  if [ -e "$file" ]; then locks+=("$file"); fi
done
if [ "${#locks[@]}" -gt 0 ] && [ -r "$ROOT/proc/locks" ]; then
  while read -r inode file; do
    while read -r holder; do
      first_line "$ROOT/proc/$holder/comm"
      program="$REPLY"
      began="$(stat -c %Y "$ROOT/proc/$holder" 2>/dev/null || true)"
      tell survey.apt-lock "${file#"$ROOT"}" "$holder" "$program" "$began"
    done < <(awk -v inode="$inode" '$2 == "POSIX" && $4 == "WRITE" { split($6, at, ":"); if (at[3] == inode && $5 > 0) print $5 }' "$ROOT/proc/locks")
  done < <(stat -c '%i %n' "${locks[@]}")
fi

# Part of survey.sh: kubelet, static pods, certificates.
for socket in "$ROOT"/run/{containerd/containerd,crio/crio,cri-dockerd}.sock; do
  if [ -S "$socket" ]; then tell survey.socket "${socket#"$ROOT"}"; fi
done
tell survey.kubelet-socket "$(cri_socket)"

process="" environment_files=""
while IFS='=' read -r key value; do
  case "$key" in MainPID) process="$value" ;; EnvironmentFiles) environment_files+="$value"$'\n' ;; esac
done < <(systemctl show -p MainPID -p EnvironmentFiles kubelet 2>/dev/null || true)
if [[ "$process" =~ ^[1-9][0-9]*$ ]] && [ -r "$ROOT/proc/$process/cmdline" ]; then
  mapfile -d '' -t arguments <"$ROOT/proc/$process/cmdline"
  for argument in "${arguments[@]:1}"; do tell survey.kubelet-argument "$argument"; done
fi
# Flags for its next start, wherever they stand: in the unit, in all that is put on top, and in the files that these name.
declare -A seen=()
files=()
while IFS= read -r file; do
  # /lib is /usr/lib on most.
  if [ -f "$file" ] && real="$(readlink -f "$file")" && [ -z "${seen["$real"]:-}" ]; then
    seen["$real"]=1
    files+=("$file")
  fi
done < <(
  printf '%s\n' "$ROOT"/var/lib/kubelet/kubeadm-flags.env "$ROOT"/etc/default/kubelet "$ROOT"/etc/sysconfig/kubelet \
    "$ROOT"/{etc,run,usr/lib,usr/local/lib,lib}/systemd/system/kubelet.service{,.d/*.conf}
  while IFS= read -r file; do
    if [[ "$file" == /*" (ignore_errors="* ]]; then printf '%s\n' "$ROOT${file% (ignore_errors=*}"; fi
  done <<<"$environment_files"
)
if [ "${#files[@]}" -gt 0 ]; then
  # A value may be a word of its own.
  awk -v root="$ROOT" '!/^[[:space:]]*[#;]/ {
      rest = $0
      while (match(rest, /--[a-z][a-z0-9_-]*(=[^"\047 \t]*|[ \t]+[^-$\\"\047 \t][^"\047 \t]*)?/)) {
        found = substr(rest, RSTART, RLENGTH < 300 ? RLENGTH : 300)
        sub(/[ \t]+/, "=", found)
        gsub(/:\/\/[^\/@ "]+@/, "://***@", found)
        print "survey.kubelet-flag\t" substr(FILENAME, length(root) + 1) "\t" found
        rest = substr(rest, RSTART + RLENGTH)
      } }' "${files[@]}"
fi

# send KEY FILE: a whole file, packed; what is larger than a manifest ever is, is named only.
send() {
  local size
  size="$(stat -c %s "$2")"
  if [ "$size" -gt 262144 ]; then tell "$1" "${2##*/}" too-large; else printf '%s\t%s\t%s\n' "$1" "${2##*/}" "$(gzip -nc <"$2" | base64 -w 0)"; fi
}
for file in "$ROOT"/var/lib/kubelet/config.yaml "$ROOT"/var/lib/kubelet/instance-config.yaml; do
  if [ -f "$file" ]; then send survey.kubelet-config "$file"; fi
done
# As the kubelet reads the folder: every file that does not begin with a dot, whatever its name.
for file in "$ROOT"/etc/kubernetes/manifests/*; do
  if [ -f "$file" ]; then send survey.static-pod "$file"; fi
done
{ find "$ROOT/etc/kubernetes" "$ROOT/etc/kubeadm" -maxdepth 3 -type f -regextype posix-extended \
  -regex '.*/(kube-apiserver|kube-controller-manager|kube-scheduler|etcd|kubeletconfiguration|corednsdeployment)[^/]*\.(json|yaml)' \
  -not -path '*/manifests/*' -not -path '*/tmp/*' 2>/dev/null || true; } | while IFS= read -r file; do tell survey.patch "${file#"$ROOT"}"; done

# The end and the start of a certificate: its validity is two times. As hexadecimal digits of the DER.
certificate_end() {
  local hex
  hex="$(awk '/-----BEGIN CERTIFICATE-----/ { on = 1; next } /-----END CERTIFICATE-----/ { exit } on' | base64 -d 2>/dev/null | in_hex)"
  if [[ "$hex" =~ 30(1e|20|22)(170d|180f)([0-9a-f]{26}|[0-9a-f]{30})(170d[0-9a-f]{26}|180f[0-9a-f]{30}) ]]; then
    tell survey.certificate "$1" "${BASH_REMATCH[4]}" "${BASH_REMATCH[2]}${BASH_REMATCH[3]}"
  else
    tell survey.certificate "$1"
  fi
}
for file in "$ROOT"/etc/kubernetes/pki/*.crt "$ROOT"/etc/kubernetes/pki/etcd/*.crt "$ROOT"/var/lib/kubelet/pki/kubelet-client-current.pem "$ROOT"/var/lib/kubelet/pki/kubelet-server-current.pem; do
  if [ -f "$file" ]; then certificate_end "${file#"$ROOT"}" <"$file"; fi
done
for file in "$ROOT"/etc/kubernetes/*.conf; do
  if [ -f "$file" ] && data="$(sed -n 's/^ *client-certificate-data: *//p' "$file" | head -n 1)" && [ -n "$data" ]; then
    base64 -d 2>/dev/null <<<"$data" | certificate_end "${file#"$ROOT"}"
  fi
done

# Part of survey.sh, its last: etcd, as this node's own says it. An answer that does not come is one too.
LIMIT=$((SECONDS + 30))
tell survey.etcd-servers "$(manifest_flag kube-apiserver etcd-servers)"
if [ -f "$ETCD_MANIFEST" ]; then
  tell survey.etcd "$(flag data-dir)" "$(flag listen-client-urls)" "$(flag quota-backend-bytes)"
  if said="$(find_etcd "mend etcd first" etcdctl 2>&1 >/dev/null)"; then
    find_etcd "mend etcd first" etcdctl
    for question in 'member list' 'endpoint status' 'alarm list'; do
      # shellcheck disable=SC2086 # two words
      answer="$(etcdctl --command-timeout=5s $question -w json 2>&1 | tr -d '\n\t')" || true
      printf 'survey.etcd-answer\t%s\t%s\n' "$question" "${answer:0:16000}"
    done
  else
    tell survey.etcd-silent "$said"
  fi
fi
tell survey.own-bytes "$(bytes_of "$ROOT/var/lib/nightlift")"
tell survey.end
