// Negative Hounsfield units that wrapped to large values, put right as `hemotk.data.read.wrapped` does.

const FULL = 1 << 12;
const HALF = FULL >> 1;
const DENSEST = 2900; // of what is still taken for metal, where no padding lies below
const SPIKE = 0.02; // share of the pixels that metal does not reach

/** Whether negative values of 12 unsigned bits wrapped. @param {Int32Array} stored 0 to 4095 */
export function isWrapped(stored) {
  const counts = histogram(stored);
  let commonest = 0;
  let dense = 0;
  counts.forEach((count, value) => {
    if (count > counts[commonest]) commonest = value;
    if (value >= DENSEST) dense += count;
  });
  return commonest >= HALF || dense > SPIKE * stored.length;
}

/** The values with their sign again. @param {Int32Array} stored */
export function unwrapped(stored) {
  const most = Math.max(...histogram(stored).subarray(HALF, DENSEST));
  const border = most > SPIKE * stored.length ? HALF : DENSEST;
  return stored.map((value) => (value >= border ? value - FULL : value));
}

/** @param {Int32Array} stored */
function histogram(stored) {
  const counts = new Uint32Array(FULL);
  for (let i = 0; i < stored.length; i++) counts[stored[i]]++;
  return counts;
}
