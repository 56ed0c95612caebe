# Fetches everything that the upgrade to TARGET needs, and changes nothing that is in use: key, lists, packages, kubeadm
# itself and the images. Runs before the drain, so that a registry or repository that is away costs nobody anything.
TARGET={{target}}
ROLE={{role}}
# Accepted fingerprints of the repository key, space separated; empty accepts any (and says which one it was).
KEY_FINGERPRINTS={{keyFingerprints}}
KEY_WARN_DAYS={{keyWarnDays}}
NEEDED_BYTES={{neededBytes}}
# Where the images come from, by the cluster's ClusterConfiguration; empty leaves it to kubeadm.
IMAGE_REPOSITORY={{imageRepository}}
DNS_REPOSITORY={{dnsRepository}}
DNS_TAG={{dnsTag}}
ETCD_REPOSITORY={{etcdRepository}}
ETCD_TAG={{etcdTag}}
# dns, proxy, etcd: what this cluster does not have from kubeadm, space separated.
WITHOUT_IMAGES={{withoutImages}}

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
  end=$((SECONDS + $(printf '%.0f' {{lockTimeoutSeconds}})))
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
