# Brings containerd to VERSION. Runs after the drain, detached (D22).
held="$(apt-mark showhold "$package")"
# shellcheck disable=SC2317 # run by the trap
put_hold_back() {
  code=$?
  if [ -n "$held" ]; then apt-mark hold "$package" >/dev/null || true; fi
  exit "$code"
}
trap put_hold_back EXIT
trap 'exit 143' TERM

if [ -n "$wanted" ]; then
  say "installing $package $wanted"
  apt_get 42 install -y --no-remove --allow-change-held-packages --no-install-recommends "$package=$wanted"
  systemctl daemon-reload
  systemctl restart containerd
fi
for _ in $(seq 30); do
  if systemctl is-active --quiet containerd && crictl info >/dev/null 2>&1; then
    say "containerd is at $(package_version "$package")"
    exit 0
  fi
  sleep 1
done
fail 41 "containerd did not answer within 30 s of its restart" "read journalctl -u containerd on this node"
