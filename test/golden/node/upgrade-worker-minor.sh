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
MINOR='1.37'

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

# Upgrades this node to TARGET, from the packages and the key that stage.sh has fetched. Every step looks at the state
# first: it may be killed at any line and run again.
# Exit codes: 10 apt source · 11 package lock · 12 package kubeadm · 13 holds · 16 not staged · 20 kubeadm · 21 manifest lost ·
# 22 kubeadm done, state differs · 23 wrong kubeadm · 28 disk full · 30 package kubelet · 31 kubelet not active · 32 kubelet flags
TARGET='1.37.1'
# first-control-plane, control-plane or worker
ROLE='worker'
IGNORE='CoreDNSMigration,CoreDNSUnsupportedPlugins'
SKIP_PHASES='addon/coredns'
# Empty, or where patches of kubeadm may lie on a node: it does not remember them.
PATCHES=''
# false only when etcd's image is proven to stay the same (I06)
ETCD_UPGRADE='true'

stage="$ROOT/var/lib/nightlift/stage/$TARGET"
manifests="$ROOT/etc/kubernetes/manifests"
components=(kube-apiserver kube-controller-manager kube-scheduler)
if [ ! -s "$stage/versions" ]; then fail 16 "the packages of $TARGET are not staged on this node" "run stage.sh first"; fi
version_of() { awk -v package="$1" '$1 == package { print $2 }' "$stage/versions"; }
kubeadm_wanted="$(version_of kubeadm)"
kubelet_wanted="$(version_of kubelet)"
kubectl_wanted="$(version_of kubectl)"
mkdir -p "$ROOT/tmp"

# What was there before, kept until the upgrade is done: a copy of each file that is replaced, or a mark that there was none.
remember() {
  local copy="$stage/before/${1//\//%}"
  mkdir -p "$stage/before"
  if [ -e "$copy" ] || [ -e "$copy.absent" ]; then return 0; fi
  if [ -e "$1" ]; then cp -p "$1" "$copy"; else : >"$copy.absent"; fi
}
put_source_back() {
  local copy file
  for copy in "$stage"/before/*; do
    file="$(basename "$copy")"
    file="${file//%//}"
    case "$copy" in *.absent) rm -f "${file%.absent}" ;; *) if [ -e "$copy" ]; then cp -p "$copy" "$file"; fi ;; esac
  done
  rm -rf "$stage/before"
}
hold_packages() {
  local installed=() package
  for package in kubeadm kubelet kubectl; do
    if [ -n "$(package_version "$package")" ]; then installed+=("$package"); fi
  done
  # As long as for any other lock: somebody else may be installing something.
  local end=$((SECONDS + $(printf '%.0f' '300')))
  until apt-mark hold "${installed[@]}" >/dev/null; do
    if [ "$SECONDS" -ge "$end" ]; then return 1; fi
    sleep 2
  done
}
kubeadm_before="$(package_version kubeadm)"
at_end() {
  local code=$?
  trap - EXIT
  set +e
  if ! hold_packages; then
    printf 'nightlift: failed: the packages kubeadm, kubelet and kubectl are not on hold\nnightlift: what to do: apt-mark hold kubeadm kubelet kubectl\n' >&2
    if [ "$code" -eq 0 ]; then code=13; fi
  fi
  if [ "$code" -ne 0 ] && [ "$(package_version kubeadm)" = "$kubeadm_before" ] && [ "$kubeadm_before" != "$kubeadm_wanted" ]; then
    # No package has moved: the node must not be left pointing at a minor that it does not run (D13).
    put_source_back
  fi
  exit "$code"
}
trap at_end EXIT
trap 'exit 143' TERM

install_packages() {
  local code="$1"
  shift
  apt_get "$code" -o "Dir::Etc::sourcelist=$stage/kubernetes.list" -o Dir::Etc::sourceparts=- \
    -o "Dir::State::lists=$stage/lists" -o "Dir::Cache::archives=$stage/archives" \
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
    install -y --no-remove --allow-change-held-packages --no-install-recommends "$@"
}

# --- apt source and key of the target's minor
mapfile -t sources < <(kubernetes_sources)
if [ "${#sources[@]}" -eq 0 ]; then
  elsewhere="$(grep -hsE '^[^#]*/v[0-9]+\.[0-9]+/deb' "$ROOT"/etc/apt/sources.list "$ROOT"/etc/apt/sources.list.d/* || true)"
  if [ -n "$elsewhere" ]; then
    # Its line may have a password in its address.
    fail 10 "the Kubernetes source of this node is not under $REPO: $(sed -E 's#://[^/@[:space:]]+@#://***@#g' <<<"$elsewhere")" "set the address that this node uses in Nightlift's settings, or mend the source"
  fi
  sources=("$ROOT/etc/apt/sources.list.d/kubernetes.list")
fi
OWN_KEYRING="$ROOT/etc/apt/keyrings/nightlift-kubernetes.gpg"
OWN_KEYRING="${OWN_KEYRING#"$ROOT"}"

# keyring_of FILE COPY: path of the keyring of our own entry in a copy of a source file: [signed-by=/path] or Signed-By: /path
keyring_of() {
  entries "$1" "$2" | grep -F -- "$REPO/v" | grep -oiE 'signed-by(=|:[[:space:]]*)/[^],[:space:]]*' | sed 's#^[^/]*##' | head -n 1 || true
}

# Whether a keyring is not ours alone: another source is signed by it, a package brings it, every source uses it, or it
# has the key of another maker.
is_shared() {
  local file own
  while IFS= read -r file; do
    if entries "$file" | grep -vF -- "$REPO/v" | grep -qF -- "$1"; then return 0; fi
  done < <(source_files)
  case "$ROOT$1" in "$ROOT"/etc/apt/trusted.gpg.d/*) return 0 ;; esac
  if grep -qsxF -- "$1" "$ROOT"/var/lib/dpkg/info/*.list; then return 0; fi
  # Of a key that the repository has, or has had, the maker is known by its fingerprint or its name.
  own="$(keys_of "$stage/keyring.gpg" | awk -F: '$1 == "fpr" { print $10 }' | tr '\n' ' ')"
  keys_of "$ROOT$1" | awk -F: -v own="$own" '
    $1 == "pub" { keys++; known = 0 }
    ($1 == "fpr" && index(own, $10)) || ($1 == "uid" && tolower($10) ~ /kubernetes/) { if (!known) ours++; known = 1 }
    END { exit keys + 0 == ours + 0 }'
}
# gpg wants a home, and root's own is none of our business.
keys_of() {
  local home
  home="$(mktemp -d)"
  gpg --batch --no-options --homedir "$home" --show-keys --with-colons "$1" 2>/dev/null || true
  rm -rf "$home"
}

# point_at KEYRING: reads a source file, and writes it with our own entries signed by KEYRING.
point_at() {
  awk -v repo="$REPO/v" -v keyring="$1" '
    function flush(  i) {
      for (i = 1; i <= n; i++) {
        if (ours && tolower(line[i]) ~ /^signed-by:/) line[i] = "Signed-By: " keyring
        print line[i]
      }
      n = 0
      ours = 0
    }
    /^[[:space:]]*$/ { flush(); print; next }
    { line[++n] = $0 }
    !/^[[:space:]]*#/ && index($0, repo) {
      ours = 1
      sub(/[Ss]igned-[Bb]y=[^] \t]*/, "signed-by=" keyring, line[n])
    }
    END { flush() }'
}

for file in "${sources[@]}"; do
  new="$ROOT/etc/apt/.nightlift-source"
  if [ -e "$file" ]; then
    with_minor "$file" >"$new"
  else
    mkdir -p "$(dirname "$file")"
    printf 'deb [signed-by=/etc/apt/keyrings/kubernetes-apt-keyring.gpg] %s/v%s/deb/ /\n' "$REPO" "$MINOR" >"$new"
  fi
  keyring="$(keyring_of "$file" "$new")"
  if [ -n "$keyring" ] && [ "$keyring" != "$OWN_KEYRING" ] && [ -e "$ROOT$keyring" ] && is_shared "$keyring"; then
    say "$keyring is not for Kubernetes alone and stays as it is: the key of v$MINOR goes to $OWN_KEYRING"
    point_at "$OWN_KEYRING" <"$new" >"$new.own"
    mv "$new.own" "$new"
    keyring="$OWN_KEYRING"
  fi
  case "$keyring" in
    /*.asc) key="$stage/keyring.asc" ;;
    /*) key="$stage/keyring.gpg" ;;
    *) key="" ;;
  esac
  if [ -n "$key" ] && ! cmp -s "$key" "$ROOT$keyring"; then
    say "writing the key of v$MINOR to $keyring"
    remember "$ROOT$keyring"
    mkdir -p "$(dirname "$ROOT$keyring")"
    cp "$key" "$ROOT$keyring.nightlift"
    mv "$ROOT$keyring.nightlift" "$ROOT$keyring"
  fi
  if cmp -s "$new" "$file"; then
    rm -f "$new"
  else
    say "pointing ${file#"$ROOT"} at v$MINOR"
    remember "$file"
    mv "$new" "$file"
  fi
done

# --- package kubeadm
if [ -n "$(dpkg --audit)" ]; then
  say "finishing what an interrupted dpkg left behind"
  for attempt in 1 2 3 4 5 6 7 8 9 10 11 12; do
    if dpkg --configure -a --force-confdef --force-confold </dev/null; then break; fi
    if [ "$attempt" = 12 ]; then fail 12 "dpkg --configure -a did not succeed" "read the lines of dpkg above and mend the package that they name"; fi
    sleep 5
  done
fi
if [ "$(package_version kubeadm)" != "$kubeadm_wanted" ]; then
  # A mark of an earlier time, before somebody went back to an older version, must not count.
  rm -f "$stage/kubeadm-done"
  say "installing kubeadm $kubeadm_wanted"
  apt-mark unhold kubeadm >/dev/null || true
  install_packages 12 "kubeadm=$kubeadm_wanted"
fi
# The package of kubeadm owns a drop-in of the kubelet's unit.
systemctl daemon-reload
found="$(kubeadm version -o short 2>&1 || true)"
if [ "$found" != "v$TARGET" ]; then
  fail 23 "package kubeadm $kubeadm_wanted is installed, but kubeadm answers \"$found\"" "another kubeadm stands before it in the PATH: $(command -v kubeadm || true)"
fi

# --- kubeadm
is_on_target() { grep -qsE "image: .*/$1:v$TARGET([@\"]|\$)" "$manifests/$1.yaml"; }
manifests_are_on_target() {
  local component
  for component in "${components[@]}"; do
    if ! is_on_target "$component"; then return 1; fi
  done
}
# For the comparison afterwards (manifest-copies.sh). What a run that was killed has written is no manifest of before: its copy
# stays. Of etcd, whose image may be the same before and after, the first copy stays.
keep_manifests() {
  local component copy
  mkdir -p "$stage/manifests-before"
  for component in "${components[@]}" etcd; do
    copy="$stage/manifests-before/$component.yaml"
    if [ ! -f "$manifests/$component.yaml" ] || is_on_target "$component"; then continue; fi
    if [ "$component" = etcd ] && [ -f "$copy" ]; then continue; fi
    cp -p "$manifests/$component.yaml" "$copy.new"
    mv "$copy.new" "$copy"
  done
}
kubeadm_is_done() {
  if [ ! -f "$stage/kubeadm-done" ]; then return 1; fi
  if [ "$ROLE" = worker ]; then return 0; fi
  manifests_are_on_target
}
if ! kubeadm_is_done; then
  if [ "$ROLE" != worker ]; then
    # kubeadm moves a manifest away before it moves the new one in. Killed in between, the manifest is only in the copy,
    # and `kubeadm upgrade node` would take a node without kube-apiserver.yaml for a worker.
    for component in "${components[@]}" etcd; do
      if [ ! -f "$manifests/$component.yaml" ]; then
        copy=""
        for backup in "$ROOT"/etc/kubernetes/tmp/kubeadm-backup-manifests-*/"$component.yaml"; do
          # The names carry the time, so that the last one is the newest.
          if [ -f "$backup" ]; then copy="$backup"; fi
        done
        if [ "$component" = etcd ] && [[ ! "$(manifest_flag kube-apiserver etcd-servers)" =~ ^https?://(127\.0\.0\.1|\[::1\]|localhost): ]]; then
          # etcd stands elsewhere: an old copy must not come back to life.
          continue
        fi
        if [ -n "$copy" ]; then
          say "putting the manifest of $component back from ${copy#"$ROOT"}"
          cp -p "$copy" "$manifests/.$component.nightlift"
          mv "$manifests/.$component.nightlift" "$manifests/$component.yaml"
        elif [ "$component" != etcd ]; then
          fail 21 "/etc/kubernetes/manifests/$component.yaml is missing on a control plane, and no copy is in /etc/kubernetes/tmp" "put the manifest back (kubeadm init phase control-plane, or from another control plane), then start again"
        fi
      fi
    done
    keep_manifests
  fi
  flags=()
  if [ -n "$IGNORE" ]; then flags+=("--ignore-preflight-errors=$IGNORE"); fi
  if [ -n "$SKIP_PHASES" ]; then flags+=("--skip-phases=$SKIP_PHASES"); fi
  if [ -n "$PATCHES" ]; then
    if [ -d "$ROOT$PATCHES" ]; then flags+=("--patches=$PATCHES"); else say "there is no $PATCHES on this node: kubeadm gets no patches"; fi
  fi
  if [ "$ETCD_UPGRADE" = false ]; then flags+=(--etcd-upgrade=false); fi
  if [ "$ROLE" = first-control-plane ]; then command=(kubeadm upgrade apply "v$TARGET" -y "${flags[@]}"); else command=(kubeadm upgrade node "${flags[@]}"); fi
  say "running ${command[*]}"
  if ! "${command[@]}" </dev/null; then
    fail 20 "${command[*]} did not succeed; the kubelet was not touched" "read the lines of kubeadm above; starting again is safe"
  fi
  if [ "$ROLE" != worker ] && ! manifests_are_on_target; then
    fail 22 "kubeadm ended well, but not all manifests in /etc/kubernetes/manifests are on $TARGET" "compare their images; look at the version in the ConfigMap kube-system/kubeadm-config"
  fi
  : >"$stage/kubeadm-done"
else
  say "kubeadm has done its part before"
fi

# --- packages kubelet and kubectl
case "$MINOR" in
  1.3[0-4]) ;;
  *)
    if grep -qs -- --pod-infra-container-image "$ROOT/var/lib/kubelet/kubeadm-flags.env"; then
      fail 32 "/var/lib/kubelet/kubeadm-flags.env has --pod-infra-container-image, with which kubelet $TARGET does not start; the kubelet was not touched" "take the flag out of that file, then start again"
    fi
    ;;
esac
if [ "$(package_version kubelet)" != "$kubelet_wanted" ] || [ "$(package_version kubectl)" != "$kubectl_wanted" ]; then
  say "installing kubelet $kubelet_wanted and kubectl $kubectl_wanted"
  rm -f "$stage/kubelet-restarted"
  apt-mark unhold kubelet kubectl >/dev/null || true
  install_packages 30 "kubelet=$kubelet_wanted" "kubectl=$kubectl_wanted"
fi
if [ ! -f "$stage/kubelet-restarted" ] || ! systemctl is-active --quiet kubelet; then
  say "restarting the kubelet"
  systemctl daemon-reload
  if ! systemctl restart kubelet; then
    fail 31 "systemctl restart kubelet did not succeed" "read journalctl -u kubelet on this node"
  fi
  steady=0
  for _ in $(seq 60); do
    # Its own health endpoint is the proof; where it is switched off, ten seconds without a fall are.
    if systemctl is-active --quiet kubelet; then steady=$((steady + 1)); else steady=0; fi
    if [ "$steady" -gt 10 ]; then break; fi
    if [ "$steady" -gt 0 ] && curl -fs --max-time 2 http://127.0.0.1:10248/healthz >/dev/null 2>&1; then break; fi
    sleep 1
  done
  if [ "$steady" -eq 0 ]; then
    fail 31 "the kubelet $TARGET is not active a minute after its restart" "read journalctl -u kubelet on this node"
  fi
  : >"$stage/kubelet-restarted"
fi
# What was replaced can be looked at until another version is staged.
if [ -d "$stage/before" ]; then
  rm -rf "$stage/replaced"
  mv "$stage/before" "$stage/replaced"
fi
rm -rf "$stage/archives" "$stage/lists" "$stage/program" "$stage/staged"
say "this node is on $TARGET"
