import { renderStrict } from '../render.ts';
import { NODE_PROGRAM, type NodePolicy, nodeFiles, releaseOf } from './node-program.ts';
import type { ScriptTemplates } from './scripts.ts';

export interface NodeInstall {
  /** Text of templates/node by name. */
  readonly scripts: ScriptTemplates;
  /** Text of templates/node-program by name. */
  readonly parts: ScriptTemplates;
  readonly policy: NodePolicy;
  /** Who logs in. */
  readonly user: string;
  /** One line as in authorized_keys; empty leaves that file alone. */
  readonly publicKey: string;
}

interface InstalledFile {
  readonly mode: '644' | '755';
  readonly text: string;
}

/** Files of root's on a node by path, the program last: what it needs is there before it can be asked. */
export function installedFiles({
  scripts,
  parts,
  policy,
}: Pick<NodeInstall, 'scripts' | 'parts' | 'policy'>): ReadonlyMap<
  string,
  { readonly mode: '644' | '755'; readonly text: string }
> {
  const files = new Map<string, InstalledFile>();
  for (const [path, text] of nodeFiles(scripts, policy)) files.set(path, { mode: '644', text });
  return files.set(NODE_PROGRAM, { mode: '755', text: parts('nightlift-node') });
}

export function accountScript({ parts, user, publicKey }: Pick<NodeInstall, 'parts' | 'user' | 'publicKey'>): string {
  return renderStrict(parts('account'), { user, publicKey }, 'sh', 'node-program/account.sh');
}

/** A script that a person reviews and runs as root on each node. Pure. */
export function installScript(install: NodeInstall): string {
  const mark = `end-of-${releaseOf(install.scripts)}`;
  const files = [...installedFiles(install)].map(
    ([path, { mode, text }]) => `put ${mode} '${path}' <<'${mark}'\n${text}${text.endsWith('\n') ? '' : '\n'}${mark}\n`,
  );
  return `${install.parts('install')}\n${files.join('\n')}\n${accountScript(install)}printf 'nightlift: release %s is installed\\n' ${releaseOf(install.scripts)}\n`;
}
