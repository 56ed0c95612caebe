# Asks etcd for its members, through this node, and API servers whether they are ready. Changes nothing; after etcd.sh.
# Prints lines "nightlift-KEY<TAB>ANSWER", read by parseControlPlaneHealth (src/steps/control-plane/control-plane-health.ts).
# Exit codes: 60, 61 no etcd here that could be asked, although there is its manifest
# NAME=ADDRESS:PORT of each API server, with a blank between them.
API_SERVERS={{apiServers}}
LIMIT={{timeLimitSeconds}}

# ask KEY QUESTION…: an answer may come with an exit code, as when one of the members is down. What etcdctl says of an
# error goes to standard error.
ask() {
  local key="$1" answer
  shift
  answer="$(etcdctl --command-timeout=5s "$@" -w json | tr -d '\n')" || true
  printf 'nightlift-etcd-%s\t%s\n' "$key" "$answer"
  [ -n "$answer" ]
}

if [ -f "$ETCD_MANIFEST" ]; then
  find_etcd "take one that has them: the upgrade waits until etcd can be asked" etcdctl
  # Without a quorum the first one has no answer, and the others would only take their time.
  if ask members member list && ask status endpoint status --cluster; then ask health endpoint health --cluster || true; fi
else
  printf 'nightlift-etcd-external\tthis control plane has no manifest of etcd\n'
fi

for server in $API_SERVERS; do
  # Anonymously: kubeadm's clusters let everybody ask this, and a server that does not says so by 401 or 403.
  code="$(curl -sS --noproxy '*' -o /dev/null -w '%{http_code}' --connect-timeout 3 --max-time 5 \
    --cacert "$ROOT/etc/kubernetes/pki/ca.crt" "https://${server#*=}/readyz")" || true
  printf 'nightlift-api-server\t%s\t%s\n' "${server%%=*}" "$code"
done
