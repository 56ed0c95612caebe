# tell KEY FIELD…: one line, whatever is in the fields, without passwords in addresses; each is cut off after 600 characters.
shopt -s extglob
tell() {
  local line="$1" field
  shift
  for field in "$@"; do
    field="${field//[$'\t\n\r']/ }"
    if [[ "$field" == *://*@* ]]; then field="${field//:\/\/+([!\/@[:space:]\"])@/:\/\/***@}"; fi
    line+=$'\t'"${field:0:600}"
  done
  printf '%s\n' "$line"
}
