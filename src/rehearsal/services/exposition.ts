export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: string;
}

export interface Family {
  readonly type: string;
  readonly help: string;
  readonly series: readonly Series[];
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?[ \t]+(\S+)(?:[ \t]+(\S+))?$/;
const LABEL = /\s*([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\.)*)"\s*(,|$)/y;

/** Prometheus' text format, version 0.0.4. Throws with the words of the Pushgateway's own parser. */
export function parseExposition(text: string): Map<string, Family> {
  const families = new Map<string, { type: string; help: string; series: Series[] }>();
  const family = (name: string) => {
    const known = families.get(name) ?? { type: 'untyped', help: '', series: [] };
    families.set(name, known);
    return known;
  };
  if (text !== '' && !text.endsWith('\n')) throw new Error('text format parsing error: unexpected end of input stream');
  for (const [index, line] of text.split('\n').entries()) {
    const fail = (problem: string): Error => new Error(`text format parsing error in line ${index + 1}: ${problem}`);
    if (line.trim() === '') continue;
    if (line.startsWith('#')) {
      const [, keyword, name = '', rest = ''] = /^#\s+(HELP|TYPE)\s+(\S+)\s*(.*)$/.exec(line) ?? [];
      if (keyword === 'HELP') family(name).help = rest;
      if (keyword === 'TYPE') family(name).type = rest;
      continue;
    }
    const [, name = '', labelText, value = '', timestamp] = SAMPLE.exec(line) ?? [];
    if (name === '') throw fail('invalid metric name');
    if (timestamp !== undefined) throw new Error(`pushed metrics must not have timestamps`);
    if (!/^[+-]?Inf$|^NaN$/.test(value) && Number.isNaN(Number(value)))
      throw fail(`expected float as value, got "${value}"`);
    const labels = parseLabels(labelText ?? '');
    if (labels === undefined) throw fail('expected label name');
    const { series } = family(name);
    if (series.some((one) => sameLabels(one.labels, labels)))
      throw new Error(`collected metric "${name}" was collected before with the same name and label values`);
    series.push({ labels, value });
  }
  return families;
}

function parseLabels(text: string): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  let at = 0;
  while (at < text.length) {
    LABEL.lastIndex = at;
    const match = LABEL.exec(text);
    if (match === null) return undefined;
    const [all, name = '', value = ''] = match;
    labels[name] = value.replaceAll(/\\(.)/g, (_whole, escaped: string) => (escaped === 'n' ? '\n' : escaped));
    at += all.length;
  }
  return labels;
}

export function sameLabels(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  return labelKey(a) === labelKey(b);
}

export function labelKey(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

export function writeExposition(families: ReadonlyMap<string, Family>): string {
  const lines: string[] = [];
  for (const [name, { type, help, series }] of families) {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const { labels, value } of series) {
      const text = Object.entries(labels)
        .map(
          ([key, label]) => `${key}="${label.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`,
        )
        .join(',');
      lines.push(`${name}${text === '' ? '' : `{${text}}`} ${value}`);
    }
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}
