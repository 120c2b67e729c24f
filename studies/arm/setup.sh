#!/usr/bin/env bash
# Puts what `make bench-arm` runs into build/arm, on Debian 12: an aarch64 Python with a LiteRT interpreter (75 MB are
# downloaded), the files in which a Cortex-A76 describes itself, and the counting plugin for qemu.
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
debian=${DEBIAN:-http://deb.debian.org/debian}
packages="python3.11-minimal libpython3.11-stdlib libstdc++6"
wheels="ai-edge-litert numpy ml_dtypes protobuf flatbuffers tqdm typing_extensions backports.strenum"

lacks() {
    echo "$1"
    exit 3
}

unpack_debian() {
    local apt=$out/apt
    mkdir -p "$apt/lists/partial" "$apt/archives/partial"
    : > "$apt/status"
    local key=/usr/share/keyrings/debian-archive-keyring.gpg
    echo "deb [arch=arm64 signed-by=$key] $debian bookworm main" > "$apt/sources"
    cat > "$apt/conf" << END
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Dir::Etc::SourceList "$apt/sources";
Dir::Etc::SourceParts "/dev/null";
Dir::State "$apt";
Dir::State::Lists "$apt/lists";
Dir::State::Status "$apt/status";
Dir::Cache "$apt";
Dir::Cache::Archives "$apt/archives";
END
    APT_CONFIG=$apt/conf apt-get update -qq --error-on=any || return
    # shellcheck disable=SC2086
    APT_CONFIG=$apt/conf apt-get install -y -qq --download-only $packages || return
    for package in "$apt"/archives/*.deb; do dpkg-deb -x "$package" "$root" || return; done
    rm -rf "$apt"
}

unpack_wheels() {
    # shellcheck disable=SC2086
    "$python" -m pip install --no-deps --no-compile --target "$out/site" --constraint "$top/constraints.txt" \
        --only-binary=:all: --implementation cp --python-version 3.11 --abi cp311 --abi abi3 --abi none \
        --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 --platform manylinux2014_aarch64 $wheels
}

# The interpreter reads these before it chooses its kernels; without them it dies, or reads those of the host.
describe_processor() {
    local cpus=$root/sys/devices/system/cpu
    mkdir -p "$root/proc" "$cpus/cpu0/topology" "$cpus/cpu0/cpufreq"
    printf '%s\t: %s\n' > "$root/proc/cpuinfo" processor 0 BogoMIPS 108.00 \
        Features 'fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp' \
        'CPU implementer' 0x41 'CPU architecture' 8 'CPU variant' 0x4 'CPU part' 0xd0b 'CPU revision' 1
    for name in present possible online kernel_max; do echo 0 > "$cpus/$name"; done
    for name in physical_package_id core_id core_siblings_list core_cpus_list cluster_cpus_list package_cpus_list \
        thread_siblings_list; do echo 0 > "$cpus/cpu0/topology/$name"; done
    echo 2400000 > "$cpus/cpu0/cpufreq/cpuinfo_max_freq"
    echo 1500000 > "$cpus/cpu0/cpufreq/cpuinfo_min_freq"
    describe_cache 0 1 Data 64K 4
    describe_cache 1 1 Instruction 64K 4
    describe_cache 2 2 Unified 512K 8
    describe_cache 3 3 Unified 2048K 16
}

describe_cache() { # index level type size ways
    local cache=$cpus/cpu0/cache/index$1
    mkdir -p "$cache"
    echo "$2" > "$cache/level"
    echo "$3" > "$cache/type"
    echo "$4" > "$cache/size"
    echo "$5" > "$cache/ways_of_associativity"
    echo 64 > "$cache/coherency_line_size"
    echo 0 > "$cache/shared_cpu_list"
}

command -v qemu-aarch64 > /dev/null || lacks "qemu-aarch64 is not installed; run 'apt-get install qemu-user' as root."
for tool in apt-get dpkg-deb gcc flock; do
    command -v "$tool" > /dev/null || lacks "$tool is not installed; the setup is written for Debian 12 with gcc."
done
grep -qs '^VERSION_CODENAME=bookworm$' /etc/os-release || lacks "this is not Debian 12, for which the setup is written."

mkdir -p "$out"
exec 9> "$out/lock"
flock 9
wanted=$(cat "$here/setup.sh" "$here/count.c" "$top/constraints.txt" | sha256sum)
[ "$(cat "$out/ready" 2> /dev/null)" = "$wanted" ] && exit 0

"$python" -m pip --version > /dev/null 2>&1 || lacks "$python has no pip; name one that has: PYTHON=… $0."
echo "Setting up build/arm, about half a minute …" >&2
rm -rf "$out/ready" "$root" "$out/site" "$out/apt"
mkdir -p "$root"
more="check the network, build/arm/setup.log says more."
unpack_debian > "$log" 2>&1 || lacks "$debian gave no aarch64 packages; $more"
unpack_wheels >> "$log" 2>&1 || lacks "pip got no aarch64 wheels of the versions in constraints.txt; $more"
describe_processor
gcc -O2 -Wall -shared -fPIC -o "$out/count.so" "$here/count.c"
echo "$wanted" > "$out/ready"
