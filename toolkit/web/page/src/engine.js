// The bundle's model in LiteRT's WebAssembly.

import { Tensor, loadAndCompile, loadLiteRt } from '@litertjs/core';
import { Problem } from './problem.js';

/** @typedef {import('./card.js').Card} Card */
/** @typedef {import('./card.js').TensorSpec} TensorSpec */
/** @typedef {Record<string, Uint8Array>} Outputs by name, as the tensor stores them, little endian */

/**
 * @typedef {object} Answer
 * @property {number} logit
 * @property {Outputs} outputs
 * @property {import('./heatmap.js').Cam | null} cam
 */

/** A loaded model. */
export class Engine {
  /** @param {any} model @param {Card} card */
  constructor(model, card) {
    this.model = model;
    this.card = card;
  }

  /**
   * @param {Uint8Array} wasm the runtime; its script has set `ModuleFactory`
   * @param {Uint8Array} model
   * @param {Card} card
   */
  static async open(wasm, model, card) {
    const quiet = () => {};
    Object.assign(self, { Module: { wasmBinary: wasm, print: quiet, printErr: quiet } });
    // Verdicts come from WebAssembly alone: a graphics card rounds in its own way, so none is asked for.
    Object.defineProperty(self.navigator, 'gpu', { value: undefined, configurable: true });
    await loadLiteRt('runtime.js');
    return new Engine(await loadAndCompile(model, { accelerator: 'wasm' }), card);
  }

  /** Run the network on the bytes that it sees. @param {Uint8Array} pixels @returns {Promise<Outputs>} */
  async run(pixels) {
    return (await this.timed(pixels)).outputs;
  }

  /** As `run`, with the time of the inference alone. @param {Uint8Array} pixels */
  async timed(pixels) {
    const { size } = this.card.preprocess;
    // Tensors live in the runtime's memory until they are deleted.
    const input = new Tensor(/** @type {Uint8Array<ArrayBuffer>} */ (pixels), [1, size, size, 1]);
    try {
      const began = performance.now();
      const tensors = await this.model.run({ [this.card.model.input.name]: input });
      const milliseconds = performance.now() - began;
      return { outputs: this.read(tensors), milliseconds };
    } finally {
      input.delete();
    }
  }

  /** @param {Record<string, any>} tensors @returns {Outputs} */
  read(tensors) {
    try {
      /** @type {Outputs} */
      const outputs = {};
      for (const spec of this.card.model.outputs) {
        const values = tensors[spec.name].toTypedArray();
        outputs[spec.name] = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
      }
      return outputs;
    } finally {
      for (const tensor of Object.values(tensors)) tensor.delete();
    }
  }

  /** @param {Uint8Array} pixels @returns {Promise<Answer>} */
  async answer(pixels) {
    const outputs = await this.run(pixels);
    const [logit] = this.values(outputs, 'logit');
    if (!Number.isFinite(logit)) throw new Problem('broken_model');
    const cam = this.card.model.outputs.find((output) => output.name === 'cam');
    const map = cam && { width: cam.shape[2], height: cam.shape[1], values: Float32Array.from(this.values(outputs, 'cam')) };
    return { logit, outputs, cam: map ?? null };
  }

  /** An output's numbers. @param {Outputs} outputs @param {string} name */
  values(outputs, name) {
    const spec = this.card.model.outputs.find((output) => output.name === name);
    if (!spec) throw new Problem('damaged_site');
    return real(outputs[name], spec);
  }
}

/** @param {Uint8Array} bytes @param {TensorSpec} spec @returns {number[]} */
export function real(bytes, spec) {
  if (spec.dtype === 'uint8') return Array.from(bytes, (byte) => spec.scale * (byte - spec.zero_point));
  return Array.from(new Float32Array(bytes.slice().buffer));
}
