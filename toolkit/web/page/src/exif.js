// The orientation that a picture says it is seen in, found where Pillow finds it.

import { u16be, u16le, u32be, u32le } from './bytes.js';

const ORIENTATION = 0x0112;
const SHORT = 3;

/**
 * The orientation in a TIFF block, 1 to 8; null where it says none.
 * @param {Uint8Array} tiff
 * @returns {number | null}
 */
export function orientationOf(tiff) {
  const little = tiff[0] === 0x49 && tiff[1] === 0x49;
  if (!little && !(tiff[0] === 0x4d && tiff[1] === 0x4d)) return null;
  const u16 = little ? u16le : u16be;
  const u32 = little ? u32le : u32be;
  const start = u32(tiff, 4);
  if (start + 2 > tiff.length) return null;
  const count = u16(tiff, start);
  for (let i = 0, at = start + 2; i < count && at + 12 <= tiff.length; i++, at += 12) {
    if (u16(tiff, at) === ORIENTATION && u16(tiff, at + 2) === SHORT && u32(tiff, at + 4) === 1) return u16(tiff, at + 8);
  }
  return null;
}

/** The orientation in XMP. @param {string} xmp @returns {number | null} */
export function orientationOfXmp(xmp) {
  const found = /tiff:Orientation(?:="|>)([0-9])/.exec(xmp);
  return found ? Number(found[1]) : null;
}
