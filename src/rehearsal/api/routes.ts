import type { Resource } from './resource.ts';
import { apiVersionOf, RESOURCES } from './resources.ts';

export interface Route {
  readonly resource: Resource;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

/** What a path of the API names; 'unknown resource' is a known group's path that leads nowhere. */
export function parseRoute(path: string): Route | 'unknown resource' | undefined {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  const rest = parts[0] === 'api' ? parts.slice(2) : parts.slice(3);
  const apiVersion = parts[0] === 'api' ? parts[1] : `${parts[1]}/${parts[2]}`;
  if (parts[0] !== 'api' && parts[0] !== 'apis') return undefined;
  const known = RESOURCES.filter((resource) => apiVersionOf(resource) === apiVersion);
  if (known.length === 0) return undefined;
  const [first, namespace, plural, ...more] = rest;
  // `/namespaces/x/status` is about the namespace itself, `/namespaces/x/pods` about what is in it.
  if (first === 'namespaces' && plural !== undefined && plural !== 'status' && plural !== 'finalize') {
    const resource = known.find((each) => each.plural === plural && each.namespaced);
    return resource === undefined ? 'unknown resource' : route(resource, namespace, more);
  }
  const resource = known.find((each) => each.plural === first);
  if (resource === undefined) return 'unknown resource';
  if (resource.namespaced && rest.length > 1) return 'unknown resource';
  return route(resource, undefined, rest.slice(1));
}

function route(resource: Resource, namespace: string | undefined, rest: readonly string[]): Route | 'unknown resource' {
  const [name, subresource, ...more] = rest;
  if (more.length > 0) return 'unknown resource';
  if (subresource !== undefined && !resource.subresources.includes(subresource) && subresource !== 'finalize') {
    return 'unknown resource';
  }
  return {
    resource,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
  };
}
