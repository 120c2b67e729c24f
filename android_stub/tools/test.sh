#!/usr/bin/env bash
# Proves the app without a phone, the Android SDK, Google's repository or Gradle; `make test-android` calls it.
# `test.sh mutate` also puts faults into the sources and looks whether a test sees each (an hour of one core).
# PYTHON is an interpreter with hemotk[train]; BUNDLE is a bundle to use instead of a small one that is trained here.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/.."

PYTHON=${PYTHON:-python3}
WORK=$PWD/build
FRAMEWORK=/usr/share/android-framework-res/framework-res.apk
CENTRAL=https://repo.maven.apache.org/maven2
LITERT_VERSION=2.3.0 # the C API still moves: litert/ is written for this one
COPY=org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy

say() { printf '\n== %s\n' "$*"; }

skip() {
    printf '\nSKIPPED: test-android: %s\n' "$*"
    exit 0
}

# What the machine lacks is installed where that is allowed, else named.
tools() {
    local missing=()
    command -v mvn > /dev/null || missing+=(maven)
    command -v javac > /dev/null || missing+=(default-jdk-headless)
    command -v gcc > /dev/null || missing+=(gcc libc6-dev)
    for tool in aapt zipalign apksigner; do command -v $tool > /dev/null || missing+=("$tool"); done
    [[ -f $FRAMEWORK ]] || missing+=(android-framework-res)
    /usr/bin/python3 -c 'import enjarify' 2> /dev/null || missing+=(enjarify)
    ((${#missing[@]})) || return 0
    if [[ $(id -u) = 0 ]] && command -v apt-get > /dev/null; then
        say "installing ${missing[*]}"
        # Another installation may hold the lock: it is waited for.
        local wait=(-o DPkg::Lock::Timeout=300)
        apt-get "${wait[@]}" update -qq &&
            apt-get "${wait[@]}" install -y -qq --no-install-recommends "${missing[@]}" > /dev/null && return 0
    fi
    echo "test-android: needs the Debian packages ${missing[*]}; install them and start again." >&2
    return 2
}

reachable() {
    "$PYTHON" - "$CENTRAL/$1" <<'EOF'
import sys, urllib.request
request = urllib.request.Request(sys.argv[1], method="HEAD")
try:
    urllib.request.urlopen(request, timeout=20).close()
except OSError:
    sys.exit(1)
EOF
}

# fetch GROUP:ARTIFACT:VERSION[:TYPE] → build/download/ARTIFACT-VERSION.TYPE
fetch() {
    local group name version type
    IFS=: read -r group name version type <<< "$1"
    [[ -f $WORK/download/$name-$version.${type:-jar} ]] ||
        mvn -q -B "$COPY" -Dartifact="$1" -DoutputDirectory="$WORK/download"
}

# unpack ARTIFACT VERSION: an .aar into build/ARTIFACT
unpack() {
    mkdir -p "$WORK/$1"
    (cd "$WORK/$1" && jar xf "$WORK/download/$1-$2.aar")
}

version() { sed -n "s:.*<$1.version>\(.*\)</$1.version>.*:\1:p" pom.xml; }

# A network small enough to be trained in seconds, on drawn slices, with a map: as two bundles, for an app with several.
small_bundles() {
    say "training a small network"
    rm -rf "$WORK/small" && mkdir -p "$WORK/small"
    (
        cd "$WORK/small"
        hemotk() { "$PYTHON" -m hemotk "$@" > log.txt 2>&1 || { cat log.txt >&2; return 1; }; }
        hemotk data phantom slices --count 40
        hemotk data split slices --out split.json
        hemotk train split.json --arch densenet-tiny --size 64 --epochs 1 --out runs/small
        hemotk export runs/small --quantize int8 --outputs uint8 --cam --out bundles/small
        hemotk export runs/small --quantize int8 --outputs float32 --cam --out bundles/other
    )
}

resources() {
    rm -rf "$WORK/r" "$WORK/manifest" && mkdir -p "$WORK/r" "$WORK/manifest"
    # What Gradle's merger does is done here: the package goes in, what is marked for removal goes out, and so does
    # what Debian's framework, that of Android 10, does not know.
    "$PYTHON" tools/merge_manifest.py app/src/main/AndroidManifest.xml "$WORK/manifest/AndroidManifest.xml"
    aapt package -f -m -J "$WORK/r" -M "$WORK/manifest/AndroidManifest.xml" -S app/src/main/res \
        -A "$WORK/assets" -0 tflite -I "$FRAMEWORK" -F "$WORK/resources.apk" \
        --min-sdk-version 26 --target-sdk-version 36 --version-code 1 --version-name 1
}

# The library of the .apk for x86-64, made to run on this machine's JVM, with what Android's C library has beside it.
native_library() {
    mkdir -p "$WORK/jni"
    "$PYTHON" tools/bionic/fit.py "$WORK/tensorflow-lite/jni/x86_64/libtensorflowlite_jni.so" \
        "$WORK/jni/libtensorflowlite_jni.so"
    gcc -O1 -Wall -Werror -shared -fPIC -Wl,-soname,libc.so -o "$WORK/jni/libc.so" tools/bionic/shim.c
    for name in m dl log; do
        gcc -shared -fPIC -Wl,-soname,lib$name.so -x c -o "$WORK/jni/lib$name.so" /dev/null
    done
}

robolectric() {
    local instrumented
    instrumented=$(version android)-$(version instrumented)
    fetch "androidx.test:monitor:$(version monitor):aar"
    fetch "org.robolectric:android-all-instrumented:$instrumented"
    unpack monitor "$(version monitor)"
    mkdir -p "$WORK/robolectric/com/android/tools"
    cat > "$WORK/robolectric/com/android/tools/test_config.properties" <<EOF
android_resource_apk=$WORK/resources.apk
android_merged_manifest=$WORK/manifest/AndroidManifest.xml
android_merged_assets=$WORK/assets
android_custom_package=org.hemotk.app
EOF
}

# The core's classes as dx made them, not as the compiler did.
translated_back() {
    local tests
    /usr/bin/python3 tools/undex.py "$WORK/apk/content/classes.dex" "$WORK/back.jar"
    mapfile -t tests < <(cd core/build/maven/test-classes && find . -name '*Test.class' | sed 's:^\./::; s:\.class$::; s:/:.:g')
    # Translated code takes larger frames than the compiler's: JSON that is nested 100 deep did not always fit 1 MB.
    java -Xss8m -Dhemotk.work="$WORK" -Dhemotk.assets="$WORK/staged/app/src/main/assets" \
        -cp "core/build/maven/test-classes:$WORK/back.jar:$WORK/download/junit-4.13.2.jar:$WORK/download/hamcrest-core-1.3.jar" \
        org.junit.runner.JUnitCore "${tests[@]}" > "$WORK/back.txt" || { grep -v '^	at' "$WORK/back.txt" >&2; return 1; }
    grep '^OK' "$WORK/back.txt"
}

tools
reachable junit/junit/4.13.2/junit-4.13.2.pom || skip "Maven Central cannot be reached at $CENTRAL"

found=$("$PYTHON" -c 'import ai_edge_litert as it; print(it.__version__, it.__path__[0])')
[[ ${found%% *} = "$LITERT_VERSION" ]] ||
    skip "ai-edge-litert ${found%% *} is installed, its C library is called as that of $LITERT_VERSION"
LIBRARY=${found#* }/libLiteRt.so

say "fetching libraries"
for name in tensorflow-lite tensorflow-lite-api tensorflow-lite-gpu; do
    fetch "org.tensorflow:$name:$(version tflite):aar"
    unpack "$name" "$(version tflite)"
done
fetch "org.tensorflow:tensorflow-lite-gpu-api:$(version gpu):aar"
unpack tensorflow-lite-gpu-api "$(version gpu)"

[[ $(uname -m) = x86_64 ]] || skip "the library that ships is run as that for x86-64; this is $(uname -m)"
native_library

small_bundles
BUNDLE=$(realpath "${BUNDLE:-$WORK/small/bundles/small}")
"$PYTHON" -m hemotk android "$BUNDLE" --out "$WORK/staged" --with-testset --overwrite
"$PYTHON" -m hemotk android "$WORK"/small/bundles/{small,other} --out "$WORK/several" --overwrite
# The tests of the screens read both apps' assets, which lie at different places.
rm -rf "$WORK/assets" && cp -r "$WORK/staged/app/src/main/assets" "$WORK/assets"
cp -r "$WORK/several/app/src/main/assets/models" "$WORK/assets/"

say "what Python says"
rm -rf "$WORK/vectors" "$WORK/expected" "$WORK"/device*.json
"$PYTHON" tools/write_vectors.py "$WORK/vectors"
"$PYTHON" -W ignore tools/write_files.py "$WORK/vectors"
"$PYTHON" tools/write_expected.py "$BUNDLE" "$WORK/expected"
"$PYTHON" -m hemotk predict "$WORK/small/bundles/other" "$WORK/expected/pictures/gray.png" --json "$WORK/expected/other.json" > /dev/null
export PYTHONPATH=$PWD/../tests/helpers${PYTHONPATH:+:$PYTHONPATH}
"$PYTHON" -W ignore tools/write_dicom.py "$WORK/vectors"
"$PYTHON" -W ignore tools/write_series.py "$BUNDLE" "$WORK/expected"

say "compiling and testing"
resources
activities=(-Pactivities)
if reachable "androidx/test/monitor/$(version monitor)/monitor-$(version monitor).pom"; then
    robolectric
else
    activities=()
    echo "SKIPPED: the activities' tests: Robolectric needs androidx.test:monitor, which is not on this Maven Central"
fi
rm -rf ./*/build/maven
mvn -q -B test "${activities[@]}" -Dhemotk.bundle="$BUNDLE" -Dhemotk.expected="$WORK/expected/expected.json" \
    -Dhemotk.litert="$LIBRARY" -Dhemotk.litert.version="$LITERT_VERSION"
grep -h '^Tests run' ./*/build/maven/surefire-reports/*.txt

# It runs beside what comes next, and is heard in the end.
for name in junit:junit:4.13.2 org.hamcrest:hamcrest-core:1.3; do fetch "$name"; done
tools/arm64.sh "$BUNDLE" > "$WORK/arm64.txt" 2>&1 &
emulated=$!

say "what the core wrote, read as a device's file"
"$PYTHON" tools/read_device.py "$BUNDLE" "$WORK"/device*.json

say "assembling the app"
tools/assemble_apk.sh "$WORK/resources.apk" "$WORK/hemotk.apk"

say "running the core's tests on what is in the .dex, translated back"
translated_back

say "running the .apk's own arm64 library under emulation"
code=0 && wait "$emulated" || code=$?
grep -vE '^(INFO|.* org\.tensorflow)' "$WORK/arm64.txt"
[[ $code = 3 ]] && echo "SKIPPED: the arm64 library: see the line above"
[[ $code = 0 || $code = 3 ]] || exit "$code"

say "looking for names in it"
"$PYTHON" tools/check_names.py "$BUNDLE" "$WORK/hemotk.apk"

if [[ ${1:-} = mutate ]]; then
    say "putting in mutations"
    MUTATE_PROPERTIES="-Dhemotk.bundle=$BUNDLE -Dhemotk.expected=$WORK/expected/expected.json" "$PYTHON" tools/mutate.py
fi
