#!/bin/bash
# Stands in front of every other file of this folder. Runs as root on a node, by `bash -s` over SSH or as a systemd unit.
set -euo pipefail
umask 022
# Empty on a real node; the rehearsal puts a directory of its own in front of every path.
ROOT="${NIGHTLIFT_ROOT:-}"
# Without a terminal nothing may ask, and needrestart must not restart the kubelet before kubeadm has written its settings.
export LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none UCF_FORCE_CONFFOLD=1
export TMPDIR="$ROOT/tmp"

say() { printf 'nightlift: %s\n' "$*"; }

# fail CODE WHAT REMEDY: the last two lines of a script that failed.
fail() {
  printf 'nightlift: failed: %s\nnightlift: what to do: %s\n' "$2" "$3" >&2
  exit "$1"
}

# Version of an installed package; empty when it is absent or only half installed.
package_version() {
  # shellcheck disable=SC2016 # dpkg-query expands these, not the shell
  dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$1" 2>/dev/null | awk '$1 == "installed" { print $2; exit }' || true
}

free_bytes() { df -P -B1 "$1" | awk 'NR == 2 { print $4 }'; }

# Refuses whoever another one has taken the lock of the chain over from, whatever it still believes. Stands in front of
# the script that starts the units and of those that change something and are no unit; these give the lock of the units,
# which is held from here on (file descriptor 9), back at once. The highest generation that has come here is kept: it goes
# up with every holder.
# Exit codes: 50 the lock of the units is held · 53 a newer holder has been here
GENERATION='1795302000000'
HOLDER='k8s-upgrade-worker-1-36-4-worker-1-x7k2p'

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

# Starts a command as a transient unit, or finds the one that is there. The last line tells which:
# "nightlift-unit<TAB>started|attached|finished|busy<TAB>detail". Under a lock: of two callers one starts, the other attaches.
# After fence.sh, which holds that lock.
UNIT='nightlift-master-1-36-4'
IDENTITY='aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
SCRIPT_BASE64='dHJ1ZQo='
TIME_LIMIT='5400'

state="$ROOT/var/lib/nightlift"
directory="$state/units/$UNIT"
# What a command says, and what it was given, is for root.
umask 077
mkdir -p "$state/log" "$ROOT/tmp"
chmod 700 "$state/log"

answer() { printf 'nightlift-unit\t%s\t%s\n' "$1" "$2"; }
keep_log() { if [ -f "$directory/log" ]; then mv "$directory/log" "$state/log/$UNIT.log"; fi; }

found=""
if [ -f "$directory/identity" ]; then found="$(cat "$directory/identity")"; fi
case "$(systemctl show -p ActiveState --value "$UNIT.service")" in
  active | activating | deactivating | reloading)
    if [ "$found" = "$IDENTITY" ]; then answer attached running; else answer busy "${found:-unknown}"; fi
    exit 0
    ;;
esac
detail=""
if [ -f "$directory/rc" ]; then
  rc="$(cat "$directory/rc")"
  if [ "$found" = "$IDENTITY" ] && [ "$rc" = "success exited 0" ]; then
    answer finished "$rc"
    exit 0
  fi
  detail="after an earlier run that ended with: $rc"
elif [ -n "$found" ]; then
  # The node was restarted, or systemd ended without its ExecStopPost.
  detail="after an earlier run that vanished without an exit code"
fi

keep_log
rm -rf "$directory" "$state/log/$UNIT.rc"
mkdir -p "$directory"
printf '%s' "$SCRIPT_BASE64" | base64 -d >"$directory/script"
# systemd runs this however the command ends, also when it is killed or over its time.
cat >"$directory/at-end" <<'END'
printf '%s %s %s\n' "$SERVICE_RESULT" "$EXIT_CODE" "$EXIT_STATUS" >"$1/rc.new" && mv "$1/rc.new" "$1/rc"
END
date -u +%Y-%m-%dT%H:%M:%SZ >"$directory/started"
: >"$directory/log"
printf '%s' "$IDENTITY" >"$directory/identity"
systemctl reset-failed "$UNIT.service" 2>/dev/null || true
if ! systemd-run --quiet "--unit=$UNIT" --service-type=exec \
  --setenv=HOME=/root "--setenv=PATH=$PATH" "--setenv=NIGHTLIFT_ROOT=$ROOT" \
  -p "StandardOutput=append:$directory/log" -p "StandardError=append:$directory/log" \
  -p "ExecStopPost=/bin/bash $directory/at-end $directory" \
  -p "RuntimeMaxSec=$TIME_LIMIT" -p TimeoutStopSec=60 \
  /bin/bash "$directory/script" 9>&-; then
  rm -rf "$directory"
  fail 51 "systemd-run could not start $UNIT" "read the line of systemd-run above; systemctl status $UNIT.service on this node"
fi
answer started "$detail"
