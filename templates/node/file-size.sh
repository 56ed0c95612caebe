# Whether a file that somebody says to have written on this node is there, and how large it is. Changes nothing.
# Prints "nightlift-file<TAB>BYTES", or "nightlift-file<TAB>absent". Read by parseFileSize (src/steps/etcd/snapshot-on-node.ts).
FILE={{file}}
if [ -f "$ROOT$FILE" ]; then
  printf 'nightlift-file\t%s\n' "$(stat -L -c %s "$ROOT$FILE")"
else
  printf 'nightlift-file\tabsent\n'
fi
