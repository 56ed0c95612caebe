# Runs a script that an operator keeps in the cluster (the one of ConfigMap kube-system/apiserver-oidc-restore, when the settings name its SHA-256).
SCRIPT_BASE64={{scriptBase64}}
exec 9>&-
script="$(mktemp)"
trap 'rm -f "$script"' EXIT
printf '%s' "$SCRIPT_BASE64" | base64 -d >"$script"
bash "$script" </dev/null
