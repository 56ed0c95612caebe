# tell KEY FIELD…: one line, whatever is in the fields; each is cut off after 600 characters.
tell() {
  local line="$1" field
  shift
  for field in "$@"; do
    field="${field//[$'\t\n\r']/ }"
    line+=$'\t'"${field:0:600}"
  done
  printf '%s\n' "$line"
}
