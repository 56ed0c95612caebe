# For the scripts that bring containerd to VERSION (upstream '1.7.24' or a full package version): stands between apt.sh and
# the script. Fetches what is wanted, and changes nothing that is in use: until its end nothing was changed on the node.
VERSION={{version}}
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
