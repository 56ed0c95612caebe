import Mustache from 'mustache';
import { NightliftError } from './errors.ts';
import { nearest } from './nearest.ts';

export type RenderFormat = 'yaml' | 'sh' | 'text';
export type RenderValue =
  | string
  | number
  | boolean
  | null
  | readonly RenderValue[]
  | { readonly [name: string]: RenderValue };
export type RenderVariables = Readonly<Record<string, RenderValue>>;

type Token = [type: string, name: string, start: number, end: number, children?: Token[], ...rest: unknown[]];
type Scope = ReadonlyMap<string, RenderValue>;

/**
 * Mustache without its two traps: a name that nobody gives is an error instead of nothing (`rm -rf {{dir}}/x`), and
 * values are written for the format at hand instead of for HTML: yaml as a JSON scalar, sh as one single-quoted word,
 * text as they are. Unescaped tags, partials and changed delimiters are refused. A section `{{#name}}` shows for true,
 * for any other non-empty value, and once per element of a list.
 * @throws NightliftError (config) that names `what`, the variable, and the nearest one that exists.
 */
export function renderStrict(template: string, variables: RenderVariables, format: RenderFormat, what: string): string {
  const fail = (problem: string, remedy: string): never => {
    throw new NightliftError('config', `rendering ${what}: ${problem}`, { remedy });
  };
  const walk = (tokens: readonly Token[], scopes: readonly Scope[], self: RenderValue): string => {
    let text = '';
    const lookUp = (name: string): RenderValue => {
      if (name === '.') return self;
      for (const scope of scopes.toReversed()) {
        const found = scope.get(name);
        if (found !== undefined) return found;
      }
      const names = scopes.flatMap((scope) => [...scope.keys()]);
      const near = nearest(name, names);
      return fail(
        `it names the variable "${name}", which nobody gives`,
        `${near === undefined ? '' : `Did you mean "${near}"? `}Known here: ${names.toSorted().join(', ') || 'none'}.`,
      );
    };
    for (const [type, name, , , children = []] of tokens) {
      switch (type) {
        case 'text':
          text += name;
          break;
        case 'name':
          text += write(lookUp(name), format, (kind) =>
            fail(`the variable "${name}" is ${kind}`, `Use a section for it: {{#${name}}} … {{/${name}}}.`),
          );
          break;
        case '#': {
          const value = lookUp(name);
          for (const one of Array.isArray(value) ? (value as readonly RenderValue[]) : isEmpty(value) ? [] : [value]) {
            text += walk(children, isRecord(one) ? [...scopes, scopeOf(one)] : scopes, one);
          }
          break;
        }
        case '^':
          if (isEmpty(lookUp(name))) text += walk(children, scopes, self);
          break;
        case '!':
          break;
        default:
          fail(
            `the tag ${type === '&' ? `{{{${name}}}} or {{&${name}}}` : `{{${type}${name}}}`} is not allowed`,
            'Write {{name}} without quotes around it: the value is escaped for the place where it stands.',
          );
      }
    }
    return text;
  };
  return walk(parse(template, what), [scopeOf(variables)], null);
}

function parse(template: string, what: string): Token[] {
  try {
    return Mustache.parse(template) as Token[];
  } catch (cause) {
    throw new NightliftError('config', `reading the template of ${what}: ${(cause as Error).message}`, {
      remedy: 'Mend the tags of the template, or take the one that Nightlift brings.',
      cause,
    });
  }
}

function write(value: RenderValue, format: RenderFormat, refuse: (kind: string) => never): string {
  if (format === 'yaml') return JSON.stringify(value);
  if (value === null) return refuse('null');
  if (typeof value === 'object') return refuse(Array.isArray(value) ? 'a list' : 'an object');
  const text = String(value);
  if (format === 'text') return text;
  if (text.includes('\0')) return refuse('a text with a NUL in it');
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function isRecord(value: RenderValue): value is { readonly [name: string]: RenderValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEmpty(value: RenderValue): boolean {
  return value === null || value === false || value === '' || (Array.isArray(value) && value.length === 0);
}

/** A Map, so that a template cannot reach what every object inherits ({{constructor}}). */
function scopeOf(variables: RenderVariables): Scope {
  return new Map(Object.entries(variables));
}
