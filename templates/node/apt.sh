# For scripts that use apt: stands between common.sh and the script.
APT_OPTIONS=(
  # unattended-upgrades takes the same locks at times of its own.
  -o "DPkg::Lock::Timeout="{{lockTimeoutSeconds}}
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
    11) fail 11 "${holder:-another program} held the package lock for longer than "{{lockTimeoutSeconds}}" s" "let it end (systemctl status apt-daily-upgrade, when it is unattended-upgrades), and start again" ;;
    28) fail 28 "the disk is full: $(($(free_bytes "$ROOT/var") / 1000000)) MB are free on the file system of /var" "make room on this node (df -h shows where), and start again" ;;
    *) fail "$code" "apt-get $(words_of "$@") did not succeed${cause:+: $cause}" "mend what apt names (the log has all of its lines), and start again" ;;
  esac
}
