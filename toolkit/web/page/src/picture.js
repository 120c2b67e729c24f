// From the bytes of a file to gray and colours: one place that knows every kind of file.

import { upperByte, hounsfield } from './deep_gray.js';
import { decodeDicom, isDicom } from './dicom.js';
import { decodeJpeg, isJpeg } from './jpeg.js';
import { checkSize, grayOverBlack, oriented } from './pixels.js';
import { decodePng, isPng } from './png.js';
import { Problem } from './problem.js';

/** @typedef {{window_level: number, window_width: number, hu_offset?: number | null}} Spec */
/**
 * @typedef {object} Picture
 * @property {import('./pixels.js').Gray} gray
 * @property {Uint8Array | null} colours red, green, blue of each pixel; null where it is gray
 * @property {import('./dicom.js').SliceHeader | null} header of a DICOM file
 * @property {boolean} corrected whether wrapped values were put right
 * @property {boolean} foreign whether the browser decoded it, which may differ from Python
 */

/**
 * @param {Uint8Array} file
 * @param {Spec} spec
 * @param {(file: Uint8Array) => Promise<{width: number, height: number, data: Uint8ClampedArray}>} [browser] decodes other kinds
 * @returns {Promise<Picture>}
 */
export async function decodePicture(file, spec, browser) {
  const window = { level: spec.window_level, width: spec.window_width };
  if (!file.length) throw new Problem('empty');
  if (isPng(file)) {
    const { width, height, gray, deep, colours, orientation } = decodePng(file);
    const bytes = deep ? (spec.hu_offset == null ? upperByte(deep) : hounsfield(deep, window, spec.hu_offset)) : gray;
    return upright(width, height, /** @type {Uint8Array} */ (bytes), colours, orientation);
  }
  if (isJpeg(file)) {
    const { width, height, gray, colours, orientation } = await decodeJpeg(file);
    return upright(width, height, gray, colours, orientation);
  }
  if (isDicom(file)) {
    const { width, height, gray, header, corrected } = await decodeDicom(file, window);
    return { ...upright(width, height, gray, null, 1), header, corrected };
  }
  if (!browser) throw new Problem('no_picture');
  const { width, height, data } = await browser(file);
  checkSize(width, height);
  return { ...decodedElsewhere(width, height, data), foreign: true };
}

/** @param {number} width @param {number} height @param {Uint8ClampedArray} data */
function decodedElsewhere(width, height, data) {
  const gray = new Uint8Array(width * height);
  const { shown, coloured } = grayOverBlack(data, gray);
  if (!shown && coloured) throw new Problem('transparent');
  const colours = new Uint8Array(width * height * 3);
  let alike = true;
  for (let i = 0; i < gray.length; i++) {
    const [r, g, b] = [data[4 * i], data[4 * i + 1], data[4 * i + 2]];
    alike &&= r === g && g === b;
    colours[3 * i] = r;
    colours[3 * i + 1] = g;
    colours[3 * i + 2] = b;
  }
  return upright(width, height, gray, alike ? null : colours, 1);
}

/** @param {number} width @param {number} height @param {Uint8Array} gray @param {Uint8Array | null} colours @param {number} orientation @returns {Picture} */
function upright(width, height, gray, colours, orientation) {
  return {
    gray: oriented({ width, height, bytes: gray }, orientation, 1),
    colours: colours && oriented({ width, height, bytes: colours }, orientation, 3).bytes,
    header: null,
    corrected: false,
    foreign: false,
  };
}

