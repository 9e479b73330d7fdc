// One thing at a time: a queue of asynchronous steps.

export class Lock {
  #tail: Promise<unknown> = Promise.resolve();

  run<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(step);
    this.#tail = result.catch(() => undefined); // its caller hears of the failure; the next goes on
    return result;
  }
}
