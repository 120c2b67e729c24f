// Kinds of pictures that only the browser can decode; it may do so in its own way, and the page says so.

import { begins, u32le } from './bytes.js';
import { MAX_PIXELS, MAX_SIDE } from './pixels.js';
import { Problem } from './problem.js';

/**
 * @param {Uint8Array} file
 * @returns {Promise<{width: number, height: number, data: Uint8ClampedArray}>}
 */
export async function decodeByBrowser(file) {
  if (begins(file, 'GIF8') || isAnimatedWebp(file)) throw new Problem('may_move');
  if (typeof OffscreenCanvas === 'undefined' || !canvasIsHonest()) throw new Problem('no_picture');
  let bitmap;
  try {
    const blob = new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (file)]);
    bitmap = await createImageBitmap(blob, { premultiplyAlpha: 'none', colorSpaceConversion: 'none', imageOrientation: 'from-image' });
  } catch {
    throw new Problem('no_picture');
  }
  try {
    const { width, height } = bitmap;
    if (width * height > MAX_PIXELS || Math.max(width, height) > MAX_SIDE) throw new Problem('too_large');
    const context = contextOf(width, height);
    context.drawImage(bitmap, 0, 0);
    return { width, height, data: context.getImageData(0, 0, width, height).data };
  } finally {
    bitmap.close();
  }
}

/** @param {Uint8Array} file */
const isAnimatedWebp = (file) => begins(file, 'RIFF') && begins(file, 'WEBPVP8X', 8) && (u32le(file, 20) & 2) !== 0;

/** @param {number} width @param {number} height */
function contextOf(width, height) {
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (!context) throw new Problem('memory');
  return context;
}

/** Whether a canvas gives back what was put in: a browser that hides who one is gives noise. */
function canvasIsHonest() {
  const context = contextOf(16, 16);
  const image = context.createImageData(16, 16);
  for (let i = 0; i < image.data.length; i++) image.data[i] = i % 4 === 3 ? 255 : (i * 37) % 256;
  const wanted = image.data.slice();
  context.putImageData(image, 0, 0);
  const found = context.getImageData(0, 0, 16, 16).data;
  return found.every((value, i) => value === wanted[i]);
}
