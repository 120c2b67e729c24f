import ctypes
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hemotk.data.read.preprocess import normalize
from hemotk.errors import CheckFailed, HemotkError
from hemotk.tflite.facts import ModelFacts, ModelTensor

sys.path.append(str(Path(__file__).parents[2] / "studies"))

from arm import __main__ as arm
from arm import emulator
from arm.counts import ArmReport, Count, Row, header, line, steady
from arm.emulator import Missing, native, parse_counts, set_up
from arm.pictures import PHANTOMS, input_tensor, pixel_bytes, stored
from click.testing import CliRunner
from converted_bundles import COUNT, SIZE, draw_images
from hypothesis import given
from hypothesis import strategies as st

from hemotk.artifacts import PreprocessSpec

MODEL = Path("a.tflite")
SPEC = PreprocessSpec(SIZE)

# Takes qemu's place: runs inference.py natively; the first inference costs 1000 instructions, every other 300.
FAKE = """\
import json, subprocess, sys
if "--version" in sys.argv:
    sys.exit(print("qemu-aarch64 version 7.2.22 (Fake)"))
done = subprocess.run([sys.executable, *sys.argv[-3:]], stdout=subprocess.PIPE)
said = json.loads(done.stdout)
total = 7
with open(sys.argv[sys.argv.index("-D") + 1], "w") as log:
    for index, outputs in enumerate(said["outputs"]):
        for cost in (50, 300 if index else 1000):
            total += cost
            log.write(f"{total} {total // 100}\\n")
{change}
print(json.dumps(said))
"""


# --- counts


def test_counts_are_differences_of_totals():
    log = "100 1\n150 6\n170 6\n190 7\n"
    assert parse_counts(log, 2, MODEL) == (Count(50, 5), Count(20, 1))


@pytest.mark.parametrize(
    "log", ["", "1 1\n", "1 1\n2 2\n3 3\n", "1 1\n2\n", "1 1\n2 x\n", "1 1 1\n2 2 2\n", "1 1\n2 2\n" * 2]
)
def test_a_log_that_does_not_fit_is_refused(log):
    with pytest.raises(HemotkError, match=r"a\.tflite: qemu's log does not hold two counts an inference"):
        parse_counts(log, 1, MODEL)


@pytest.mark.parametrize(
    ("totals", "expected"),
    [((900, 100), 100), ((900, 101, 100), 100), ((900, 101, 100, 102), 101), ((1, 100, 102), 100)],
)
def test_steady_is_the_median_after_the_first(totals, expected):
    assert steady([Count(total, 0) for total in totals], "m") == Count(expected, 0)


def test_counts_that_do_not_repeat_are_no_figure():
    steady([Count(500_000_000, 0), Count(102_000_000, 0), Count(100_000_000, 0)], "m")
    with pytest.raises(
        CheckFailed, match="m: took 100000000 to 103000000 instructions for one inference, more than 2% apart"
    ):
        steady([Count(500_000_000, 0), Count(103_000_000, 0), Count(100_000_000, 0)], "m")


def row(**changes):
    found = {
        "model": "a",
        "sha256": "0" * 64,
        "bytes": 1,
        "size": 8,
        "dtype": "uint8",
        "steady": Count(230_520_000, 127_190_000),
    }
    return Row(**{**found, "counts": (), "ratio": 0.75, **changes})


def test_the_table_lines_up():
    models = ["long/name/b.tflite", "a"]
    assert header(models) == "model                     input  M instructions   M SDOT   ratio   as native"
    assert line(row(), models) == "a                       8 uint8           230.5    127.2   0.750           –"
    compared = row(images_compared=40, images_equal=39)
    assert line(compared, models) == "a                       8 uint8           230.5    127.2   0.750    39 of 40"


# --- pictures


def tensor(dtype, scale=0.0, zero_point=0, shape=(1, 16, 16, 1)):
    return ModelTensor("pixels", dtype, shape, scale, zero_point)


ALL_BYTES = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)


def test_a_quantized_input_of_the_contract_holds_the_pixel_bytes():
    found = stored(ALL_BYTES, tensor("uint8", SPEC.scale, SPEC.zero_point))
    assert found.dtype == np.uint8
    assert np.array_equal(found, ALL_BYTES.reshape(1, 1, 16, 16, 1))


def test_a_float_input_holds_what_the_network_sees():
    found = stored(ALL_BYTES, tensor("float32"))
    assert np.array_equal(found[0, 0, :, :, 0], normalize(ALL_BYTES[0], SPEC))
    assert found.dtype == np.float32


@given(st.sampled_from(["uint8", "int8", "int16"]), st.floats(1e-4, 1.0), st.integers(-100, 100))
def test_another_quantization_is_as_close_as_its_grid(dtype, scale, zero_point):
    found = stored(ALL_BYTES, tensor(dtype, scale, zero_point))
    limits = np.iinfo(dtype)
    least, most = (scale * (limit - zero_point) for limit in (limits.min, limits.max))
    expected = np.clip(normalize(ALL_BYTES, SPEC).astype(float), least, most)
    assert np.abs(scale * (found[:, 0, :, :, 0].astype(float) - zero_point) - expected).max() <= scale * (0.5 + 1e-6)


@pytest.mark.parametrize("refused", [tensor("int32", 1.0), tensor("uint8"), tensor("float16")])
def test_an_input_of_another_type_is_refused(refused):
    with pytest.raises(HemotkError, match="input 'pixels': is "):
        stored(ALL_BYTES, refused)


@pytest.mark.parametrize(
    "shapes", [[], [(1, 8, 9, 1)], [(1, 8, 8, 3)], [(-1, 8, 8, 1)], [(1, 0, 0, 1)], [(1, 8, 8, 1)] * 2, [()]]
)
def test_inputs_of_another_shape_are_refused(shapes):
    facts = ModelFacts(tuple(tensor("uint8", shape=shape) for shape in shapes), (), (), 0, None, "")
    with pytest.raises(HemotkError, match=r"a\.tflite: has inputs of shape"):
        input_tensor(MODEL, facts)


def test_images_come_from_a_folder_or_a_file(tmp_path):
    np.save(tmp_path / "images.npy", draw_images())
    for path in (tmp_path, tmp_path / "images.npy"):
        assert np.array_equal(pixel_bytes(path, SIZE), draw_images())


def test_phantoms_stand_in_for_images():
    found = pixel_bytes(None, SIZE)
    assert found.shape == (PHANTOMS, SIZE, SIZE)
    assert len({picture.tobytes() for picture in found}) == PHANTOMS


@pytest.mark.parametrize(
    "array",
    [np.zeros((2, 8, 9), np.uint8), np.zeros((2, 8, 8)), np.zeros((8, 8), np.uint8), np.zeros((0, 8, 8), np.uint8)],
)
def test_images_that_do_not_fit_are_refused(array, tmp_path):
    np.save(tmp_path / "i.npy", array)
    with pytest.raises(HemotkError, match=r"i\.npy: holds .* where the model takes uint8 \(n, 8, 8\)"):
        pixel_bytes(tmp_path / "i.npy", 8)


@pytest.mark.parametrize("content", [None, b"", b"no array"])
def test_files_that_are_no_images_are_refused(content, tmp_path):
    if content is not None:
        (tmp_path / "images.npy").write_bytes(content)
    with pytest.raises(HemotkError, match=r"images\.npy: is no array of images"):
        pixel_bytes(tmp_path if content is not None else tmp_path / "images.npy", 8)


# --- setup


@pytest.mark.parametrize(("code", "error"), [(3, Missing), (1, HemotkError)])
def test_what_the_setup_says(code, error, tmp_path):
    script = tmp_path / "setup.sh"
    script.write_text(f"echo noise\necho 'no network here.'\nexit {code}\n")
    with pytest.raises(error, match=r"^no network here\.$" if error is Missing else "setup.sh: ended with code 1"):
        set_up(script)


def test_a_setup_that_ends_well(tmp_path):
    (tmp_path / "setup.sh").write_text("exit 0\n")
    set_up(tmp_path / "setup.sh")


def test_the_setup_names_what_is_missing(tmp_path):
    for tool in ("bash", "dirname"):
        (tmp_path / tool).symlink_to(shutil.which(tool))
    done = subprocess.run(
        [emulator.SETUP], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (
        3,
        "qemu-aarch64 is not installed; run 'apt-get install qemu-user' as root.\n",
    )


# --- the command


@pytest.fixture
def files(tmp_path, models):
    """The tiny models as files, and images for them."""
    for name in ("float32", "int8"):
        (tmp_path / f"{name}.tflite").write_bytes(models[name])
    np.save(tmp_path / "images.npy", draw_images())
    return tmp_path


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Put a fake in qemu's place; the statement `change` may edit what it `said`."""

    def make(change=""):
        (tmp_path / "qemu.py").write_text(FAKE.replace("{change}", change))
        qemu = tmp_path / "qemu-aarch64"
        qemu.write_text(f'#!/bin/sh\nexec {sys.executable} {tmp_path}/qemu.py "$@"\n')
        qemu.chmod(qemu.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
        monkeypatch.setattr(emulator, "FOLDER", tmp_path)
        monkeypatch.setattr(arm, "REPORT", tmp_path / "counts.json")
        monkeypatch.setattr(arm, "set_up", lambda: None)

    return make


def run(*arguments):
    return CliRunner().invoke(arm.main, list(map(str, arguments)))


def test_a_table_and_a_report(files, fake):
    fake()
    models = [files / "float32.tflite", files / "int8.tflite"]
    done = run(*models, "--images", files, "--scores", "--inferences", 4)
    assert done.exit_code == 0, done.output
    report = ArmReport.read(files / "counts.json")
    assert (report.cpu, report.qemu, report.images) == ("cortex-a76", "7.2.22", files.as_posix())
    assert report.ai_edge_litert == native(models[0], np.zeros((1, 1, SIZE, SIZE, 1), np.float32)).version
    first, second = report.rows
    assert [count.all for count in first.counts] == [1000, 300, 300, 300]
    assert (first.steady.all, first.ratio, second.ratio) == (300, 1, 1)
    assert (first.dtype, first.images_compared) == ("float32", None)
    assert (second.dtype, second.size, len(second.counts)) == ("uint8", SIZE, COUNT)
    assert (second.images_compared, second.images_equal) == (COUNT, COUNT)
    names = [model.as_posix() for model in models]
    assert done.output.splitlines()[:3] == [header(names), line(first, names), line(second, names)]


def test_without_scores_nothing_is_compared(files, fake):
    fake()
    assert run(files / "int8.tflite").exit_code == 0
    (found,) = ArmReport.read(files / "counts.json").rows
    assert (len(found.counts), found.images_compared, found.images_equal) == (3, None, None)


def test_one_other_output_byte_fails(files, fake):
    fake('name = min(outputs); outputs[name] = "00" if outputs[name] != "00" else "01"')  # of the last image
    done = run(files / "int8.tflite", "--images", files, "--scores")
    assert done.exit_code == 1
    assert f"int8.tflite gives other bytes for 1 of {COUNT} images on cortex-a76 than here" in done.output
    assert ArmReport.read(files / "counts.json").rows[0].images_equal == COUNT - 1


def test_another_version_of_the_interpreter_is_refused(files, fake):
    fake('said["version"] = "1.0"')
    done = run(files / "int8.tflite", "--images", files, "--scores")
    assert done.exit_code == 2
    assert " and 1.0 under the emulator; install the version" in done.output
    assert not (files / "counts.json").exists()


def test_a_model_that_fails_is_said_in_a_sentence(files, fake):
    fake()
    broken = files / "broken.tflite"
    broken.write_bytes((files / "int8.tflite").read_bytes())
    (files / "qemu.py").write_text('import sys; print("oh no.", file=sys.stderr); sys.exit(139)')
    done = run(broken, "--images", files)
    assert (done.exit_code, done.stdout) == (2, header([broken.as_posix()]) + "\n")
    assert "broken.tflite: failed in qemu-aarch64 with code 139 (oh no); check the model.\n" in done.output


@pytest.mark.parametrize("name", ["missing.tflite", "images.npy"])
def test_what_is_no_model_is_refused(name, files, fake):
    fake()
    done = run(files / name)
    assert done.exit_code == 2
    assert f"bench-arm: {files / name}: " in done.output


def test_a_report_is_not_replaced_unasked(files, fake):
    fake()
    out = files / "mine.json"
    assert run(files / "int8.tflite", "--images", files, "--out", out).exit_code == 0
    assert run(files / "int8.tflite", "--images", files, "--out", out).exit_code == 2
    assert run(files / "int8.tflite", "--images", files, "--out", out, "--overwrite").exit_code == 0
    assert not (files / "counts.json").exists()


def test_what_is_missing_skips_visibly(files, monkeypatch):
    def lacking():
        raise Missing("qemu-aarch64 is not installed.")

    monkeypatch.setattr(arm, "set_up", lacking)
    done = run(files / "int8.tflite")
    assert (done.exit_code, done.output) == (0, "bench-arm: skipped: qemu-aarch64 is not installed.\n")


def test_no_models_is_wrong_use():
    assert run().exit_code == 2


# --- the real thing


@pytest.fixture(scope="module")
def is_dot(tmp_path_factory):
    if shutil.which("gcc") is None:
        pytest.skip("no gcc")
    library = tmp_path_factory.mktemp("plugin") / "count.so"
    source = emulator.SETUP.with_name("count.c")
    # What qemu would provide stays unresolved, and unused.
    subprocess.run(["gcc", "-Wall", "-Werror", "-shared", "-fPIC", "-Wl,-z,lazy", "-o", library, source], check=True)
    return ctypes.CDLL(str(library), mode=os.RTLD_LAZY).is_dot


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (0x4E829420, 1),  # sdot v0.4s, v1.16b, v2.16b
        (0x6E9F97FF, 1),  # udot v31.4s, v31.16b, v31.16b
        (0x0E829420, 1),  # sdot v0.2s, v1.8b, v2.8b
        (0x4F82E020, 1),  # sdot v0.4s, v1.16b, v2.4b[0]
        (0x4FBFEBFF, 1),  # sdot v31.4s, v31.16b, v31.4b[3]
        (0x6FA2E820, 1),  # udot v0.4s, v1.16b, v2.4b[3]
        (0x4EA29420, 0),  # mla v0.4s, v1.4s, v2.4s
        (0x4E22CC20, 0),  # fmla v0.4s, v1.4s, v2.4s
        (0x4F821020, 0),  # fmla v0.4s, v1.4s, v2.s[0]
        (0x0E228020, 0),  # smlal v0.8h, v1.8b, v2.8b
        (0x4E82A420, 0),  # smmla v0.4s, v1.16b, v2.16b
        (0xD503201F, 0),  # nop
    ],
)
def test_dot_products_are_known_by_their_words(is_dot, word, expected):
    assert is_dot(ctypes.c_uint32(word)) == expected


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("qemu-aarch64") is None, reason="qemu-aarch64 is not installed")
def test_under_qemu_the_bytes_are_the_same(files):
    try:
        set_up()
    except Missing as reason:
        pytest.skip(str(reason))
    out = files / "arm.json"
    done = run(files / "float32.tflite", files / "int8.tflite", "--images", files, "--scores", "--out", out)
    assert done.exit_code == 0, done.output
    single, quantized = ArmReport.read(out).rows
    assert (quantized.images_compared, quantized.images_equal) == (COUNT, COUNT)
    assert single.steady.sdot == 0
    # 3×3 weights on (32/2)² places for 4 channels; a dot product does at most 16 multiplications.
    assert quantized.steady.sdot >= 9 * 16 * 16 * 4 / 16
