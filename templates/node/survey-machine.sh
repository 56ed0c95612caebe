# Part of survey.sh: the machine, its system and its file systems.
id="" version="" name=""
if [ -r "$ROOT/etc/os-release" ]; then
  while IFS='=' read -r key value; do
    value="${value#[\"\']}"
    value="${value%[\"\']}"
    case "$key" in ID) id="$value" ;; VERSION_ID) version="$value" ;; PRETTY_NAME) name="$value" ;; esac
  done <"$ROOT/etc/os-release"
fi
tell survey.os "$id" "$version" "$name"
read -r kernel machine < <(uname -rm)
tell survey.kernel "$kernel" "$machine"

# first_line FILE: into REPLY; empty without it.
first_line() {
  REPLY=""
  if [ -r "$1" ]; then read -r REPLY <"$1" || true; fi
}
first_line "$ROOT/sys/class/dmi/id/sys_vendor"
vendor="$REPLY"
first_line "$ROOT/sys/class/dmi/id/product_name"
product="$REPLY"
virtualisation="$(systemd-detect-virt 2>/dev/null || true)"
model="" cpus=0
if [ -r "$ROOT/proc/cpuinfo" ]; then
  IFS=$'\t' read -r cpus model < <(awk -F ': *' '/^processor/ { n++ } /^model name/ && model == "" { model = $2 } END { print n + 0 "\t" model }' "$ROOT/proc/cpuinfo")
fi
memory=0 swap=0
if [ -r "$ROOT/proc/meminfo" ]; then
  while read -r key value _; do
    case "$key" in MemTotal:) memory=$((value * 1024)) ;; SwapTotal:) swap=$((value * 1024)) ;; esac
  done <"$ROOT/proc/meminfo"
fi
tell survey.hardware "$virtualisation" "$vendor" "$product" "$cpus" "$model" "$memory" "$swap"
# Those with a device behind them: no bridges, no pods' ends.
for nic in "$ROOT"/sys/class/net/*; do
  if [ ! -e "$nic/device" ]; then continue; fi
  driver="$(readlink "$nic/device/driver" || true)"
  speed="$(cat "$nic/speed" 2>/dev/null || true)"
  tell survey.nic "${nic##*/}" "${driver##*/}" "$speed"
done

if [ -e "$ROOT/sys/fs/cgroup/cgroup.controllers" ]; then
  tell survey.cgroup v2
elif [ -d "$ROOT/sys/fs/cgroup/memory" ]; then
  tell survey.cgroup v1
fi
first_line "$ROOT/proc/uptime"
if [ -n "$REPLY" ]; then tell survey.uptime "${REPLY%% *}"; fi
if [ -e "$ROOT/run/reboot-required" ] || [ -e "$ROOT/var/run/reboot-required" ]; then tell survey.reboot-required; fi
for tool in apt-get apt-cache apt-mark awk base64 curl dpkg dpkg-deb dpkg-query du find flock gpg grep od sed sha256sum stat systemctl systemd-run tar timeout; do
  if ! command -v "$tool" >/dev/null; then tell survey.missing-tool "$tool"; fi
done
if [ ! -x "$ROOT/usr/lib/apt/apt-helper" ]; then tell survey.missing-tool apt-helper; fi

# containerd's own settings: where it keeps images, and which image holds a pod's network.
runtime_root="$ROOT/var/lib/containerd"
runtime_config="$ROOT/etc/containerd/config.toml"
if [ -r "$runtime_config" ]; then
  while IFS=$'\t' read -r key value; do
    tell survey.containerd "$key" "$value"
    if [ "$key" = root ]; then runtime_root="$ROOT$value"; fi
  done < <(awk '/^[[:space:]]*(version|root|sandbox_image|sandbox)[[:space:]]*=/ {
      key = $1; sub(/=.*/, "", key); value = $0; sub(/^[^=]*=[[:space:]]*/, "", value); gsub(/^["\047]|["\047][[:space:]]*(#.*)?$/, "", value); print key "\t" value }' "$runtime_config")
fi
etcd_data="$(manifest_flag etcd data-dir)"
declare -A mounted=()
if [ -r "$ROOT/proc/self/mounts" ]; then
  # Of an overlay, without the directories that it is made of.
  while read -r _ target _ options _; do mounted["$target"]="${options%%,lowerdir=*}"; done <"$ROOT/proc/self/mounts"
fi
paths=()
for path in "$ROOT"/{,usr,var,var/lib,tmp,etc/kubernetes,var/lib/kubelet,var/lib/nightlift} "$runtime_root" ${etcd_data:+"$ROOT$etcd_data"}; do
  if [ -e "$path" ]; then paths+=("$path"); fi
done
while read -r path type size free inodes inodes_free target; do
  tell survey.file-system "${path#"$ROOT"}" "$target" "$type" "$size" "$free" "$inodes" "$inodes_free" "${mounted["$target"]:-}"
done < <(df -B1 --output=file,fstype,size,avail,itotal,iavail,target "${paths[@]}" 2>/dev/null | sed 1d)
