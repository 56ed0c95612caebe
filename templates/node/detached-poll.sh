# How a detached command stands, and its output from OFFSET on. Waits a while for something new.
# "nightlift-unit<TAB>running|finished|lost<TAB>detail", then the output in base64.
UNIT={{unit}}
IDENTITY={{identity}}
OFFSET={{offset}}
WAIT_SECONDS={{waitSeconds}}

state="$ROOT/var/lib/nightlift"
directory="$state/units/$UNIT"
log="$directory/log"
size() { if [ -f "$log" ]; then wc -c <"$log"; else printf '0\n'; fi; }
until [ -f "$directory/rc" ] || [ ! -d "$directory" ] || [ "$(size)" -gt "$OFFSET" ] || [ "$SECONDS" -ge "$WAIT_SECONDS" ]; do
  sleep 0.25
done

# From here to the end nobody cleans up: another caller that follows the same command may be about to.
if [ -d "$state/units" ]; then
  exec 9>"$state/units/.lock"
  flock -s -w 60 9 || true
fi

status=running
detail=""
if [ "$(cat "$directory/identity" 2>/dev/null || true)" != "$IDENTITY" ]; then
  # Another caller that followed the same command has seen its end and cleaned up.
  log="$state/log/$UNIT.log"
  status=lost
  if [ -f "$state/log/$UNIT.rc" ]; then
    read -r of detail <"$state/log/$UNIT.rc"
    if [ "$of" = "$IDENTITY" ]; then status=finished; fi
  fi
elif [ -f "$directory/rc" ]; then
  status=finished
else
  case "$(systemctl show -p ActiveState --value "$UNIT.service")" in
    active | activating | deactivating | reloading) ;;
    # The end may have come between the two looks.
    *) if [ -f "$directory/rc" ]; then status=finished; else status=lost; fi ;;
  esac
fi
if [ "$status" = finished ] && [ -z "$detail" ]; then detail="$(cat "$directory/rc")"; fi
printf 'nightlift-unit\t%s\t%s\n' "$status" "$detail"
if [ -f "$log" ]; then
  { tail -c "+$((OFFSET + 1))" "$log" || true; } | head -c 262144 | base64 -w 0
fi
