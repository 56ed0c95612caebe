const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BEGIN_OBJECT = 0x7b;
const END_OBJECT = 0x7d;
const BEGIN_ARRAY = 0x5b;
const END_ARRAY = 0x5d;
/** What may stand between two elements: comma and white space. */
const BETWEEN = [0x2c, 0x20, 0x0a, 0x0d, 0x09];

/** Depths of the elements of an array that is a member of the outermost object. */
const IN_ARRAY = 2;
const IN_ELEMENT = 3;

/**
 * Takes a list apart as it comes: the elements of the member that is named go one by one to `onElement`; what is left of
 * the answer, with that array empty, is the envelope. So a list is never held whole, whatever its size.
 */
export class ElementSplitter {
  readonly #names: readonly string[];
  readonly #onElement: (json: string) => void;
  #envelope: Buffer[] = [];
  #element: Buffer[] = [];
  #depth = 0;
  #splits = false;
  #inText = false;
  #escaped = false;

  constructor(names: readonly string[], onElement: (json: string) => void) {
    this.#names = names;
    this.#onElement = onElement;
  }

  write(chunk: Buffer): void {
    let from = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at];
      if (this.#inText) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) this.#inText = false;
        continue;
      }
      if (byte === BEGIN_OBJECT || byte === BEGIN_ARRAY) {
        this.#depth += 1;
        if (this.#depth === IN_ARRAY && byte === BEGIN_ARRAY) {
          this.#envelope.push(Buffer.from(chunk.subarray(from, at + 1)));
          from = at + 1;
          this.#splits = this.#isNamed();
        } else if (this.#depth === IN_ELEMENT && this.#splits) from = at;
      } else if (byte === END_OBJECT || byte === END_ARRAY) {
        this.#depth -= 1;
        if (!this.#splits) continue;
        if (this.#depth === IN_ARRAY) {
          this.#element.push(chunk.subarray(from, at + 1));
          const json = Buffer.concat(this.#element).toString('utf8');
          this.#element = [];
          from = at + 1;
          this.#onElement(json);
        } else if (this.#depth < IN_ARRAY) {
          from = at;
          this.#splits = false;
        }
      } else {
        if (byte === QUOTE) this.#inText = true;
        if (this.#splits && this.#depth === IN_ARRAY && !BETWEEN.includes(byte ?? 0))
          throw new Error('the list has an element that is no object');
      }
    }
    if (from >= chunk.length) return;
    if (!this.#splits) this.#envelope.push(Buffer.from(chunk.subarray(from)));
    else if (this.#depth >= IN_ELEMENT) this.#element.push(Buffer.from(chunk.subarray(from)));
  }

  /** Whether the array that has just begun is the one that is taken apart. */
  #isNamed(): boolean {
    const before = Buffer.concat(this.#envelope);
    this.#envelope = [before];
    const name = /"([^"\\]*)"\s*:\s*\[$/.exec(before.toString('utf8'))?.[1];
    return name !== undefined && this.#names.includes(name);
  }

  /** Bytes of the envelope and of an element that has not ended. */
  get held(): number {
    return [...this.#envelope, ...this.#element].reduce((sum, { length }) => sum + length, 0);
  }

  envelope(): string {
    return Buffer.concat(this.#envelope).toString('utf8');
  }
}
