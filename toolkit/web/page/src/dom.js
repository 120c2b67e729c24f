// Small helpers for elements.

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * An element with attributes and children; a function is a listener, `null` and `false` leave an attribute out.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...shown(children));
  return element;
}

/** @param {Child[]} children @returns {(Node | string)[]} */
export const shown = (children) => children.flatMap((child) => (child ? [child] : []));

/** The element with that id. @param {string} id @returns {HTMLElement} */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(id);
  return element;
}

/** @param {string} name @param {string} text or a picture's Blob @param {string} [type] */
export const saveText = (name, text, type = 'text/plain') => saveBlob(name, new Blob([text], { type }));

/** @param {string} name @param {Blob} blob */
export function saveBlob(name, blob) {
  const url = URL.createObjectURL(blob);
  const link = el('a', { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/**
 * Gray bytes or red, green, blue, opacity on a canvas.
 * @param {HTMLCanvasElement} canvas
 * @param {import('./pixels.js').Gray} gray
 * @param {Uint8ClampedArray<ArrayBuffer>} [rgba]
 */
export function paint(canvas, gray, rgba = fromGray(gray)) {
  canvas.width = gray.width;
  canvas.height = gray.height;
  canvas.getContext('2d')?.putImageData(new ImageData(rgba, gray.width, gray.height), 0, 0);
}

/** @param {import('./pixels.js').Gray} gray */
export function fromGray({ bytes }) {
  const rgba = new Uint8ClampedArray(bytes.length * 4);
  for (let i = 0, to = 0; i < bytes.length; i++, to += 4) {
    rgba[to] = rgba[to + 1] = rgba[to + 2] = bytes[i];
    rgba[to + 3] = 255;
  }
  return rgba;
}
