#!/usr/bin/env bash
# The runtime's tests with the .apk's own library for arm64, on a Java virtual machine for arm64 under qemu; test.sh calls
# this after it compiled everything. What it needs is put into build/arm64 once (50 MB are downloaded).
#   tools/arm64.sh BUNDLE
# Ends with 3 and a sentence where the machine lacks something.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/.."

PYTHON=${PYTHON:-python3}
BUNDLE=$1
WORK=$PWD/build
OUT=$WORK/arm64
ROOT=$OUT/root
JAVA=usr/lib/jvm/java-17-openjdk-arm64
PACKAGES="openjdk-17-jre-headless libc6 libgcc-s1 libstdc++6 zlib1g"
PATIENCE=300

# shellcheck source=studies/arm/sysroot.sh
source ../studies/arm/sysroot.sh

lacks() {
    echo "$1"
    exit 3
}

# The compiler alone is installed where that is allowed.
compiler() {
    command -v aarch64-linux-gnu-gcc > /dev/null && return
    [[ $(id -u) = 0 ]] || return
    local wait=(-o DPkg::Lock::Timeout=300)
    apt-get "${wait[@]}" update -qq && apt-get "${wait[@]}" install -y -qq --no-install-recommends \
        gcc-aarch64-linux-gnu libc6-dev-arm64-cross
}

# Links to /etc would lead out of the root, into what this machine has there.
keep_links_inside() {
    find "$ROOT" -type l -lname '/*' | while read -r link; do
        ln -sfrn "$ROOT$(readlink "$link")" "$link"
    done
}

java_of_arm64() {
    local wanted
    wanted=$(cat tools/arm64.sh ../studies/arm/sysroot.sh | sha256sum)
    [[ $(cat "$OUT/ready" 2> /dev/null) = "$wanted" ]] && return
    rm -rf "$OUT" && mkdir -p "$ROOT"
    # shellcheck disable=SC2086
    unpack_arm64 "$ROOT" "$OUT/apt" alone $PACKAGES > "$OUT/setup.log" 2>&1 || return
    keep_links_inside
    describe_processor "$ROOT"
    echo "$wanted" > "$OUT/ready"
}

# As for x86-64 in test.sh.
library_of_arm64() {
    rm -rf "$OUT/jni" && mkdir -p "$OUT/jni"
    "$PYTHON" tools/bionic/fit.py "$WORK/tensorflow-lite/jni/arm64-v8a/libtensorflowlite_jni.so" \
        "$OUT/jni/libtensorflowlite_jni.so"
    aarch64-linux-gnu-gcc -O1 -Wall -Werror -shared -fPIC -Wl,-soname,libc.so -o "$OUT/jni/libc.so" tools/bionic/shim.c
    for name in m dl log; do
        aarch64-linux-gnu-gcc -shared -fPIC -Wl,-soname,lib$name.so -x c -o "$OUT/jni/lib$name.so" /dev/null
    done
}

command -v qemu-aarch64 > /dev/null || lacks "qemu-aarch64 is not installed; run 'apt-get install qemu-user' as root."
for tool in apt-get dpkg-deb; do command -v "$tool" > /dev/null || lacks "$tool is not installed."; done
grep -qs '^VERSION_CODENAME=bookworm$' /etc/os-release || lacks "this is not Debian 12, whose packages for arm64 are taken."
mkdir -p "$OUT"
compiler > "$OUT/compiler.log" 2>&1 ||
    lacks "aarch64-linux-gnu-gcc is not installed; run 'apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross' as root."
java_of_arm64 || lacks "Debian gave no Java virtual machine for arm64; check the network, $OUT/setup.log says more."
library_of_arm64

for name in junit-4.13.2 hamcrest-core-1.3; do [[ -f $WORK/download/$name.jar ]] || lacks "$WORK/download/$name.jar is missing."; done
classes=core/build/maven/classes:runtime/build/maven/classes:runtime/build/maven/test-classes
classes+=:$WORK/tensorflow-lite/classes.jar:$WORK/tensorflow-lite-api/classes.jar
kotlin=$(sed -n 's:.*<kotlin.version>\(.*\)</kotlin.version>.*:\1:p' pom.xml)
for name in "kotlin-stdlib-$kotlin" junit-4.13.2 hamcrest-core-1.3; do classes+=:$WORK/download/$name.jar; done
# One compiler and one collector: under emulation a thread costs more than it gives. Nothing of the caller's environment
# goes in: it could lead this machine to libraries of the host.
timeout "$PATIENCE" env -i qemu-aarch64 -cpu cortex-a76 -L "$ROOT" -E LD_LIBRARY_PATH="$OUT/jni" "$ROOT/$JAVA/bin/java" \
    -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto -Djava.library.path="$OUT/jni" \
    -Dhemotk.bundle="$BUNDLE" -Dhemotk.expected="$WORK/expected/expected.json" -cp "$classes" \
    org.junit.runner.JUnitCore org.hemotk.runtime.LiteRtRuntimeTest > "$OUT/said.txt" ||
    { grep -v '^	at' "$OUT/said.txt" >&2; exit 1; }
grep -oE '^OK.*|model.*images:.*' "$OUT/said.txt"
