export interface RequestRecord {
  readonly at: string;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly userAgent: string;
  /** Of the bearer token; empty when there was none that is known. */
  user: string;
  /** 0 while the answer is outstanding, and when the connection was cut. */
  status: number;
}

/** Every request that reached the server, for counting and for proving that nothing was changed. */
export class RequestLog {
  #records: RequestRecord[] = [];

  get records(): readonly RequestRecord[] {
    return this.#records;
  }

  /** Requests that would change something, evictions and dry runs included, access reviews not. */
  get writes(): readonly RequestRecord[] {
    return this.#records.filter(({ method, path }) => method !== 'GET' && !path.endsWith('accessreviews'));
  }

  add(record: RequestRecord): void {
    this.#records.push(record);
  }

  clear(): void {
    this.#records = [];
  }
}
