# Takes a snapshot of this node's etcd, proves that it can be restored, and keeps it with a note of what is in it. Runs
# detached, after etcd.sh.
# Prints "nightlift-snapshot<TAB>JSON". Read by parseEtcdSnapshotReport (src/steps/etcd/own-snapshot-report.ts).
# Exit codes: 28 disk full · 52 another one at work · 60 no etcd here · 61 no programs · 62 not taken · 63 not sound ·
# 64 older than the last · 65 cannot be restored
TARGET={{target}}
# Which run this is: a snapshot of the same run that is young enough is taken as it is.
RUN={{run}}
REUSE_SECONDS={{reuseSeconds}}
DIRECTORY={{directory}}
KEEP={{keep}}
# auto or off
RESTORE_PROOF={{restoreProof}}
LIMIT={{timeLimitSeconds}}

# Every Secret of the cluster is in it.
umask 077
# The log and the files of a database that is started for the proof, and what etcd itself still needs to go on.
SPARE=268435456
directory="$ROOT$DIRECTORY"
scratch="$directory/.proof"
INSTEAD="make the snapshot with a CronJob (snapshot.cronJob), or set snapshot.required to false"

if [ ! -f "$ETCD_MANIFEST" ]; then
  fail 60 "this control plane has no etcd of its own: there is no /etc/kubernetes/manifests/etcd.yaml" "$INSTEAD"
fi
find_etcd "$INSTEAD" etcdctl etcdutl

# Number of a JSON object, or of etcdctl's "fields".
number() { sed -n 's/^.*"'"$1"'" *: *\([0-9][0-9]*\).*$/\1/p'; }
count_keys() { etcdctl --command-timeout=30s get "" --prefix --count-only -w fields "$@"; }

if [ ! -d "$directory" ]; then
  (umask 022 && mkdir -p "$(dirname "$directory")")
  mkdir "$directory"
fi
if [ ! -O "$directory" ]; then
  fail 61 "$DIRECTORY does not belong to root, and a snapshot has every Secret of the cluster in it" "chown root $DIRECTORY, or set snapshot.directory to another one"
fi
# Whoever may write a directory above it can put another one in its place.
top="$(cd -P "${ROOT:-/}" && pwd)"
above="$(cd -P "$directory" && dirname "$PWD")"
until [ "$above" = "$top" ] || [ "$above" = / ]; do
  mode="$(stat -c %a "$above")"
  if [ ! -O "$above" ] || { [ $((8#$mode & 8#22)) -gt 0 ] && [ $((8#$mode & 8#1000)) -eq 0 ]; }; then
    fail 61 "${above#"$top"}, in which $DIRECTORY is, can be written by others than root" "chown root and chmod go-w that directory, or set snapshot.directory to another one"
  fi
  above="$(dirname "$above")"
done
exec 9>"$directory/.lock"
if ! flock -w 60 9; then fail 52 "another snapshot has been under way on this node for a minute" "see which: fuser $DIRECTORY/.lock"; fi
