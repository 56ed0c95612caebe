#!/bin/bash
# Stands in front of every other file of this folder. Runs as root on a node, by `bash -s` over SSH or as a systemd unit.
set -euo pipefail
umask 022
# Empty on a real node; the rehearsal puts a directory of its own in front of every path.
ROOT="${NIGHTLIFT_ROOT:-}"
# Without a terminal nothing may ask, and needrestart must not restart the kubelet before kubeadm has written its settings.
export LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none UCF_FORCE_CONFFOLD=1
export TMPDIR="$ROOT/tmp"

say() { printf 'nightlift: %s\n' "$*"; }

# fail CODE WHAT REMEDY: the last two lines of a script that failed.
fail() {
  printf 'nightlift: failed: %s\nnightlift: what to do: %s\n' "$2" "$3" >&2
  exit "$1"
}

# Version of an installed package; empty when it is absent or only half installed.
package_version() {
  # shellcheck disable=SC2016 # dpkg-query expands these, not the shell
  dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$1" 2>/dev/null | awk '$1 == "installed" { print $2; exit }' || true
}

free_bytes() { df -P -B1 "$1" | awk 'NR == 2 { print $4 }'; }

# Proves that this machine is the node that it is taken for. Stands in front of every script that changes something, and
# alone asks whether a node can be reached: an address is what each kubelet writes into the status of its own node.
# Exit codes: 25 another node · 26 no proof
NODE='worker-1'
# Of the node's status; empty when it has none.
MACHINE_ID='5d41402abc4b2a76b9719d911017c592'

kubelet_conf="$ROOT/etc/kubernetes/kubelet.conf"
in_hex() { od -An -v -tx1 | tr -d ' \n'; }

# The kubelet's own client certificate, in DER: a file that it renews, or what kubeadm has written into kubelet.conf.
kubelet_certificate() {
  local file
  file="$(awk '/^ *client-certificate: / { sub(/^ *client-certificate: */, ""); gsub(/["\047]/, ""); print; exit }' "$kubelet_conf")"
  if [ -n "$file" ]; then cat "$ROOT$file"; else sed -n 's/^ *client-certificate-data: *//p' "$kubelet_conf" | head -n 1 | base64 -d; fi |
    awk '/-----BEGIN CERTIFICATE-----/ { on = 1; next } /-----END CERTIFICATE-----/ { exit } on' | base64 -d
}

# The node that the certificate is for. Its subject has the common name system:node:NAME: the object identifier 2.5.4.3,
# then a string (UTF8String or PrintableString) with its length, which is one byte, or 81 and one byte.
node_of_certificate() {
  local found
  found="$(kubelet_certificate | in_hex)"
  if ! [[ "$found" =~ 0603550403(0c|13)((81)?[0-9a-f]{2}73797374656d3a6e6f64653a[0-9a-f]*) ]]; then return 1; fi
  found="${BASH_REMATCH[2]}"
  found="${found#81}"
  printf '%b' "$(printf '%s' "${found:26:$((2 * 16#${found:0:2} - 24))}" | sed 's/../\\x&/g')"
}

if ! own_name="$(node_of_certificate 2>/dev/null)"; then
  fail 26 "nothing proves that this machine is $NODE: /etc/kubernetes/kubelet.conf leads to no client certificate of a kubelet" "see on this machine how its kubelet logs in: kubeadm puts client-certificate into /etc/kubernetes/kubelet.conf"
fi
if [ "$own_name" != "$NODE" ]; then
  fail 25 "this machine is the node $(tr -cd '[:alnum:].-' <<<"$own_name"), not $NODE: nothing was changed on it" "kubectl get nodes -o wide shows the address of $NODE; find out who has set it, and set --node-ip of the kubelet on $NODE"
fi
if [ -n "$MACHINE_ID" ] && [ -s "$ROOT/etc/machine-id" ] && [ "$(cat "$ROOT/etc/machine-id")" != "$MACHINE_ID" ]; then
  fail 25 "this machine is not the one that reports as $NODE: its /etc/machine-id is another: nothing was changed on it" "when the machine-id was made anew, restart the kubelet on it; else find out which machine has the key of $NODE"
fi

# Deletes what was fetched for TARGET, which nobody goes to: all but the records. Nothing of a version that the node has
# taken, nor while a command of ours is at work. Prints "unstaged<TAB>path<TAB>bytes" when it did.
TARGET='1.36.4'
stage="$ROOT/var/lib/nightlift/stage/$TARGET"
if [ ! -d "$stage" ]; then exit 0; fi
for package in kubeadm kubelet; do
  case "$(package_version "$package")" in "$TARGET"-*) exit 0 ;; esac
done
exec 9>"$stage/.lock"
if ! flock -n 9; then fail 11 "stage.sh is at work on this node" "let it end"; fi
for unit in "$ROOT"/var/lib/nightlift/units/*/; do
  name="$(basename "$unit")"
  case "$(systemctl show -p ActiveState --value "$name.service" 2>/dev/null || true)" in
    active | activating | deactivating | reloading) fail 11 "$name is at work on this node" "let it end" ;;
  esac
done
bytes=0
for part in archives lists program staged gnupg keyring.gpg keyring.asc; do
  if [ ! -e "$stage/$part" ]; then continue; fi
  bytes=$((bytes + $(du -sk "$stage/$part" | awk '{ print $1 * 1024 }')))
  rm -rf "${stage:?}/$part"
done
if [ "$bytes" -gt 0 ]; then printf 'unstaged\t%s\t%s\n' "${stage#"$ROOT"}" "$bytes"; fi
