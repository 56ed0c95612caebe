# Part of survey.sh, its last: etcd, as this node's own says it. An answer that does not come is one too.
LIMIT=$((SECONDS + 30))
tell survey.etcd-servers "$(manifest_flag kube-apiserver etcd-servers)"
if [ -f "$ETCD_MANIFEST" ]; then
  tell survey.etcd "$(flag data-dir)" "$(flag listen-client-urls)" "$(flag quota-backend-bytes)"
  if said="$(find_etcd "mend etcd first" etcdctl 2>&1 >/dev/null)"; then
    find_etcd "mend etcd first" etcdctl
    for question in 'member list' 'endpoint status' 'alarm list'; do
      # shellcheck disable=SC2086 # two words
      answer="$(etcdctl --command-timeout=5s $question -w json 2>&1 | tr -d '\n\t')" || true
      printf 'survey.etcd-answer\t%s\t%s\n' "$question" "${answer:0:16000}"
    done
  else
    tell survey.etcd-silent "$said"
  fi
fi
tell survey.own-bytes "$(bytes_of "$ROOT/var/lib/nightlift")"
tell survey.end
