#!/bin/bash -p
# The one program that Nightlift's key may run on this node, as root (docs/security.md, "A key that can only upgrade").
# It reads a request on standard input: which script of which release, and its parameters. The scripts, and the values
# that a parameter may have, lie in /opt/nightlift/RELEASE; they belong to root, and nothing that is sent is run.
#   nightlift-node 1 RELEASE run|start SCRIPT SECONDS
#   NAME VALUE-IN-BASE64        one line for each parameter; with "start" those of the unit begin with "unit."
#   end
# Exit codes: 70 refused · 71 this release is not installed here · else that of the script
set -euo pipefail
umask 022
export LC_ALL=C
# Empty on a real node: sudo lets no variable of the caller through.
ROOT="${NIGHTLIFT_ROOT:-}"
LIBRARY="$ROOT/opt/nightlift"

fail() {
  printf 'nightlift: failed: %s\nnightlift: what to do: %s\n' "$2" "$3" >&2
  exit "$1"
}
refuse() { fail 70 "nightlift-node refuses the request: $1" "${2:-when the settings of Nightlift were changed, install its node program anew: nightlift node install}"; }

request=()
while IFS= read -r -t 30 -n 65536 line; do
  request+=("$line")
  if [ "$line" = end ] || [ "${#request[@]}" -gt 64 ]; then break; fi
done
if [ "${#request[@]}" -lt 2 ] || [ "${request[-1]}" != end ]; then refuse "it is not whole" "try again: the connection ended in the middle of it"; fi
if ! [[ "${request[0]}" =~ ^nightlift-node\ 1\ ([0-9a-f]{16})\ (run|start)\ ([a-z-]{1,40})\ ([1-9][0-9]{0,4})$ ]]; then
  refuse "it does not begin as one of this version" "use the version of Nightlift whose node program is installed here, or install the other one: nightlift node install"
fi
release="${BASH_REMATCH[1]}" verb="${BASH_REMATCH[2]}" script="${BASH_REMATCH[3]}" limit="${BASH_REMATCH[4]}"
place="$LIBRARY/$release"
if [ ! -f "$place/parameters" ]; then
  installed="$(for one in "$LIBRARY"/*/parameters; do if [ -f "$one" ]; then printf '%s ' "$(basename "$(dirname "$one")")"; fi; done)"
  fail 71 "the scripts of release $release are not installed on this node; installed: ${installed:-none}" "review and run on this node, as root, what this prints: nightlift node install"
fi
if ! grep -qxF "$verb $script" "$place/scripts"; then refuse "it may not $verb the script $script" "nothing: this is not done with a key that can only upgrade"; fi

# take SCRIPT PREFIX: the parameters of a script, out of the lines that begin with PREFIX, into the array `given`.
declare -A given
take() {
  local of name pattern line value found
  given=()
  while IFS=' ' read -r of name pattern; do
    if [ "$of" != "$1" ]; then continue; fi
    found=""
    for line in "${request[@]:1}"; do
      if [ "${line%% *}" = "$2$name" ]; then
        if [ -n "$found" ]; then refuse "it gives $2$name twice"; fi
        found=1
        value="$(printf '%s' "${line#* }" | base64 -d 2>/dev/null && printf x)" || refuse "the value of $2$name is not in base64"
        value="${value%x}"
        if ! [[ "$value" =~ ^[[:print:]]*$ && "$value" =~ $pattern ]]; then
          refuse "the parameter $2$name of $1 has a value that is not allowed here: $(printf '%q' "${value:0:200}")"
        fi
        given["$name"]="$value"
      fi
    done
    if [ -z "$found" ]; then refuse "it does not give $2$name, which $1 needs"; fi
  done <"$place/parameters"
}
count_of() { awk -v of="$1" '$1 == of { n++ } END { print n + 0 }' "$place/parameters"; }

expected="$(count_of "$script")"
if [ "$verb" = start ]; then expected=$((expected + $(count_of detached-arrive))); fi
if [ $((${#request[@]} - 2)) -ne "$expected" ]; then refuse "it has $((${#request[@]} - 2)) parameters, $script has $expected"; fi

take "$script" ""
if [ "$verb" = start ]; then
  # What the unit runs: the values that were looked at, and a script of root's.
  unit="$(printf '#!/bin/bash\n%s\n. %q\n' "$(declare -p given)" "$place/$script.sh")"
  take detached-arrive unit.
  given[scriptBase64]="$(printf '%s\n' "$unit" | base64 -w 0)"
  script=detached-arrive
fi
values="$(declare -p given)"
# Behind a greeting of the login shell, which sshd runs this by.
printf '\nnightlift-begin\n'
printf '\nnightlift-begin\n' >&2
# shellcheck disable=SC2016 # the inner shell expands them
exec timeout --kill-after=10 "$limit" /bin/bash -p -c 'eval "$1"; . "$2"' nightlift "$values" "$place/$script.sh" </dev/null
