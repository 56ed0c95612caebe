# For scripts that look at the Kubernetes apt source: stands between apt.sh and the script.
# What stands before /v1.36/deb/ in the sources line, and the minor that is wanted.
REPO={{repoBase}}
MINOR={{minor}}

# Files with an apt source under REPO, whatever its minor, one per line.
kubernetes_sources() {
  local file
  for file in "$ROOT"/etc/apt/sources.list "$ROOT"/etc/apt/sources.list.d/*.list "$ROOT"/etc/apt/sources.list.d/*.sources; do
    if [ -f "$file" ] && awk -v repo="$REPO/v" '!/^[[:space:]]*#/ && index($0, repo) { found = 1 } END { exit !found }' "$file"; then
      printf '%s\n' "$file"
    fi
  done
}

# Copies a source file to stdout, with the minor of every address under REPO set to MINOR.
with_minor() {
  local line
  while IFS= read -r line || [ -n "$line" ]; do
    if [[ "$line" == *"$REPO/v"* ]]; then
      local rest="${line#*"$REPO/v"}"
      line="${line%%"$REPO/v"*}$REPO/v$MINOR/${rest#*/}"
    fi
    printf '%s\n' "$line"
  done <"$1"
}
