"""What snippets need to run here: a stand-in for each runtime that knows the golden tensors, and one for each decoder.

A stand-in answers the recorded output only to the very bytes of a golden tensor, and only at the logit's place.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from hemotk.artifacts import BUNDLE_CARD, BundleCard, Variant
from hemotk.artifacts.golden import GoldenSet
from hemotk.embedding.feeding import logit_of, stored

Answers = dict[str, tuple[int, bytes]]


def answers(folder: Path, kind: str) -> Iterator[tuple[int, int, bytes]]:
    """FNV-1a of each golden tensor's bytes, the logit's place among the outputs, and the bytes that stand there."""
    card = BundleCard.read(folder / BUNDLE_CARD)
    variant, golden = card.variant(kind), GoldenSet.read(folder / "golden.json")
    said = golden.model(kind)
    for picture, score in zip(golden.pictures, said.scores, strict=True):
        pixels = np.asarray(Image.open(folder / picture.input))
        yield fnv(stored(variant, card.preprocess, pixels).tobytes()), said.output, output(variant, score.logit)


def output(variant: Variant, logit: float) -> bytes:
    """The bytes of the logit in its tensor."""
    tensor = logit_of(variant)
    if tensor.dtype == "float32":
        return np.float32(logit).tobytes()
    return np.uint8(round(logit / tensor.scale + tensor.zero_point)).tobytes()


def fnv(data: bytes) -> int:
    """FNV-1a, 32 bits: short in every language."""
    found = 0x811C9DC5
    for byte in data:
        found = (found ^ byte) * 0x01000193 & 0xFFFFFFFF
    return found


def write_raw(folder: Path) -> None:
    """Beside each PNG its width, height (int32) and RGBA bytes, for decoders that only read these."""
    for path in folder.glob("*.png"):
        image = Image.open(path).convert("RGBA")
        path.with_suffix(".png.raw").write_bytes(np.array(image.size, "<i4").tobytes() + image.tobytes())


def with_swapped_colours(folder: Path, out: Path) -> Path:
    """A copy of the bundle whose coloured picture has red and blue swapped, as a wrong decoder gives them."""
    shutil.copytree(folder, out)
    pixels = np.asarray(Image.open(out / "golden_4.png"))
    Image.fromarray(np.ascontiguousarray(pixels[..., ::-1])).save(out / "golden_4.png")
    write_raw(out)
    return out


C_API = """
#pragma once
#include <cstdint>
#include <cstring>
#include <vector>
// As far as the snippet uses it: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/lite/core/c/c_api.h
enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 };
struct TfLiteModel {};
struct TfLiteInterpreterOptions {};
struct TfLiteTensor { std::vector<uint8_t> bytes; };
struct TfLiteInterpreter { TfLiteTensor input; TfLiteTensor outputs[3]; };
struct Answer { uint32_t fnv; int output; std::vector<uint8_t> bytes; };
static const Answer kAnswers[] = { ANSWERS };
inline TfLiteModel* TfLiteModelCreateFromFile(const char*) { return new TfLiteModel; }
inline void TfLiteModelDelete(TfLiteModel* model) { delete model; }
inline TfLiteInterpreterOptions* TfLiteInterpreterOptionsCreate() { return new TfLiteInterpreterOptions; }
inline void TfLiteInterpreterOptionsDelete(TfLiteInterpreterOptions* options) { delete options; }
inline void TfLiteInterpreterOptionsSetNumThreads(TfLiteInterpreterOptions*, int32_t) {}
inline TfLiteInterpreter* TfLiteInterpreterCreate(const TfLiteModel*, const TfLiteInterpreterOptions*) {
  return new TfLiteInterpreter;
}
inline void TfLiteInterpreterDelete(TfLiteInterpreter* interpreter) { delete interpreter; }
inline TfLiteStatus TfLiteInterpreterAllocateTensors(TfLiteInterpreter* it) {
  it->input.bytes.resize(INPUT_BYTES);
  return kTfLiteOk;
}
inline TfLiteTensor* TfLiteInterpreterGetInputTensor(const TfLiteInterpreter* it, int32_t) {
  return const_cast<TfLiteTensor*>(&it->input);
}
inline const TfLiteTensor* TfLiteInterpreterGetOutputTensor(const TfLiteInterpreter* it, int32_t i) {
  return &it->outputs[i];
}
inline TfLiteStatus TfLiteTensorCopyFromBuffer(TfLiteTensor* tensor, const void* data, size_t size) {
  if (size != tensor->bytes.size()) return kTfLiteError;
  memcpy(tensor->bytes.data(), data, size);
  return kTfLiteOk;
}
inline TfLiteStatus TfLiteTensorCopyToBuffer(const TfLiteTensor* tensor, void* data, size_t size) {
  if (size != tensor->bytes.size()) return kTfLiteError;
  memcpy(data, tensor->bytes.data(), size);
  return kTfLiteOk;
}
inline TfLiteStatus TfLiteInterpreterInvoke(TfLiteInterpreter* it) {
  uint32_t fnv = 0x811C9DC5;
  for (uint8_t byte : it->input.bytes) fnv = (fnv ^ byte) * 0x01000193;
  for (TfLiteTensor& output : it->outputs) output.bytes.assign(OUTPUT_BYTES, 77);
  for (const Answer& answer : kAnswers)
    if (answer.fnv == fnv) it->outputs[answer.output].bytes = answer.bytes;
  return kTfLiteOk;
}
"""

STB_IMAGE = """
#pragma once
#include <cstdio>
#include <cstdlib>
#include <string>
inline unsigned char* stbi_load(const char* path, int* width, int* height, int* channels, int) {
  FILE* file = fopen((std::string(path) + ".raw").c_str(), "rb");
  if (!file) return nullptr;
  int size[2];
  if (fread(size, 4, 2, file) != 2) return nullptr;
  *width = size[0], *height = size[1], *channels = 4;
  const size_t count = 4 * static_cast<size_t>(size[0]) * size[1];
  unsigned char* rgba = static_cast<unsigned char*>(malloc(count));
  const size_t read = fread(rgba, 1, count, file);
  fclose(file);
  return read == count ? rgba : nullptr;
}
inline void stbi_image_free(void* rgba) { free(rgba); }
"""


def c_api(folder: Path, kind: str) -> str:
    """A header that stands in for TensorFlow Lite's C API."""
    rows = list(answers(folder, kind))
    said = ", ".join(f"{{{key}u, {place}, {{{', '.join(map(str, data))}}}}}" for key, place, data in rows)
    variant = BundleCard.read(folder / BUNDLE_CARD).variant(kind)
    size = int(np.prod(variant.input.shape)) * np.dtype(variant.input.dtype).itemsize
    return (
        C_API.replace("ANSWERS", said).replace("INPUT_BYTES", str(size)).replace("OUTPUT_BYTES", str(len(rows[0][2])))
    )


LITERT_JS = """
const ANSWERS = new Map([ROWS]);
export async function loadLiteRt() {}
export class Tensor {
  constructor(values, shape) { this.values = values; this.shape = shape; }
  toTypedArray() { return this.values; }
  delete() {}
}
export async function loadAndCompile() {
  return {
    async run({ pixels }) {
      const [one, height, width, channels] = pixels.shape;
      if (one * height * width * channels !== pixels.values.length) throw new Error('shape');
      const { buffer, byteOffset, byteLength } = pixels.values;
      let fnv = 0x811c9dc5;
      for (const byte of new Uint8Array(buffer, byteOffset, byteLength)) fnv = Math.imul(fnv ^ byte, 0x01000193) >>> 0;
      const bytes = Uint8Array.from(ANSWERS.get(fnv) ?? FALLBACK);
      const logit = bytes.length === 1 ? bytes : new Float32Array(bytes.buffer);
      return { logit: new Tensor(logit, [1, 1]), probability: new Tensor(new Float32Array(1), [1, 1]) };
    },
  };
}
"""

BROWSER_JS = """
import { readFileSync } from 'node:fs';
globalThis.fetch = async (path) => ({ blob: async () => path });
globalThis.createImageBitmap = async (path, options) => {
  if (options.colorSpaceConversion !== 'none' || options.premultiplyAlpha !== 'none') throw new Error('options');
  const raw = readFileSync(`${path}.raw`);
  return { width: raw.readInt32LE(0), height: raw.readInt32LE(4), rgba: new Uint8ClampedArray(raw.subarray(8)) };
};
globalThis.OffscreenCanvas = class {
  getContext() {
    let shown;
    return { drawImage: (bitmap) => { shown = bitmap; }, getImageData: () => ({ data: shown.rgba }) };
  }
};
const { testGolden } = await import('./snippet.mjs');
console.log(JSON.stringify(await testGolden(process.argv[2])));
"""


def litert_js(folder: Path, kind: str) -> str:
    """A module that stands in for @litertjs/core."""
    rows = list(answers(folder, kind))
    said = ", ".join(f"[{key}, [{', '.join(map(str, data))}]]" for key, _, data in rows)
    return LITERT_JS.replace("ROWS", said).replace("FALLBACK", f"[{', '.join('7' for _ in rows[0][2])}]")


JAVA = {
    "android/graphics/Bitmap.java": """package android.graphics;
public class Bitmap {
  public enum Config { ARGB_8888 }
  private final java.awt.image.BufferedImage image;
  Bitmap(java.awt.image.BufferedImage image) { this.image = image; }
  public int getWidth() { return image.getWidth(); }
  public int getHeight() { return image.getHeight(); }
  public void getPixels(int[] argb, int offset, int stride, int x, int y, int width, int height) {
    int bands = image.getRaster().getNumBands();
    int[] pixel = new int[4];
    for (int row = 0; row < height; row++)
      for (int column = 0; column < width; column++) {
        image.getRaster().getPixel(column, row, pixel);
        if (bands == 1) pixel[1] = pixel[2] = pixel[0];
        argb[offset + row * stride + column] = 255 << 24 | pixel[0] << 16 | pixel[1] << 8 | pixel[2];
      }
  }
}""",
    "android/graphics/Rect.java": "package android.graphics;\npublic class Rect {}",
    "android/graphics/BitmapFactory.java": """package android.graphics;
public class BitmapFactory {
  public static class Options {
    public boolean inPremultiplied = true;
    public Bitmap.Config inPreferredConfig;
  }
  public static Bitmap decodeStream(java.io.InputStream stream, Rect padding, Options options) {
    if (options.inPremultiplied) throw new IllegalStateException("premultiplied");
    try { return new Bitmap(javax.imageio.ImageIO.read(stream)); }
    catch (java.io.IOException error) { return null; }
  }
}""",
}

INTERPRETER = """package org.tensorflow.lite;
import java.nio.ByteBuffer;
public final class Interpreter implements AutoCloseable {
  public static class Options { public Options setNumThreads(int threads) { return this; } }
  public Interpreter(ByteBuffer model, Options options) {}
  public void runForMultipleInputsOutputs(Object[] inputs, java.util.Map<Integer, Object> outputs) {
    ByteBuffer input = (ByteBuffer) inputs[0];
    if (!input.isDirect() || input.remaining() != INPUT_BYTES) throw new IllegalArgumentException("input");
    int fnv = 0x811C9DC5;
    while (input.hasRemaining()) fnv = (fnv ^ (input.get() & 255)) * 0x01000193;
    for (Object output : outputs.values())
      for (int i = 0; i < ((ByteBuffer) output).limit(); i++) ((ByteBuffer) output).put(i, (byte) 77);
    int[][] answers = { ANSWERS };
    for (int[] answer : answers)
      if (answer[0] == fnv && outputs.containsKey(answer[1])) {
        ByteBuffer output = (ByteBuffer) outputs.get(answer[1]);
        if (output.remaining() != answer.length - 2) throw new IllegalArgumentException("output");
        for (int i = 2; i < answer.length; i++) output.put((byte) answer[i]);
      }
  }
  public void close() {}
}"""


def java_interpreter(folder: Path, kind: str) -> str:
    """A class that stands in for org.tensorflow.lite.Interpreter."""
    rows = answers(folder, kind)
    said = ", ".join(f"{{(int) {key}L, {place}, {', '.join(map(str, data))}}}" for key, place, data in rows)
    variant = BundleCard.read(folder / BUNDLE_CARD).variant(kind)
    size = int(np.prod(variant.input.shape)) * np.dtype(variant.input.dtype).itemsize
    return INTERPRETER.replace("ANSWERS", said).replace("INPUT_BYTES", str(size))


KOTLIN_MAIN = """
package slices

fun main(arguments: Array<String>) {
    val classifier = Classifier(java.nio.ByteBuffer.allocateDirect(1))
    for (fault in testGolden(classifier) { java.io.File(arguments[0], it).inputStream() }) println(fault)
}
"""
