# The account that logs in, and the one thing that it may do. Runs as root, once for each change; changes nothing else.
# Stands behind the files of the release in the script of `nightlift node install`, and in the package's postinst.
ACCOUNT='nightlift'
# One line of an authorized_keys file; empty leaves the keys of the account alone.
PUBLIC_KEY='ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEnightliftnightliftnightliftnightliftnigh nightlift'
PROGRAM=/opt/nightlift/nightlift-node

say() { printf 'nightlift: %s\n' "$*"; }
if ! id -u "$ACCOUNT" >/dev/null 2>&1; then
  useradd --create-home --shell /bin/sh "$ACCOUNT"
  say "made the account $ACCOUNT"
fi
command="$PROGRAM"
if [ "$(id -u "$ACCOUNT")" -ne 0 ]; then
  command="sudo -n -- $PROGRAM"
  rule="$(mktemp)"
  # Without arguments, and with an environment of its own: what is asked comes on standard input.
  printf 'Defaults!%s env_reset, !requiretty\n%s ALL=(root) NOPASSWD: %s ""\n' "$PROGRAM" "$ACCOUNT" "$PROGRAM" >"$rule"
  visudo -q -c -f "$rule"
  install -m 440 -o root -g root "$rule" /etc/sudoers.d/.nightlift-node.new
  mv /etc/sudoers.d/.nightlift-node.new /etc/sudoers.d/nightlift-node
  rm -f "$rule"
fi
if [ -n "$PUBLIC_KEY" ]; then
  home="$(getent passwd "$ACCOUNT" | cut -d : -f 6)"
  keys="$home/.ssh/authorized_keys"
  install -d -m 700 -o "$ACCOUNT" -g "$(id -g "$ACCOUNT")" "$home/.ssh"
  blob="$(awk '{ for (i = 1; i < NF; i++) if ($i ~ /^(ssh-|ecdsa-|sk-)/) { print $(i + 1); exit } }' <<<"$PUBLIC_KEY")"
  if [ -z "$blob" ]; then
    printf 'nightlift: failed: this is no public key: %s\n' "$PUBLIC_KEY" >&2
    exit 1
  fi
  # The same key without the restriction would be a shell again.
  { if [ -f "$keys" ]; then grep -vF -- "$blob" "$keys" || true; fi
    printf 'restrict,command="%s" %s\n' "$command" "$PUBLIC_KEY"; } >"$keys.nightlift"
  chmod 600 "$keys.nightlift"
  chown "$ACCOUNT:$(id -g "$ACCOUNT")" "$keys.nightlift"
  mv "$keys.nightlift" "$keys"
  say "the key may run $PROGRAM and nothing else"
else
  say "no key was given: each line of the account's authorized_keys has to begin with  restrict,command=\"$command\""
fi
if [ "$(id -u "$ACCOUNT")" -ne 0 ] && command -v sudo >/dev/null; then
  more="$(sudo -n -l -U "$ACCOUNT" 2>/dev/null | grep -E '^ *\(' | grep -vF "NOPASSWD: $PROGRAM" || true)"
  if [ -n "$more" ]; then
    printf 'nightlift: warning: %s may run more than that as root; take it out of /etc/sudoers and /etc/sudoers.d:\n%s\n' "$ACCOUNT" "$more" >&2
  fi
fi
