# Brings containerd to VERSION (upstream '1.7.24' or a full package version). Runs after the drain, detached (D22).
VERSION={{version}}
package=""
for candidate in containerd containerd.io; do
  if [ -n "$(package_version "$candidate")" ]; then package="$candidate"; fi
done
if [ -z "$package" ]; then fail 40 "neither containerd nor containerd.io is installed as a package" "raise containerd on this node by the way that it was installed"; fi
held="$(apt-mark showhold "$package")"
# shellcheck disable=SC2317 # run by the trap
put_hold_back() {
  code=$?
  if [ -n "$held" ]; then apt-mark hold "$package" >/dev/null || true; fi
  exit "$code"
}
trap put_hold_back EXIT
trap 'exit 143' TERM

matches() { [[ "$1" == "$VERSION" || "$1" == "$VERSION"[-~+]* ]]; }
if ! matches "$(package_version "$package")"; then
  # Another source of the node may be out of order: whether the wanted version is listed decides.
  if ! apt-get "${APT_OPTIONS[@]}" update </dev/null; then say "warning: not all package lists could be refreshed"; fi
  wanted=""
  while read -r _ _ version _; do
    if [ -z "$wanted" ] && matches "$version"; then wanted="$version"; fi
  done < <(apt-cache madison "$package")
  if [ -z "$wanted" ]; then fail 40 "no source of this node has $package $VERSION" "see what they have: apt-cache madison $package"; fi
  say "installing $package $wanted"
  apt_get 40 install -y --no-remove --allow-change-held-packages --no-install-recommends "$package=$wanted"
  systemctl daemon-reload
  systemctl restart containerd
fi
for _ in $(seq 30); do
  if systemctl is-active --quiet containerd && crictl info >/dev/null 2>&1; then
    say "containerd is at $(package_version "$package")"
    exit 0
  fi
  sleep 1
done
fail 41 "containerd did not answer within 30 s of its restart" "read journalctl -u containerd on this node"
