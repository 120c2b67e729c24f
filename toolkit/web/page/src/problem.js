/** A picture or a site that cannot be used: `code` is the key of its sentence in the texts. */
export class Problem extends Error {
  /**
   * @param {string} code a key of `problems` in the texts
   * @param {Record<string, string | number>} [values] what stands in the sentence
   */
  constructor(code, values = {}) {
    super(code);
    this.name = 'Problem';
    this.code = code;
    this.values = values;
  }
}

/** @typedef {{code: string, values: Record<string, string | number>}} Said a problem as it goes between threads */

/**
 * Any error as something that has a sentence.
 * @param {unknown} error
 * @param {string} code the key for what no one foresaw
 * @returns {Said}
 */
export function said(error, code) {
  if (error instanceof Problem) return { code: error.code, values: error.values };
  if (error instanceof RangeError && /alloc|length|memory/i.test(error.message)) return { code: 'memory', values: {} };
  return { code, values: {} };
}
