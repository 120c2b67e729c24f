// Stands in for @litertjs/wasm-utils: the runtime's script is part of the worker, so that nothing is loaded from anywhere.

/**
 * @template T
 * @param {new (module: any) => T} Library
 * @returns {Promise<T>}
 */
export async function createWasmLib(Library) {
  const global = /** @type {any} */ (self);
  const module = await global.ModuleFactory(global.Module);
  global.Module = undefined;
  return new Library(module);
}
