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

# For scripts that use apt: stands between common.sh and the script.
APT_OPTIONS=(
  # unattended-upgrades takes the same locks at times of its own.
  -o "DPkg::Lock::Timeout="'300'
  # DEBIAN_FRONTEND alone does not keep dpkg from asking about a changed conffile.
  -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold
  -o Dpkg::Use-Pty=0
  -o Acquire::Retries=3 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30
  # What the node prefers is not asked here: a version is named in full.
  -o APT::Default-Release=
  # A list that could not be fetched is an error, not a reason to answer from the old one.
  -o APT::Update::Error-Mode=any
  # A signature is the proof of what runs as root, whatever the node's own apt.conf allows.
  -o Acquire::AllowInsecureRepositories=false -o Acquire::AllowWeakRepositories=false
  -o Acquire::AllowDowngradeToInsecureRepositories=false -o APT::Get::AllowUnauthenticated=false
)

# The arguments without their options.
words_of() {
  local words=()
  while [ "$#" -gt 0 ]; do
    case "$1" in -o) shift ;; -*) ;; *) words+=("$1") ;; esac
    shift
  done
  printf '%s' "${words[*]}"
}

# apt_get CODE ARGUMENT…: exits with CODE, or with 11 for a held lock and 28 for a full disk.
apt_get() {
  local code="$1" output holder cause removed
  shift
  output="$(mktemp)"
  if apt-get "${APT_OPTIONS[@]}" "$@" </dev/null 2>&1 | tee "$output"; then
    rm -f "$output"
    return 0
  fi
  if grep -qE 'Could not get lock|Unable to (acquire|lock)' "$output"; then code=11; fi
  if grep -qE "No space left on device|don't have enough free space" "$output"; then code=28; fi
  holder="$(sed -n 's/.*held by \(process [^)]*)\).*/\1/p' "$output" | tail -n 1)"
  cause="$(sed -n '/^E: /p' "$output" | tail -n 1)"
  # Under --no-remove; apt 3 has another heading.
  removed="$(awk '/^(The following packages will be REMOVED|REMOVING):/ { on = 1; next } /^[^ ]/ { on = 0 } on { for (i = 1; i <= NF; i++) { printf "%s%s", sep, $i; sep = " " } }' "$output")"
  rm -f "$output"
  if [[ "$cause" == *"remove is disabled"* && -n "$removed" ]]; then
    fail "$code" "apt-get $(words_of "$@") cannot be done beside other packages of this node, which it would have to remove: $removed" "install versions of them that go with it; or, when nothing needs them: apt-get remove $removed"
  fi
  case "$code" in
    11) fail 11 "${holder:-another program} held the package lock for longer than "'300'" s" "let it end (systemctl status apt-daily-upgrade, when it is unattended-upgrades), and start again" ;;
    28) fail 28 "the disk is full: $(($(free_bytes "$ROOT/var") / 1000000)) MB are free on the file system of /var" "make room on this node (df -h shows where), and start again" ;;
    *) fail "$code" "apt-get $(words_of "$@") did not succeed${cause:+: $cause}" "mend what apt names (the log has all of its lines), and start again" ;;
  esac
}

# For the scripts that bring containerd to VERSION (upstream '1.7.24' or a full package version): stands between apt.sh and
# the script. Fetches what is wanted, and changes nothing that is in use: until its end nothing was changed on the node.
VERSION='1.7.24'
# Docker's containerd.io and the distribution's containerd are two packages with numbers of their own: whichever the node has.
package=""
for candidate in containerd containerd.io; do
  if [ -n "$(package_version "$candidate")" ]; then package="$candidate"; fi
done
if [ -z "$package" ]; then fail 40 "neither containerd nor containerd.io is installed as a package" "raise containerd on this node by the way that it was installed"; fi

matches() { [[ "$1" == "$VERSION" || "$1" == "$VERSION"[-~+]* ]]; }
# The package version to install; empty when the node has it already.
wanted=""
if ! matches "$(package_version "$package")"; then
  # Another source of the node may be out of order: whether the wanted version is listed decides.
  if ! apt-get "${APT_OPTIONS[@]}" update </dev/null; then say "warning: not all package lists could be refreshed"; fi
  while read -r _ _ version _; do
    if [ -z "$wanted" ] && matches "$version"; then wanted="$version"; fi
  done < <(apt-cache madison "$package" | sed -n '/ Packages$/p')
  if [ -z "$wanted" ]; then
    other=containerd.io
    if [ "$package" = containerd.io ]; then other=containerd; fi
    fail 40 "no source of this node has $package $VERSION" "see what they have: apt-cache madison $package; a node that has $other has another package, with versions of its own"
  fi
  apt_get 40 install -y --download-only --no-remove --allow-change-held-packages --no-install-recommends "$package=$wanted"
fi

# Before the drain: whether this node can have the containerd that it is to be raised to, and the package of it.
if [ -n "$wanted" ]; then say "fetched $package $wanted"; else say "containerd is at $(package_version "$package")"; fi
