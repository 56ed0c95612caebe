import type { ResultLine } from './run-settings.ts';

const columns = ['wall', 'kubeadm', 'packages', 'drain', 'soak', 'ready', 'own'] as const;

/** Where the time went, a line for each scenario and each of its nodes; seconds. */
export function summaryTable(results: readonly ResultLine[]): string {
  const rows = [['', ...columns, 'kubeadm of wall', '']];
  const cells = (shares: NonNullable<ResultLine['shares']>): string[] => [
    ...columns.map((column) => (shares[column] / 1000).toFixed(1)),
    `${Math.round((100 * shares.kubeadm) / Math.max(1, shares.wall))} %`,
  ];
  for (const result of results) {
    const mark = result.passed ? '✓' : '✗';
    const empty = [result.seconds.toFixed(1), ...columns.slice(1).map(() => ''), ''];
    rows.push([
      `${mark} ${result.name}`,
      ...(result.shares === undefined ? empty : cells(result.shares)),
      result.summary,
    ]);
    for (const node of result.nodes ?? []) rows.push([`    ${node.node}`, ...cells(node), '']);
  }
  const widths = rows[0]?.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, index) => pad(cell, index, row.length, widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function pad(cell: string, index: number, count: number, width: number): string {
  return index === 0 || index === count - 1 ? cell.padEnd(width) : cell.padStart(width);
}
