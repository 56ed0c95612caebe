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
  local end=$((SECONDS + $(printf '%.0f' {{lockTimeoutSeconds}})))
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
