// Bundles the program into one CommonJS file (ssh2 needs __dirname) with every template inside, and writes what it is made
// of beside it (CycloneDX).
import { chmodSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { composeSbom } from './src/install/sbom.ts';

// Of client-node only kubeconfigs are read; its 3 MB of generated API classes would be parsed at every start.
// Where node_modules really is: esbuild names files so.
const clientNode = realpathSync(join(import.meta.dirname, 'node_modules/@kubernetes/client-node/dist'));
const onlyKubeconfig = {
  name: 'only-kubeconfig',
  setup({ onResolve }) {
    onResolve({ filter: /^@kubernetes\/client-node$/ }, () => ({ path: join(clientNode, 'config.js') }));
    onResolve({ filter: /^\.\.?\// }, ({ importer, resolveDir, path }) =>
      importer.startsWith(clientNode) ? { path: resolve(resolveDir, path), sideEffects: false } : undefined,
    );
  },
};

const quiet = process.argv.includes('--quiet');
// Tests build into a folder of their own, so that two at once do not write the same file.
const at = process.argv.indexOf('--outdir');
const outdir = at < 0 ? 'dist' : process.argv[at + 1];
mkdirSync(outdir, { recursive: true });
const result = await build({
  entryPoints: { nightlift: 'src/main.ts' },
  outdir,
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node22',
  minify: true,
  keepNames: true,
  legalComments: 'none',
  // An operator chooses the image of deploy/no-image. On an older Node only some of the libraries fail, and late.
  banner: { js: readFileSync(join(import.meta.dirname, 'bin/require-node.cjs'), 'utf8') },
  sourcemap: false,
  define: { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
  plugins: [onlyKubeconfig],
  external: ['cpu-features', '*.node'],
  logLevel: 'warning',
  metafile: true,
});
chmodSync(`${outdir}/nightlift.cjs`, 0o755);

const [bundled] = Object.values(result.metafile.outputs);
const readJson = (path) => JSON.parse(readFileSync(join(import.meta.dirname, path), 'utf8'));
const sbom = composeSbom({
  program: readFileSync(`${outdir}/nightlift.cjs`),
  files: Object.entries(bundled.inputs)
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([file]) => file),
  lock: readJson('package-lock.json'),
  manifest: (folder) => readJson(join(folder, 'package.json')),
});
writeFileSync(`${outdir}/nightlift.cdx.json`, `${JSON.stringify(sbom, undefined, 2)}\n`);
if (!quiet) {
  for (const [file, { bytes }] of Object.entries(result.metafile.outputs))
    console.log(`${file} ${(bytes / 1e6).toFixed(2)} MB`);
  console.log(`${outdir}/nightlift.cdx.json ${sbom.components.length} packages`);
}
