# For scripts that look at the Kubernetes apt source: stands between apt.sh and the script.
# What stands before /v1.36/deb/ in the sources line, and the minor that is wanted.
REPO={{repoBase}}
MINOR={{minor}}

# entries FILE [COPY]: its entries, or those of a copy of it, that are switched on, one per line: lines of a .list, stanzas of a .sources with their lines
# put together by tabs.
entries() {
  case "$1" in
    *.sources)
      awk '
        function flush() { if (entry != "" && tolower(entry) !~ /\tenabled:[ \t]*(no|false|off|0|without|disable)[ \t]*\t/) print entry; entry = "" }
        /^[[:space:]]*$/ { flush(); next }
        !/^#/ { entry = entry "\t" $0 "\t" }
        END { flush() }' "${2:-$1}"
      ;;
    *) grep -v '^[[:space:]]*#' "${2:-$1}" || true ;;
  esac
}

# Files with an apt source under REPO, whatever its minor, one per line.
kubernetes_sources() {
  local file
  while IFS= read -r file; do
    if entries "$file" | grep -qF -- "$REPO/v"; then printf '%s\n' "$file"; fi
  done < <(source_files)
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
