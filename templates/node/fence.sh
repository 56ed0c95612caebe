# Refuses whoever another one has taken the lock of the chain over from, whatever it still believes. Stands in front of
# the script that starts the units and of those that change something and are no unit; these give the lock of the units,
# which is held from here on (file descriptor 9), back at once. The highest generation that has come here is kept: it goes
# up with every holder.
# Exit codes: 50 the lock of the units is held · 53 a newer holder has been here
GENERATION={{generation}}
HOLDER={{holder}}

fence="$ROOT/var/lib/nightlift/lock-generation"
units="$ROOT/var/lib/nightlift/units"
# Older versions have made it readable for everybody.
mkdir -p "$units"
chmod 700 "$units"
exec 9>"$units/.lock"
if ! flock -w 60 9; then fail 50 "another caller has held $units/.lock for a minute" "see which one: fuser $units/.lock"; fi

seen=0
seen_of=""
if [ -e "$fence" ]; then read -r seen seen_of <"$fence" || true; fi
# Fifteen digits are good for some thousand years, and bash can compare them.
if ! [[ "$seen" =~ ^[0-9]{1,15}$ ]]; then
  fail 53 "$fence cannot be read, so nobody knows whose turn it is: nothing was started" "when only one chain is at work (kubectl get leases), remove that file on this node"
fi
if [ "$GENERATION" -lt "$seen" ]; then
  fail 53 "the lock of the chain is not $HOLDER's any more: ${seen_of:-another holder} has been here after it; nothing was started" "nothing when that one is at work: the next try waits for the lock. When a clock was ahead of its time, and the Lease was deleted, remove $fence on this node"
fi
if [ "$GENERATION" -gt "$seen" ]; then
  printf '%s %s\n' "$GENERATION" "$HOLDER" >"$fence.new"
  sync "$fence.new"
  mv "$fence.new" "$fence"
fi
