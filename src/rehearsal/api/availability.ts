/** Whether the API can be reached: while it cannot, controllers and kubelets cannot do anything either. */
export class Availability {
  readonly #listeners = new Set<(up: boolean) => void>();
  #up = true;

  get isUp(): boolean {
    return this.#up;
  }

  set(up: boolean): void {
    this.#up = up;
    for (const listener of this.#listeners) listener(up);
  }

  subscribe(listener: (up: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
