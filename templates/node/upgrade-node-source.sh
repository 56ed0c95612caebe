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
