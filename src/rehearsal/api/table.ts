import type { KubeObject, Node } from './kinds.ts';
import type { KubeList } from './list.ts';

interface Column {
  readonly name: string;
  readonly cell: (node: Node) => string;
}

/** As the real server prints nodes (`printNode` in pkg/printers/internalversion), the columns that are read. */
const NODE_COLUMNS: readonly Column[] = [
  { name: 'Name', cell: ({ metadata }) => metadata.name },
  { name: 'Status', cell: statusOf },
  { name: 'Version', cell: ({ status }) => status.nodeInfo?.['kubeletVersion'] ?? '' },
  { name: 'Container-Runtime', cell: ({ status }) => status.nodeInfo?.['containerRuntimeVersion'] || '<unknown>' },
];

function statusOf({ spec, status }: Node): string {
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  const said = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return spec.unschedulable === true ? `${said},SchedulingDisabled` : said;
}

/** Whether a request would rather have a Table. */
export function wantsTable(accept: string | undefined): boolean {
  return /^\s*application\/json;as=Table;/.test(accept ?? '');
}

/** Of nodes; of nothing else is one asked for, and such a list is given as it is. */
export function tableOf(list: KubeList): object {
  if (list.kind !== 'NodeList') return list;
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: list.metadata,
    columnDefinitions: NODE_COLUMNS.map(({ name }) => ({
      name,
      type: 'string',
      format: '',
      description: '',
      priority: 0,
    })),
    rows: list.items.map((object) => ({
      cells: NODE_COLUMNS.map(({ cell }) => cell(object as Node)),
      object: metadataOf(object),
    })),
  };
}

function metadataOf({ metadata }: KubeObject): object {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
}
