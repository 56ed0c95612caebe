import type { Resource } from './resource.ts';
import { apiVersionOf, RESOURCES } from './resources.ts';

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const GROUP_VERSIONS: ReadonlySet<string> = new Set(RESOURCES.map(apiVersionOf));

/** The discovery documents, so that kubectl can look around in the embedded cluster. */
export function discoveryDocument(path: string): unknown {
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'] };
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups() };
  const apiVersion = path === '/api/v1' ? 'v1' : /^\/apis\/([^/]+\/[^/]+)$/.exec(path)?.[1];
  if (apiVersion === undefined || !GROUP_VERSIONS.has(apiVersion)) return undefined;
  const served = RESOURCES.filter((resource) => apiVersionOf(resource) === apiVersion);
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: apiVersion, resources: served.map(described) };
}

function groups(): unknown[] {
  const versions = [...GROUP_VERSIONS].filter((each) => each.includes('/'));
  return versions.map((groupVersion) => {
    const [name, version] = groupVersion.split('/');
    const preferredVersion = { groupVersion, version };
    return { name, versions: [preferredVersion], preferredVersion };
  });
}

function described({ plural, kind, namespaced }: Resource): unknown {
  return { name: plural, singularName: kind.toLowerCase(), namespaced, kind, verbs: VERBS };
}
