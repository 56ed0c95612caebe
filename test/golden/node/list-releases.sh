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

# For scripts that look at apt sources: stands in front of them.
# All that apt reads sources from.
source_files() {
  local file
  for file in "$ROOT"/etc/apt/sources.list "$ROOT"/etc/apt/sources.list.d/*.list "$ROOT"/etc/apt/sources.list.d/*.sources; do
    if [ -f "$file" ]; then printf '%s\n' "$file"; fi
  done
}

# For scripts that look at the Kubernetes apt source: stands between apt.sh and the script.
# What stands before /v1.36/deb/ in the sources line, and the minor that is wanted.
REPO='https://pkgs.k8s.io/core:/stable:'
MINOR='1.36'

# entries FILE [COPY]: its entries, or those of a copy of it, that are switched on, one per line: lines of a .list, stanzas of a .sources with their lines
# put together by tabs.
entries() {
  case "$1" in
    *.sources)
      awk '
        function flush() { if (entry != "" && tolower(entry) !~ /\tenabled:[ \t]*(no|false|off|0|without|disable)[ \t]*\t/) print entry; entry = "" }
        /^[[:space:]]*$/ { flush(); next }
        !/^#/ { entry = entry "\t" $0 "\t" }
        END { flush() }' "${2:-$1}"
      ;;
    *) grep -v '^[[:space:]]*#' "${2:-$1}" || true ;;
  esac
}

# Files with an apt source under REPO, whatever its minor, one per line.
kubernetes_sources() {
  local file
  while IFS= read -r file; do
    if entries "$file" | grep -qF -- "$REPO/v"; then printf '%s\n' "$file"; fi
  done < <(source_files)
}

# Copies a source file to stdout, with the minor of every address under REPO set to MINOR.
with_minor() {
  local line
  while IFS= read -r line || [ -n "$line" ]; do
    if [[ "$line" == *"$REPO/v"* ]]; then
      local rest="${line#*"$REPO/v"}"
      line="${line%%"$REPO/v"*}$REPO/v$MINOR/${rest#*/}"
    fi
    printf '%s\n' "$line"
  done <"$1"
}

# Which Kubernetes packages the repository of MINOR offers, asked now. Prints the lines of `apt-cache madison`.
# The lists go to a directory of their own: what an earlier refresh left behind can never be the answer (D03), and the
# locks of apt-daily are not in the way. Source line and keyring are the node's own.
mkdir -p "$ROOT/var/lib/nightlift"
work="$(mktemp -d "$ROOT/var/lib/nightlift/lists.XXXXXX")"
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir -p "$work/sources" "$work/lists/partial" "$work/archives/partial"

mapfile -t sources < <(kubernetes_sources)
if [ "${#sources[@]}" -eq 0 ]; then
  fail 10 "no apt source of this node is under $REPO" "add the Kubernetes source to /etc/apt/sources.list.d/kubernetes.list, or set the address that this node uses in Nightlift's settings"
fi
# An option that takes a repository on trust does not count here: what is listed must be signed, as what is fetched.
signed_only() {
  sed -E -e 's/([[[:space:]])(trusted|allow-insecure|allow-weak|allow-downgrade-to-insecure)=[^][:space:]]*/\1/Ig' \
    -e '/^(trusted|allow-insecure|allow-weak|allow-downgrade-to-insecure):/Id'
}
number=0
for file in "${sources[@]}"; do
  number=$((number + 1))
  case "$file" in
    *.sources) with_minor "$file" | signed_only >"$work/sources/$number.sources" ;;
    # Only the Kubernetes lines: the rest of sources.list is not ours to refresh.
    *) with_minor "$file" | awk -v repo="$REPO/v" '!/^[[:space:]]*#/ && index($0, repo)' | signed_only >"$work/sources/$number.list" ;;
  esac
done

own=(
  -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/sources" -o "Dir::State::lists=$work/lists"
  -o "Dir::Cache::archives=$work/archives" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
)
apt_get 17 "${own[@]}" update >&2
for package in kubeadm kubelet kubectl; do
  apt-cache "${own[@]}" madison "$package" >"$work/$package"
  if [ ! -s "$work/$package" ]; then
    fail 17 "the repository $REPO/v$MINOR lists no $package, although it could be read" "look at $REPO/v$MINOR/deb/Packages: it is empty, or something else answers in its place"
  fi
done
cat "$work/kubeadm" "$work/kubelet" "$work/kubectl"
