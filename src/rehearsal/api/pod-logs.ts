interface ContainerLog {
  readonly lines: { readonly at: string; readonly text: string }[];
  partial: string;
  ended: boolean;
  readonly readers: Set<(text: string | undefined, at: string) => void>;
}

export interface LogQuery {
  readonly tailLines?: number;
  readonly timestamps?: boolean;
  readonly sinceTime?: string;
  /** Leave out what is not a whole line yet: followers get it when it is. */
  readonly wholeLines?: boolean;
}

/** What containers wrote, by pod uid; it outlives the pod, so that a test can still read it. */
export class PodLogs {
  readonly #logs = new Map<string, ContainerLog>();

  append(podUid: string, container: string, chunk: string, now: Date = new Date()): void {
    const log = this.#log(podUid, container);
    const at = now.toISOString();
    const parts = `${log.partial}${chunk}`.split('\n');
    log.partial = parts.pop() ?? '';
    for (const text of parts) {
      log.lines.push({ at, text });
      for (const reader of log.readers) reader(text, at);
    }
  }

  /** Nothing more will come: those who follow are told. */
  end(podUid: string, container: string, now: Date = new Date()): void {
    const log = this.#log(podUid, container);
    if (log.partial !== '') this.append(podUid, container, '\n', now);
    log.ended = true;
    for (const reader of log.readers) reader(undefined, now.toISOString());
    log.readers.clear();
  }

  has(podUid: string, container: string): boolean {
    return this.#logs.has(`${podUid}/${container}`);
  }

  read(podUid: string, container: string, query: LogQuery = {}): string {
    const log = this.#log(podUid, container);
    const { sinceTime } = query;
    const since = sinceTime === undefined ? log.lines : log.lines.filter(({ at }) => at >= sinceTime);
    const wanted =
      query.tailLines === undefined ? since : since.slice(since.length - Math.min(query.tailLines, since.length));
    const text = wanted.map((line) => `${formatLine(line.text, line.at, query)}\n`).join('');
    return query.wholeLines === true || query.timestamps === true ? text : text + log.partial;
  }

  /** Lines that are still to come, until the log ends. Returns what stops it. */
  follow(podUid: string, container: string, query: LogQuery, onText: (text: string | undefined) => void): () => void {
    const log = this.#log(podUid, container);
    if (log.ended) {
      onText(undefined);
      return () => undefined;
    }
    const reader = (text: string | undefined, at: string): void => {
      onText(text === undefined ? undefined : `${formatLine(text, at, query)}\n`);
    };
    log.readers.add(reader);
    return () => {
      log.readers.delete(reader);
    };
  }

  #log(podUid: string, container: string): ContainerLog {
    const id = `${podUid}/${container}`;
    let log = this.#logs.get(id);
    if (log === undefined) this.#logs.set(id, (log = { lines: [], partial: '', ended: false, readers: new Set() }));
    return log;
  }
}

function formatLine(text: string, at: string, query: LogQuery): string {
  return query.timestamps === true ? `${at} ${text}` : text;
}
