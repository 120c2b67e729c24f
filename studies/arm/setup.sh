#!/usr/bin/env bash
# Puts what `make bench-arm` runs into build/arm, on Debian 12: an aarch64 Python with a LiteRT interpreter (75 MB are
# downloaded), the files in which a Cortex-A76 describes itself, the counting plugin for qemu, and a clock of it.
#   studies/arm/setup.sh
# PYTHON names the Python whose pip fetches the wheels, DEBIAN a mirror. All of it is kept until this script, the plugin
# or constraints.txt changes. Ends with 0 when all is there, with 3 and a sentence when the machine lacks something.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
out=$top/build/arm
root=$out/root
log=$out/setup.log
python=${PYTHON:-python3}
packages="python3.11-minimal libpython3.11-stdlib libstdc++6"
wheels="ai-edge-litert numpy ml_dtypes protobuf flatbuffers tqdm typing_extensions backports.strenum"

# shellcheck source=studies/arm/sysroot.sh
source "$here/sysroot.sh"

lacks() {
    echo "$1"
    exit 3
}

unpack_wheels() {
    # shellcheck disable=SC2086
    "$python" -m pip install --no-deps --no-compile --target "$out/site" --constraint "$top/constraints.txt" \
        --only-binary=:all: --implementation cp --python-version 3.11 --abi cp311 --abi abi3 --abi none \
        --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 --platform manylinux2014_aarch64 $wheels
}

command -v qemu-aarch64 > /dev/null || lacks "qemu-aarch64 is not installed; run 'apt-get install qemu-user' as root."
for tool in apt-get dpkg-deb gcc flock; do
    command -v "$tool" > /dev/null || lacks "$tool is not installed; the setup is written for Debian 12 with gcc."
done
grep -qs '^VERSION_CODENAME=bookworm$' /etc/os-release || lacks "this is not Debian 12, for which the setup is written."

mkdir -p "$out"
exec 9> "$out/lock"
flock 9
wanted=$(cat "$here/setup.sh" "$here/sysroot.sh" "$here/count.c" "$here/clock.c" "$top/constraints.txt" | sha256sum)
[ "$(cat "$out/ready" 2> /dev/null)" = "$wanted" ] && exit 0

"$python" -m pip --version > /dev/null 2>&1 || lacks "$python has no pip; name one that has: PYTHON=… $0."
echo "Setting up build/arm, about half a minute …" >&2
rm -rf "$out/ready" "$root" "$out/site" "$out/apt"
mkdir -p "$root"
more="check the network, build/arm/setup.log says more."
# shellcheck disable=SC2086
unpack_arm64 "$root" "$out/apt" all $packages > "$log" 2>&1 ||
    lacks "${DEBIAN:-http://deb.debian.org/debian} gave no aarch64 packages; $more"
unpack_wheels >> "$log" 2>&1 || lacks "pip got no aarch64 wheels of the versions in constraints.txt; $more"
describe_processor "$root"
gcc -O2 -Wall -shared -fPIC -o "$out/count.so" "$here/count.c"
# Only `arm.costs` needs it, and a compiler for Arm.
if command -v aarch64-linux-gnu-gcc > /dev/null; then
    aarch64-linux-gnu-gcc -O2 -Wall -shared -fPIC -o "$out/clock.so" "$here/clock.c"
fi
echo "$wanted" > "$out/ready"
