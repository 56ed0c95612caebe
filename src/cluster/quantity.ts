/** Amounts of resources by name: cpu in thousandths of a core, everything else in its own unit (bytes, pieces). */
export type Resources = Readonly<Record<string, number>>;

const FACTORS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

const QUANTITY = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i))?$/;

/** A quantity of the Kubernetes API ('250m', '1.5Gi', '1e3'); undefined for what is none. */
export function parseQuantity(text: string): number | undefined {
  const match = QUANTITY.exec(text);
  if (match === null) return undefined;
  const [, number = '', exponent = '', suffix = ''] = match;
  const value = Number(`${number}${exponent}`) * (FACTORS[suffix] ?? Number.NaN);
  return Number.isFinite(value) ? value : undefined;
}

/** What cannot be read is left out: whoever compares takes what is absent for no limit and no demand. */
export function parseResources(quantities: Readonly<Record<string, string | number>> | null | undefined): Resources {
  const entries = Object.entries(quantities ?? {}).flatMap(([name, quantity]) => {
    const value = parseQuantity(String(quantity));
    return value === undefined ? [] : [[name, name === 'cpu' ? Math.round(value * 1000) : value] as const];
  });
  return Object.fromEntries(entries);
}

export function formatResource(name: string, amount: number): string {
  if (name === 'cpu') return amount % 1000 === 0 ? `${amount / 1000}` : `${amount}m`;
  if (!/^(memory|ephemeral-storage|hugepages-.*)$/.test(name)) return `${amount}`;
  const unit = (['Gi', 'Mi', 'Ki'] as const).find((each) => Math.abs(amount) >= (FACTORS[each] ?? 1));
  if (unit === undefined) return `${amount}`;
  return `${Number((amount / (FACTORS[unit] ?? 1)).toFixed(1))}${unit}`;
}
