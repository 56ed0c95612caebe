# Before the drain: whether this node can have the containerd that it is to be raised to, and the package of it.
if [ -n "$wanted" ]; then say "fetched $package $wanted"; else say "containerd is at $(package_version "$package")"; fi
