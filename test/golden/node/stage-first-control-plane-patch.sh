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

# Fetches everything that the upgrade to TARGET needs, and changes nothing that is in use: key, lists, packages, kubeadm
# itself and the images. Runs before the drain, so that a registry or repository that is away costs nobody anything.
TARGET='1.36.4'
ROLE='first-control-plane'
# Accepted fingerprints of the repository key, space separated; empty accepts any (and says which one it was).
KEY_FINGERPRINTS='DE15B14486CD377B9E876E1A234654DA9A296436'
KEY_WARN_DAYS='45'
NEEDED_BYTES='2000000000'
# Where the images come from, by the cluster's ClusterConfiguration; empty leaves it to kubeadm.
IMAGE_REPOSITORY='mirror.example.com/k8s'
DNS_REPOSITORY=''
DNS_TAG='v1.14.2'
ETCD_REPOSITORY=''
ETCD_TAG=''
# dns, proxy, etcd: what this cluster does not have from kubeadm, space separated.
WITHOUT_IMAGES='proxy'

stage="$ROOT/var/lib/nightlift/stage/$TARGET"
mkdir -p "$stage" "$ROOT/tmp"
# A connection that was lost may have left an earlier one of these behind, still at work.
exec 9>"$stage/.lock"
if ! flock -w 900 9; then fail 11 "another stage.sh has been at work on this node for 15 minutes" "see what it waits for: fuser $stage/.lock"; fi
# What an earlier target left behind, but for its records.
for other in "$ROOT"/var/lib/nightlift/stage/*/; do
  if [ "$(basename "$other")" != "$TARGET" ]; then rm -rf "$other/archives" "$other/lists" "$other/program" "$other/staged" "$other/replaced" "$other/manifests-before" "$other/diff" "$other/etcd-diff"; fi
done
# A command that a killed Job had sent can arrive late, find everything done, and leave its record. A week is for reading.
if [ -d "$ROOT/var/lib/nightlift/units" ]; then
  find "$ROOT/var/lib/nightlift/units" -mindepth 2 -maxdepth 2 -name rc -mtime +7 -print0 |
    while IFS= read -r -d '' ended; do rm -rf "${ended%/rc}"; done
fi

if ! command -v gpg >/dev/null; then fail 14 "gpg is not installed" "install gpg on this node"; fi
free="$(free_bytes "$stage")"
if [ "$free" -lt "$NEEDED_BYTES" ]; then
  fail 28 "$((free / 1000000)) MB are free on the file system of /var/lib/nightlift, $((NEEDED_BYTES / 1000000)) MB are wanted" "make room on this node, or lower packages.freeMegabytes in Nightlift's settings"
fi
data="$(manifest_flag etcd data-dir)"
data="$ROOT${data:-/var/lib/etcd}"
if [ -d "$data" ]; then
  # kubeadm copies the etcd data to /etc/kubernetes/tmp before it changes etcd.
  etcd="$(du -sk "$data" | awk '{ print $1 * 1024 }')"
  free="$(free_bytes "$ROOT/etc/kubernetes")"
  if [ "$free" -lt $((etcd + NEEDED_BYTES)) ]; then
    fail 28 "$((free / 1000000)) MB are free on the file system of /etc/kubernetes, $(((etcd + NEEDED_BYTES) / 1000000)) MB are wanted (kubeadm copies the $((etcd / 1000000)) MB of etcd there)" "make room on this node; old copies are in /etc/kubernetes/tmp"
  fi
fi
has_no() { [[ " $WITHOUT_IMAGES " == *" $1 "* ]]; }
# As much of the cluster's configuration as decides about images. The socket stands in it because kubeadm does not look at
# --cri-socket beside --config (seen in 1.35, 1.36 and 1.37); with two of them it wants to be told, and the kubelet's own is the one.
images_config() {
  local api=v1beta4 socket
  # v1beta4 is there from 1.31, v1beta3 until 1.36.
  case "$MINOR" in 1.2? | 1.30) api=v1beta3 ;; esac
  socket="$(cri_socket | tr -d "'")"
  if [ -n "$socket" ]; then
    printf "apiVersion: kubeadm.k8s.io/%s\nkind: InitConfiguration\nnodeRegistration:\n  criSocket: '%s'\n---\n" "$api" "$socket"
  fi
  printf "apiVersion: kubeadm.k8s.io/%s\nkind: ClusterConfiguration\nkubernetesVersion: 'v%s'\n" "$api" "$TARGET"
  printf "imageRepository: '%s'\n" "$IMAGE_REPOSITORY"
  printf "dns:\n  imageRepository: '%s'\n  imageTag: '%s'\n" "$DNS_REPOSITORY" "$DNS_TAG"
  if has_no dns; then printf '  disabled: true\n'; fi
  if has_no proxy; then printf 'proxy:\n  disabled: true\n'; fi
  if has_no etcd; then
    # Nobody is asked there: only that there is an external etcd.
    printf 'etcd:\n  external:\n    endpoints: [http://127.0.0.1:2379]\n'
  else
    printf "etcd:\n  local:\n    imageRepository: '%s'\n    imageTag: '%s'\n" "$ETCD_REPOSITORY" "$ETCD_TAG"
  fi
}

case "$MINOR" in
  1.3[0-4]) ;;
  *)
    # kubelet 1.35 and later do not start with it. Of kubeadm, 1.35 alone takes it out, and of kubeadm-flags.env alone.
    if [ "$MINOR" = 1.35 ]; then mended=(); else mended=("$ROOT/var/lib/kubelet/kubeadm-flags.env"); fi
    with_flag="$(grep -lsE -- '^[^#]*--pod-infra-container-image' "${mended[@]}" "$ROOT"/etc/default/kubelet "$ROOT"/etc/sysconfig/kubelet \
      "$ROOT"/{etc,run,usr/lib,usr/local/lib,lib}/systemd/system/kubelet.service{,.d/*.conf} | head -n 1 || true)"
    if [ -n "$with_flag" ]; then
      with_flag="${with_flag#"$ROOT"}"
      fail 32 "$with_flag has --pod-infra-container-image, with which kubelet $TARGET does not start" "take the flag out of $with_flag (the sandbox image is a setting of containerd)"
    fi
    ;;
esac

own=(
  -o "Dir::Etc::sourcelist=$stage/kubernetes.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$stage/lists"
  -o "Dir::Cache::archives=$stage/archives" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
)
# install_of FILE: how the upgrade will install the versions of FILE. The holds of ours are lifted for it, those of others are
# not ours to lift.
install_of() { awk 'BEGIN { print "install\n-y\n--no-remove\n--allow-change-held-packages\n--no-install-recommends" } { print $1 "=" $2 }' "$1"; }
# look_ahead FILE: says what will move beside ours; fails for what may not.
look_ahead() {
  local install simulated held package others=()
  mapfile -t install < <(install_of "$1")
  # With a hold in the way apt says only that there is one: which, is seen without them.
  if simulated="$(apt-get "${APT_OPTIONS[@]}" "${own[@]}" -s --ignore-hold "${install[@]}" </dev/null 2>/dev/null)"; then
    held=" $(apt-mark showhold | tr '\n' ' ') "
    while read -r package; do
      case "$package" in kubeadm | kubelet | kubectl) continue ;; esac
      if [[ "$held" == *" $package "* ]]; then others+=("$package"); else say "apt will install or change $package as well"; fi
    done < <(awk '$1 == "Inst" || $1 == "Remv" { print $2 }' <<<"$simulated")
    if [ "${#others[@]}" -gt 0 ]; then
      fail 12 "the packages of $TARGET need other versions of packages that are on hold: ${others[*]}" "find out who holds them and why; when they may move: apt-mark unhold ${others[*]}"
    fi
  fi
}
# would_succeed FILE: fails where apt or dpkg would, which is after the drain otherwise.
would_succeed() {
  local install broken end
  # What an upgrade of this node was interrupted in, the upgrade itself finishes.
  case "$(package_version kubeadm)" in "" | "$(awk '$1 == "kubeadm" { print $2 }' "$1")") return 0 ;; esac
  mapfile -t install < <(install_of "$1")
  apt_get 12 "${own[@]}" -s "${install[@]}"
  # Somebody else may be installing something.
  end=$((SECONDS + $(printf '%.0f' '300')))
  broken="$(not_whole)"
  while [ -n "$broken" ] && [ "$SECONDS" -lt "$end" ]; do
    sleep 2
    broken="$(not_whole)"
  done
  if [ -n "$broken" ]; then
    fail 12 "packages of this node are not wholly installed, with which apt does nothing:$broken" "dpkg --configure -a && apt-get -f install; then see that dpkg --audit says nothing"
  fi
}
# Packages of others that dpkg would configure first, and fail with.
not_whole() {
  local package
  # shellcheck disable=SC2016 # dpkg-query expands these, not the shell
  dpkg-query -W -f '${db:Status-Abbrev}\t${Package}\t${Version}\n' | awk -F '\t' '$1 ~ /^.[FHU]|^..R/ { print $2 }' |
    while read -r package; do
      if [ -z "$(apt-cache "${own[@]}" madison "$package")" ]; then printf ' %s' "$package"; fi
    done
}

# What was fetched under other pins was not checked against these.
fetched_from="$REPO $KEY_FINGERPRINTS"
if [ "$(cat "$stage/staged" 2>/dev/null || true)" != "$fetched_from" ]; then
  rm -rf "$stage/archives" "$stage/lists" "$stage/program" "$stage/staged" "$stage/gnupg"
  mkdir -p "$stage/archives/partial" "$stage/lists/partial" "$stage/program"
  mkdir -m 700 "$stage/gnupg"

  say "fetching the key of $REPO/v$MINOR"
  # As apt fetches: with the proxy and the credentials that this node has for it.
  if ! "$ROOT/usr/lib/apt/apt-helper" "${APT_OPTIONS[@]}" download-file "$REPO/v$MINOR/deb/Release.key" "$stage/Release.key" >&2; then
    fail 15 "fetching $REPO/v$MINOR/deb/Release.key did not succeed" "see that this node reaches the repository and the host that it redirects to"
  fi
  # One reader: what is checked here is what gpg writes below, and nothing else of that file is used.
  own_gpg=(gpg --batch --no-options --no-autostart --no-auto-check-trustdb --homedir "$stage/gnupg")
  "${own_gpg[@]}" --import "$stage/Release.key" >/dev/null 2>&1 || true
  if ! "${own_gpg[@]}" --list-keys --with-colons >"$stage/key" 2>/dev/null || ! grep -q '^pub:' "$stage/key"; then
    fail 15 "$REPO/v$MINOR/deb/Release.key is not an OpenPGP key" "look at what that address answers; a proxy or a login page may stand in its place"
  fi
  accepted=()
  refused=()
  spent=""
  # Field 10 of the first fpr line after a pub line; of the pub line, field 2 says r for revoked, field 7 is the expiry.
  while IFS=' ' read -r fingerprint validity expiry; do
    if [ -n "$KEY_FINGERPRINTS" ] && [[ " $KEY_FINGERPRINTS " != *" $fingerprint "* ]]; then
      refused+=("$fingerprint")
    elif [ "$validity" = r ]; then
      spent="$fingerprint was revoked"
    elif [ "$expiry" != never ] && [ "$expiry" -le "$(date +%s)" ]; then
      spent="$fingerprint expired on $(date -u -d "@$expiry" +%F)"
    else
      say "the repository key is $fingerprint"
      accepted+=("$fingerprint")
      if [ "$expiry" != never ] && [ $(((expiry - $(date +%s)) / 86400)) -lt "$KEY_WARN_DAYS" ]; then
        say "warning: the repository key $fingerprint expires on $(date -u -d "@$expiry" +%F), in $(((expiry - $(date +%s)) / 86400)) days"
      fi
    fi
  done < <(awk -F: '$1 == "pub" { validity = $2 == "" ? "-" : $2; expiry = $7 == "" ? "never" : $7; primary = 1 } $1 == "fpr" && primary { print $10, validity, expiry; primary = 0 }' "$stage/key")
  if [ "${#accepted[@]}" -eq 0 ] && [ -n "$spent" ]; then
    fail 15 "the repository key $spent" "wait until the repository publishes an extended key, or a new one; Nightlift fetches it by itself"
  elif [ "${#accepted[@]}" -eq 0 ]; then
    fail 15 "the repository key has the fingerprint ${refused[*]}, expected is $KEY_FINGERPRINTS" "compare it with the one that the Kubernetes project publishes; when it is right, add it to packages.keyFingerprints in Nightlift's settings"
  elif [ "${#refused[@]}" -gt 0 ]; then
    say "warning: $REPO/v$MINOR/deb/Release.key has other keys too, which are left out: ${refused[*]}"
  fi
  "${own_gpg[@]}" --yes -o "$stage/keyring.gpg" --export "${accepted[@]}"
  "${own_gpg[@]}" --yes -o "$stage/keyring.asc" --armor --export "${accepted[@]}"
  chmod 644 "$stage/keyring.gpg" "$stage/keyring.asc"
  rm -rf "$stage/gnupg" "$stage/key" "$stage/Release.key"

  printf 'deb [signed-by=%s] %s/v%s/deb/ /\n' "$stage/keyring.gpg" "$REPO" "$MINOR" >"$stage/kubernetes.list"
  apt_get 17 "${own[@]}" update
  : >"$stage/versions.new"
  for package in kubeadm kubelet kubectl; do
    # The Debian revision is not always -1.1: take the highest that is listed.
    version="$(apt-cache "${own[@]}" madison "$package" | awk -v prefix="$TARGET-" 'index($3, prefix) == 1 && !found { print $3; found = 1 }')"
    if [ -z "$version" ]; then
      fail 12 "$REPO/v$MINOR has no $package $TARGET" "see what it has: apt-cache madison $package; packages appear some hours after a release, and not all at once"
    fi
    printf '%s %s\n' "$package" "$version" >>"$stage/versions.new"
  done
  look_ahead "$stage/versions.new"
  mapfile -t install < <(install_of "$stage/versions.new")
  say "downloading $(words_of "${install[@]:1}")"
  # Nothing is installed here, so that the holds stay. What would have to be removed for it is found out now.
  apt_get 12 "${own[@]}" --download-only "${install[@]}"
  mv "$stage/versions.new" "$stage/versions"

  kubeadm_version="$(awk '$1 == "kubeadm" { print $2 }' "$stage/versions")"
  if [ "$(package_version kubeadm)" = "$kubeadm_version" ]; then
    ln -sf "$(command -v kubeadm)" "$stage/program/kubeadm"
  else
    # Plan, diff and images come from the target's own kubeadm before anything is installed.
    mkdir -p "$stage/program/deb"
    dpkg-deb -x "$stage"/archives/kubeadm_*.deb "$stage/program/deb"
    mv "$stage/program/deb/usr/bin/kubeadm" "$stage/program/kubeadm"
    rm -rf "$stage/program/deb"
  fi
  printf '%s' "$fetched_from" >"$stage/staged"
else
  # What is on this node may have changed since.
  look_ahead "$stage/versions"
fi
would_succeed "$stage/versions"

found="$("$stage/program/kubeadm" version -o short 2>&1 || true)"
if [ "$found" != "v$TARGET" ]; then
  rm -f "$stage/staged"
  fail 23 "the kubeadm of the package for $TARGET answers \"$found\"" "see whether /var is mounted noexec, or whether the repository is sound"
fi
if [ "$ROLE" != worker ]; then
  images_config >"$stage/images.yaml"
  if ! "$stage/program/kubeadm" config images list --config "$stage/images.yaml" >"$stage/images.new"; then
    fail 24 "kubeadm does not say which images $TARGET needs" "read the lines above, and $stage/images.yaml on this node"
  fi
  mv "$stage/images.new" "$stage/images"
  # Also when it was staged before: the kubelet may have collected the images since.
  if ! "$stage/program/kubeadm" config images pull --config "$stage/images.yaml" </dev/null; then
    fail 24 "pulling the images of $TARGET did not succeed" "read the lines above; see that this node reaches the registry and that it has these images: $(tr '\n' ' ' <"$stage/images")"
  fi
fi
say "staged $TARGET: $(tr '\n' ' ' <"$stage/versions")"
