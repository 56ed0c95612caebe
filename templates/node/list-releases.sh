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
