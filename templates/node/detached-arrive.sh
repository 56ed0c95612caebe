# Starts a command as a transient unit, or finds the one that is there. The last line tells which:
# "nightlift-unit<TAB>started|attached|finished|busy<TAB>detail". Under a lock: of two callers one starts, the other attaches.
# After fence.sh, which holds that lock.
UNIT={{unit}}
IDENTITY={{identity}}
SCRIPT_BASE64={{scriptBase64}}
TIME_LIMIT={{timeLimitSeconds}}

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
