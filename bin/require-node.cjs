// Says in one sentence what an older Node says in a stack trace. Plain JavaScript, so that the older one can run it.
(() => {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 19)) return;
  console.error(
    `nightlift: this needs Node 22.19 or newer, and finds ${process.version}. In an image, take one with Node 24; in a clone, ` +
      '"npm ci" brings Node 24 on Linux with glibc (x64, arm64), unless optional packages are left out; elsewhere install Node 24.',
  );
  process.exit(64);
})();
