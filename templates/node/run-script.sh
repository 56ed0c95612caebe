# Runs a script that an operator keeps in the cluster (for example the one of ConfigMap kube-system/apiserver-oidc-restore).
SCRIPT_BASE64={{scriptBase64}}
script="$(mktemp)"
trap 'rm -f "$script"' EXIT
printf '%s' "$SCRIPT_BASE64" | base64 -d >"$script"
bash "$script" </dev/null
