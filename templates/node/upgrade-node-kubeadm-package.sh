# --- package kubeadm
if [ -n "$(dpkg --audit)" ]; then
  say "finishing what an interrupted dpkg left behind"
  for attempt in 1 2 3 4 5 6 7 8 9 10 11 12; do
    if dpkg --configure -a --force-confdef --force-confold </dev/null; then break; fi
    if [ "$attempt" = 12 ]; then fail 12 "dpkg --configure -a did not succeed" "read the lines of dpkg above and mend the package that they name"; fi
    sleep 5
  done
fi
if [ "$(package_version kubeadm)" != "$kubeadm_wanted" ]; then
  # A mark of an earlier time, before somebody went back to an older version, must not count.
  rm -f "$stage/kubeadm-done"
  say "installing kubeadm $kubeadm_wanted"
  apt-mark unhold kubeadm >/dev/null || true
  install_packages 12 "kubeadm=$kubeadm_wanted"
fi
# The package of kubeadm owns a drop-in of the kubelet's unit.
systemctl daemon-reload
found="$(kubeadm version -o short 2>&1 || true)"
if [ "$found" != "v$TARGET" ]; then
  fail 23 "package kubeadm $kubeadm_wanted is installed, but kubeadm answers \"$found\"" "another kubeadm stands before it in the PATH: $(command -v kubeadm || true)"
fi
