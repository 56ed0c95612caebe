# Part of survey.sh: what apt and dpkg go by, and who is at work on them. Passwords in addresses are left out.
mapfile -t files < <(source_files)
if [ "${#files[@]}" -gt 0 ]; then
  # A key may stand in the file itself, over many lines.
  awk -v root="$ROOT" '
    function flush() { if (stanza != "") print "survey.apt-source\t" file "\t" stanza; stanza = "" }
    FNR == 1 { flush(); file = substr(FILENAME, length(root) + 1); stanzas = FILENAME ~ /\.sources$/ }
    /^[[:space:]]*#/ { next }
    { gsub(/\t/, " "); gsub(/:\/\/[^\/@ "]+@/, "://***@") }
    stanzas && /^[[:space:]]*$/ { flush(); next }
    stanzas && /^ / { if (field !~ /^[Ss]igned-[Bb]y/) stanza = stanza substr($0, 1, 200); else if (!inline) { stanza = stanza " inline"; inline = 1 } next }
    stanzas { field = $0; inline = 0; stanza = stanza (stanza == "" ? "" : " ; ") substr($0, 1, 300); next }
    NF > 0 { print "survey.apt-source\t" file "\t" substr($0, 1, 500) }
    END { flush() }' "${files[@]}"
fi
apt-config dump 2>/dev/null | awk '
  /^(Acquire::.*[Pp]roxy|APT::Default-Release|APT::Periodic::Unattended-Upgrade|Unattended-Upgrade::(Allowed-Origins|Origins-Pattern|Package-Blacklist))[^ ]* / {
    key = $1; value = $0; sub(/^[^ ]* "/, "", value); sub(/";$/, "", value); gsub(/:\/\/[^\/@ "]+@/, "://***@", value); if (value != "") print "survey.apt-config\t" key "\t" substr(value, 1, 300) }' || true
for file in "$ROOT"/etc/environment "$ROOT"/etc/systemd/system/{kubelet,containerd}.service.d/*.conf; do
  if [ -f "$file" ]; then
    { grep -oiE '(https?|no)_proxy=[^" ]*' "$file" || true; } | while IFS= read -r found; do tell survey.proxy "${file#"$ROOT"}" "$found"; done
  fi
done
for file in "$ROOT"/etc/apt/preferences "$ROOT"/etc/apt/preferences.d/*; do
  if [ -f "$file" ]; then
    awk -v RS= -v file="${file#"$ROOT"}" '/Package:[^\n]*(kube|containerd|cri-|\*)/ { gsub(/\n/, " ; "); gsub(/\t/, " "); print "survey.apt-pin\t" file ": " substr($0, 1, 300) }' "$file"
  fi
done
# Ours, the runtime's, what is on hold, and what is not whole: ii is installed, un, rc and pn are not there.
# shellcheck disable=SC2016 # dpkg-query expands these, not the shell
dpkg-query -W -f '${db:Status-Abbrev}\t${Package}\t${Version}\n' 2>/dev/null | awk -F '\t' '
  { status = $1; gsub(/ /, "", status); ours = $2 ~ /^(kube(adm|let|ctl|rnetes-cni)|cri-tools|cri-o|cri-dockerd|containerd(\.io)?|runc|docker-ce|docker\.io|unattended-upgrades)$/ }
  status ~ /^(un|rc|pn)$/ { next }
  (ours || status ~ /^h/ || status !~ /^.i$/) && n++ < 200 { print "survey.package\t" status "\t" $2 "\t" $3 }' || true

# The locks are the kernel's, of a process: which, and since when it runs.
locks=()
for file in "$ROOT"/var/{lib/dpkg/lock-frontend,lib/dpkg/lock,lib/apt/lists/lock,cache/apt/archives/lock}; do
  if [ -e "$file" ]; then locks+=("$file"); fi
done
if [ "${#locks[@]}" -gt 0 ] && [ -r "$ROOT/proc/locks" ]; then
  while read -r inode file; do
    while read -r holder; do
      first_line "$ROOT/proc/$holder/comm"
      program="$REPLY"
      began="$(stat -c %Y "$ROOT/proc/$holder" 2>/dev/null || true)"
      tell survey.apt-lock "${file#"$ROOT"}" "$holder" "$program" "$began"
    done < <(awk -v inode="$inode" '$2 == "POSIX" && $4 == "WRITE" { split($6, at, ":"); if (at[3] == inode && $5 > 0) print $5 }' "$ROOT/proc/locks")
  done < <(stat -c '%i %n' "${locks[@]}")
fi
