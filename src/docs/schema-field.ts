/** The part of a JSON Schema that our schemas use. `unit` and `reason` come from the fields' own notes. */
export interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly unit?: string;
  readonly reason?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
}

export interface SchemaField {
  /** As a person writes it: `waits.soakSeconds`, `quiesce[].name`. */
  readonly key: string;
  readonly node: SchemaNode;
  readonly required: boolean;
}

/** Every key of an object schema in order, groups before what is in them. */
export function fieldsOf(schema: SchemaNode, prefix = ''): readonly SchemaField[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, node]) => {
    const key = `${prefix}${name}`;
    const inner = objectOf(node);
    const under = inner === undefined ? [] : fieldsOf(inner.node, `${key}${inner.isList ? '[]' : ''}.`);
    return [{ key, node, required: schema.required?.includes(name) === true }, ...under];
  });
}

/** A group without a description of its own: it is told by its fields. */
export function isGroup({ node }: SchemaField): boolean {
  return node.properties !== undefined && node.description === undefined;
}

/** In a few words what may be written there. */
export function typeOf(node: SchemaNode): string {
  if (node.enum !== undefined) return node.enum.map((value) => `\`${value}\``).join(' or ');
  if (node.anyOf !== undefined) return node.anyOf.map(typeOf).join(' or ');
  if (node.type === 'array')
    return `list of ${node.items?.type === 'object' ? 'objects' : `${typeOf(node.items ?? {})}s`}`;
  if (node.format === 'uri') return 'URL';
  return `${node.type === 'integer' ? 'whole number' : (node.type ?? 'any')}${limits(node)}`;
}

function limits({ type, minimum, maximum, exclusiveMinimum }: SchemaNode): string {
  if (type !== 'number' && type !== 'integer') return '';
  if (exclusiveMinimum !== undefined) return ` above ${exclusiveMinimum}`;
  // JSON Schema of an integer names the safe integers as its limits, which says nothing to a person.
  const highest = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (minimum !== undefined && highest !== undefined) return ` from ${minimum} to ${highest}`;
  return minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? '' : `, at least ${minimum}`;
}

function objectOf(node: SchemaNode): { node: SchemaNode; isList: boolean } | undefined {
  if (node.properties !== undefined) return { node, isList: false };
  if (node.items?.properties !== undefined) return { node: node.items, isList: true };
  const choice = node.anyOf?.find((item) => item.properties !== undefined);
  return choice === undefined ? undefined : { node: choice, isList: false };
}
