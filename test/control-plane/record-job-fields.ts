import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { z } from 'zod';
import { type ControlPlane, startControlPlane } from './real-control-plane.ts';

const Schema = z.object({
  $ref: z.string().optional(),
  allOf: z.array(z.object({ $ref: z.string() })).optional(),
  get items() {
    return Schema.optional();
  },
  get additionalProperties() {
    return Schema.optional();
  },
  get properties() {
    return z.record(z.string(), Schema).optional();
  },
});
type Schema = z.infer<typeof Schema>;
const Document = z.object({ components: z.object({ schemas: z.record(z.string(), Schema) }) });

/** Type → its fields → their type; an empty one where the fields of the value are not looked at. */
export type FieldTree = Record<string, Record<string, string>>;

export const FIELDS_FILE = join(import.meta.dirname, '../../src/rehearsal/api/job-fields.json');

/** The fields of a Job as a real API server's OpenAPI has them. */
export async function jobFieldsOf(controlPlane: ControlPlane): Promise<FieldTree> {
  const dispatcher = new Agent({ connect: { ca: controlPlane.caPem } });
  try {
    const { body } = await request(`${controlPlane.url}/openapi/v3/apis/batch/v1`, {
      headers: { authorization: `Bearer ${controlPlane.adminToken}` },
      dispatcher,
    });
    return fieldTree(Document.parse(await body.json()).components.schemas, 'io.k8s.api.batch.v1.Job');
  } finally {
    await dispatcher.close();
  }
}

function fieldTree(schemas: Readonly<Record<string, Schema>>, root: string): FieldTree {
  const tree: FieldTree = {};
  const add = (name: string): void => {
    const properties = schemas[name]?.properties;
    if (properties === undefined || tree[shortName(name)] !== undefined) return;
    const fields: Record<string, string> = {};
    tree[shortName(name)] = fields;
    for (const [field, schema] of Object.entries(properties)) {
      const type = typeOf(schema.items ?? schema.additionalProperties ?? schema);
      const isStruct = type !== undefined && schemas[type]?.properties !== undefined;
      fields[field] = isStruct ? shortName(type) : '';
      if (isStruct) add(type);
    }
  };
  add(root);
  return tree;
}

function typeOf({ $ref, allOf }: Schema): string | undefined {
  return ($ref ?? allOf?.[0]?.$ref)?.split('/').at(-1);
}

function shortName(name: string): string {
  return name.split('.').at(-1) ?? name;
}

if (import.meta.main) {
  const controlPlane = await startControlPlane();
  if ('missing' in controlPlane) throw new Error(controlPlane.missing);
  try {
    writeFileSync(FIELDS_FILE, `${JSON.stringify(await jobFieldsOf(controlPlane), null, 2)}\n`);
  } finally {
    await controlPlane.close();
  }
}
