import { cruise } from 'dependency-cruiser';

export interface Import {
  /** Files, from the root of the project. */
  readonly from: string;
  readonly to: string;
}

export interface ImportGraph {
  readonly imports: readonly Import[];
  /** Files that import each other in a ring, each ring once: the first file is not named again at its end. */
  readonly circles: readonly (readonly string[])[];
}

/**
 * Every import between the files of `folder`, types and dynamic ones included, without the tests beside them.
 * dependency-cruiser reads them with swc, because TypeScript 7 has no API for it (docs/decisions/0011).
 */
export async function importGraph(root: string, folder = 'src'): Promise<ImportGraph> {
  const { output } = await cruise([folder], {
    baseDir: root,
    parser: 'swc',
    tsPreCompilationDeps: true,
    includeOnly: { path: `^${folder}/` },
    exclude: { path: '[.]test[.]ts$' },
    ruleSet: { forbidden: [{ name: 'circle', severity: 'error', from: {}, to: { circular: true } }] },
    validate: true,
  });
  if (typeof output === 'string') throw new Error('dependency-cruiser gave a text instead of its result');
  const imports = output.modules.flatMap(({ source, dependencies }) =>
    dependencies.map(({ resolved }) => ({ from: source, to: resolved })),
  );
  const circles = new Map<string, readonly string[]>();
  for (const { cycle = [] } of output.summary.violations) {
    const files = cycle.map(({ name }) => name);
    circles.set(files.toSorted().join(' '), files);
  }
  return { imports, circles: [...circles.values()] };
}
