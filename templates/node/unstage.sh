# Deletes what was fetched for TARGET, which nobody goes to: all but the records. Nothing of a version that the node has
# taken, nor while a command of ours is at work. Prints "unstaged<TAB>path<TAB>bytes" when it did.
TARGET={{target}}
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
