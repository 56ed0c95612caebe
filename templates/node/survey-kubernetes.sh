# Part of survey.sh: kubelet, static pods, certificates.
for socket in "$ROOT"/run/{containerd/containerd,crio/crio,cri-dockerd}.sock; do
  if [ -S "$socket" ]; then tell survey.socket "${socket#"$ROOT"}"; fi
done
tell survey.kubelet-socket "$(cri_socket)"

process="" environment_files=""
while IFS='=' read -r key value; do
  case "$key" in MainPID) process="$value" ;; EnvironmentFiles) environment_files+="$value"$'\n' ;; esac
done < <(systemctl show -p MainPID -p EnvironmentFiles kubelet 2>/dev/null || true)
if [[ "$process" =~ ^[1-9][0-9]*$ ]] && [ -r "$ROOT/proc/$process/cmdline" ]; then
  mapfile -d '' -t arguments <"$ROOT/proc/$process/cmdline"
  for argument in "${arguments[@]:1}"; do tell survey.kubelet-argument "$argument"; done
fi
# Flags for its next start, wherever they stand: in the unit, in all that is put on top, and in the files that these name.
declare -A seen=()
files=()
while IFS= read -r file; do
  # /lib is /usr/lib on most.
  if [ -f "$file" ] && real="$(readlink -f "$file")" && [ -z "${seen["$real"]:-}" ]; then
    seen["$real"]=1
    files+=("$file")
  fi
done < <(
  printf '%s\n' "$ROOT"/var/lib/kubelet/kubeadm-flags.env "$ROOT"/etc/default/kubelet "$ROOT"/etc/sysconfig/kubelet \
    "$ROOT"/{etc,run,usr/lib,usr/local/lib,lib}/systemd/system/kubelet.service{,.d/*.conf}
  while IFS= read -r file; do
    if [[ "$file" == /*" (ignore_errors="* ]]; then printf '%s\n' "$ROOT${file% (ignore_errors=*}"; fi
  done <<<"$environment_files"
)
if [ "${#files[@]}" -gt 0 ]; then
  # A value may be a word of its own.
  awk -v root="$ROOT" '!/^[[:space:]]*[#;]/ {
      rest = $0
      while (match(rest, /--[a-z][a-z0-9_-]*(=[^"\047 \t]*|[ \t]+[^-$\\"\047 \t][^"\047 \t]*)?/)) {
        found = substr(rest, RSTART, RLENGTH < 300 ? RLENGTH : 300)
        sub(/[ \t]+/, "=", found)
        gsub(/:\/\/[^\/@ "]+@/, "://***@", found)
        print "survey.kubelet-flag\t" substr(FILENAME, length(root) + 1) "\t" found
        rest = substr(rest, RSTART + RLENGTH)
      } }' "${files[@]}"
fi

# send KEY FILE: a whole file, packed; what is larger than a manifest ever is, is named only.
send() {
  local size
  size="$(stat -c %s "$2")"
  if [ "$size" -gt 262144 ]; then tell "$1" "${2##*/}" too-large; else printf '%s\t%s\t%s\n' "$1" "${2##*/}" "$(gzip -nc <"$2" | base64 -w 0)"; fi
}
for file in "$ROOT"/var/lib/kubelet/config.yaml "$ROOT"/var/lib/kubelet/instance-config.yaml; do
  if [ -f "$file" ]; then send survey.kubelet-config "$file"; fi
done
# As the kubelet reads the folder: every file that does not begin with a dot, whatever its name.
for file in "$ROOT"/etc/kubernetes/manifests/*; do
  if [ -f "$file" ]; then send survey.static-pod "$file"; fi
done
{ find "$ROOT/etc/kubernetes" "$ROOT/etc/kubeadm" -maxdepth 3 -type f -regextype posix-extended \
  -regex '.*/(kube-apiserver|kube-controller-manager|kube-scheduler|etcd|kubeletconfiguration|corednsdeployment)[^/]*\.(json|yaml)' \
  -not -path '*/manifests/*' -not -path '*/tmp/*' 2>/dev/null || true; } | while IFS= read -r file; do tell survey.patch "${file#"$ROOT"}"; done

# The end and the start of a certificate: its validity is two times. As hexadecimal digits of the DER.
certificate_end() {
  local hex
  hex="$(awk '/-----BEGIN CERTIFICATE-----/ { on = 1; next } /-----END CERTIFICATE-----/ { exit } on' | base64 -d 2>/dev/null | in_hex)"
  if [[ "$hex" =~ 30(1e|20|22)(170d|180f)([0-9a-f]{26}|[0-9a-f]{30})(170d[0-9a-f]{26}|180f[0-9a-f]{30}) ]]; then
    tell survey.certificate "$1" "${BASH_REMATCH[4]}" "${BASH_REMATCH[2]}${BASH_REMATCH[3]}"
  else
    tell survey.certificate "$1"
  fi
}
for file in "$ROOT"/etc/kubernetes/pki/*.crt "$ROOT"/etc/kubernetes/pki/etcd/*.crt "$ROOT"/var/lib/kubelet/pki/kubelet-client-current.pem "$ROOT"/var/lib/kubelet/pki/kubelet-server-current.pem; do
  if [ -f "$file" ]; then certificate_end "${file#"$ROOT"}" <"$file"; fi
done
for file in "$ROOT"/etc/kubernetes/*.conf; do
  if [ -f "$file" ] && data="$(sed -n 's/^ *client-certificate-data: *//p' "$file" | head -n 1)" && [ -n "$data" ]; then
    base64 -d 2>/dev/null <<<"$data" | certificate_end "${file#"$ROOT"}"
  fi
done
