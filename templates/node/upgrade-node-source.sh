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
for file in "${sources[@]}"; do
  new="$ROOT/etc/apt/.nightlift-source"
  if [ -e "$file" ]; then
    with_minor "$file" >"$new"
  else
    mkdir -p "$(dirname "$file")"
    printf 'deb [signed-by=/etc/apt/keyrings/kubernetes-apt-keyring.gpg] %s/v%s/deb/ /\n' "$REPO" "$MINOR" >"$new"
  fi
  # Path of the keyring of this source: [signed-by=/path] or Signed-By: /path
  keyring="$(grep -F -- "$REPO/v" "$new" | sed -n 's/.*[Ss]igned-[Bb]y=\([^],[:space:]]*\).*/\1/p' | head -n 1)"
  if [ -z "$keyring" ]; then keyring="$(sed -n 's/^[Ss]igned-[Bb]y:[[:space:]]*\(\/[^,[:space:]]*\).*/\1/p' "$new" | head -n 1)"; fi
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
