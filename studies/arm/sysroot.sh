# Debian packages for arm64, and the files in which a Cortex-A76 describes itself, in a folder that `qemu-aarch64 -L`
# takes for the root. setup.sh and android_stub/tools/arm64.sh source this; DEBIAN may name a mirror.

# arm64_apt APT_FOLDER: an apt of its own for arm64, with nothing of this machine's. Prints nothing.
arm64_apt() {
    local apt=$1 key=/usr/share/keyrings/debian-archive-keyring.gpg
    mkdir -p "$apt/lists/partial" "$apt/archives/partial"
    : > "$apt/status"
    echo "deb [arch=arm64 signed-by=$key] ${DEBIAN:-http://deb.debian.org/debian} bookworm main" > "$apt/sources"
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
    APT_CONFIG=$apt/conf apt-get update -qq --error-on=any
}

# unpack_arm64 ROOT APT_FOLDER alone|all PACKAGE…: them alone, or with all that they need.
unpack_arm64() {
    local root=$1 apt=$2 what=$3
    shift 3
    arm64_apt "$apt" || return
    if [ "$what" = alone ]; then
        (cd "$apt/archives" && APT_CONFIG=$apt/conf apt-get download -qq "$@") || return
    else
        APT_CONFIG=$apt/conf apt-get install -y -qq --download-only "$@" || return
    fi
    for package in "$apt"/archives/*.deb; do dpkg-deb -x "$package" "$root" || return; done
    rm -rf "$apt"
}

# describe_processor ROOT. Runtimes read these before they choose their kernels; without them they die, or read those of
# the host.
describe_processor() {
    local cpus=$1/sys/devices/system/cpu
    mkdir -p "$1/proc" "$cpus/cpu0/topology" "$cpus/cpu0/cpufreq"
    printf '%s\t: %s\n' > "$1/proc/cpuinfo" processor 0 BogoMIPS 108.00 \
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
