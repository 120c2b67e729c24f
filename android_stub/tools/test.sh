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
    local group name version type file
    IFS=: read -r group name version type <<< "$1"
    file=$name-$version.${type:-jar}
    [[ -f $WORK/download/$file ]] && return
    mkdir -p "$WORK/download"
    # What Maven fetched before needs no start of Maven.
    cp "$HOME/.m2/repository/${group//.//}/$name/$version/$file" "$WORK/download/" 2> /dev/null ||
        mvn -q -B "$COPY" -Dartifact="$1" -DoutputDirectory="$WORK/download"
}

declare -A BESIDE=()

# beside NAME COMMAND...: runs it in the background; `joined NAME` waits for it, says what it said, and fails if it failed.
beside() {
    local name=$1
    shift
    "$@" > "$WORK/$name.txt" 2>&1 &
    BESIDE[$name]=$!
}

joined() {
    local code=0
    wait "${BESIDE[$1]}" || code=$?
    grep -vE '^(INFO|.* org\.tensorflow|.*\[0m$)' "$WORK/$1.txt" || true
    return "$code"
}

# Nothing of it goes on after a failure.
trap 'kill $(jobs -p) 2> /dev/null || true' EXIT

# unpack ARTIFACT VERSION: an .aar into build/ARTIFACT
unpack() {
    mkdir -p "$WORK/$1"
    (cd "$WORK/$1" && jar xf "$WORK/download/$1-$2.aar")
}

version() { sed -n "s:.*<$1.version>\(.*\)</$1.version>.*:\1:p" pom.xml; }

# A network small enough to be trained in seconds, on drawn slices, with a map: as two bundles, for an app with several.
small_bundles() {
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

# Assets that were changed after the project was written: what the app is to say of them.
damaged_assets() {
    local kind place
    for kind in model missing card threshold; do
        place=$WORK/assets/damaged/$kind
        mkdir -p "$place"
        cp -r "$WORK/assets/bundle" "$WORK/assets/selfcheck" "$place/"
    done
    place=$WORK/assets/damaged
    printf x >> "$(echo "$place"/model/bundle/*int8.tflite)"
    rm "$place"/missing/bundle/*int8.tflite
    truncate -s 100 "$place/card/bundle/bundle.json"
    sed -i 's/"threshold": [0-9.e-]*/"threshold": 0.123/' "$place/threshold/bundle/bundle.json"
}

# Two projects, with one model and with several, and what Python says of the models and of all kinds of files.
projects_and_vectors() {
    small_bundles
    "$PYTHON" -m hemotk android "$BUNDLE" --out "$WORK/staged" --with-testset --overwrite
    "$PYTHON" -m hemotk android "$WORK"/small/bundles/{small,other} --out "$WORK/several" --overwrite
    # The tests of the screens read both apps' assets, which lie at different places.
    rm -rf "$WORK/assets" && cp -r "$WORK/staged/app/src/main/assets" "$WORK/assets"
    cp -r "$WORK/several/app/src/main/assets/models" "$WORK/assets/"
    damaged_assets
    rm -rf "$WORK/vectors" "$WORK/expected" "$WORK"/device*.json
    "$PYTHON" tools/write_vectors.py "$WORK/vectors"
    "$PYTHON" -W ignore tools/write_files.py "$WORK/vectors"
    "$PYTHON" tools/write_app_expected.py "$BUNDLE" "$WORK/expected"
    "$PYTHON" -m hemotk predict "$WORK/small/bundles/other" "$WORK/expected/pictures/gray.png" \
        --json "$WORK/expected/other.json" > /dev/null
    export PYTHONPATH=$PWD/../tests/helpers${PYTHONPATH:+:$PYTHONPATH}
    "$PYTHON" -W ignore tools/write_dicom.py "$WORK/vectors"
    "$PYTHON" -W ignore tools/write_series.py "$BUNDLE" "$WORK/expected"
}

# resources NAME MAIN [ASSETS]: the manifest, R.java and resources.apk of the app at MAIN → build/resources/NAME
resources() {
    local out=$WORK/resources/$1 assets=()
    [[ -z ${3:-} ]] || assets=(-A "$3" -0 tflite)
    rm -rf "$out" && mkdir -p "$out/r"
    # What Gradle's merger does is done here: the package goes in, what is marked for removal goes out, and so does
    # what Debian's framework, that of Android 10, does not know.
    "$PYTHON" tools/merge_manifest.py "$2/AndroidManifest.xml" "$out/AndroidManifest.xml"
    aapt package -f -m -J "$out/r" -M "$out/AndroidManifest.xml" -S "$2/res" "${assets[@]}" -I "$FRAMEWORK" \
        -F "$out/resources.apk" --min-sdk-version 26 --target-sdk-version 36 --version-code 1 --version-name 1
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
}

# screens NAME ASSETS: where Robolectric finds the app whose resources have that name.
screens() {
    local place=$WORK/robolectric/$1/com/android/tools
    mkdir -p "$place"
    cat > "$place/test_config.properties" <<EOF
android_resource_apk=$WORK/resources/$1/resources.apk
android_merged_manifest=$WORK/resources/$1/AndroidManifest.xml
android_merged_assets=$2
android_custom_package=org.hemotk.app
EOF
}

# The written projects hold the sources that are compiled here, and give resources the same numbers.
same_projects() {
    local name
    for name in staged several; do
        for folder in core/src/main runtime/src/main app/src/main/kotlin; do diff -r "$folder" "$WORK/$name/$folder"; done
        diff -r "$WORK/staged/core/src/test/kotlin" "$WORK/$name/core/src/test/kotlin"
        diff -r "$WORK/staged/app/src/test/kotlin" "$WORK/$name/app/src/test/kotlin"
        resources "$name" "$WORK/$name/app/src/main" "$WORK/$name/app/src/main/assets"
        diff -r "$WORK/resources/app/r" "$WORK/resources/$name/r"
        screens "$name" "$WORK/$name/app/src/main/assets"
    done
}

# The .apk, and what dx made of the core.
assemble() {
    tools/assemble_apk.sh "$WORK/resources/staged/resources.apk" "$WORK/hemotk.apk"
    echo "running the core's tests on what is in the .dex, translated back"
    translated_back
    echo "looking for names in it"
    "$PYTHON" tools/check_names.py "$BUNDLE" "$WORK/hemotk.apk"
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

[[ $(uname -m) = x86_64 ]] || skip "the library that ships is run as that for x86-64; this is $(uname -m)"

# Two cores are kept busy: while the compiler works, Python trains, exports and writes what is expected.
mkdir -p "$WORK"
BUNDLE=$(realpath -m "${BUNDLE:-$WORK/small/bundles/small}")
say "training a small network, writing what Python says; fetching libraries and compiling beside"
beside expected projects_and_vectors

for name in tensorflow-lite tensorflow-lite-api tensorflow-lite-gpu; do
    fetch "org.tensorflow:$name:$(version tflite):aar"
    unpack "$name" "$(version tflite)"
done
fetch "org.tensorflow:tensorflow-lite-gpu-api:$(version gpu):aar"
unpack tensorflow-lite-gpu-api "$(version gpu)"
# Also what tools/assemble_apk.sh and tools/arm64.sh take: two Mavens at once had better not fetch.
for name in junit:junit:4.13.2 org.hamcrest:hamcrest-core:1.3 "org.jetbrains.kotlin:kotlin-stdlib:$(version kotlin)" \
    com.jakewharton.android.repackaged:dalvik-dx:16.0.1; do
    fetch "$name"
done
native_library
resources app app/src/main # R.java; the assets come later
profiles=(-Pactivities)
if reachable "androidx/test/monitor/$(version monitor)/monitor-$(version monitor).pom"; then
    robolectric
else
    profiles=(-pl '!written')
    echo "SKIPPED: the activities' tests: Robolectric needs androidx.test:monitor, which is not on this Maven Central"
fi
rm -rf ./*/build/maven
mvn -q -B test-compile "${profiles[@]}" -pl '!written'

joined expected
resources app app/src/main "$WORK/assets"
screens app "$WORK/assets"
same_projects

# They run beside the tests, and are heard in the end.
beside arm64 tools/arm64.sh "$BUNDLE"
beside apk assemble

say "testing"
# Only the projects' own tests are not compiled yet: their sources were not there.
mvn -q -B test "${profiles[@]}" -Dcompile.phase=none -Dtest.compile.phase=none \
    -Dhemotk.bundle="$BUNDLE" -Dhemotk.expected="$WORK/expected/expected.json" -Dhemotk.litert="$LIBRARY" -Dhemotk.litert.version="$LITERT_VERSION"
grep -h '^Tests run' ./*/build/maven/surefire-reports*/*.txt

say "what the core wrote, read as a device's file"
"$PYTHON" tools/read_device.py "$BUNDLE" "$WORK"/device*.json

say "assembling the app"
joined apk

say "running the .apk's own arm64 library under emulation"
code=0 && joined arm64 || code=$?
[[ $code = 3 ]] && echo "SKIPPED: the arm64 library: see the line above"
[[ $code = 0 || $code = 3 ]] || exit "$code"

if [[ ${1:-} = mutate ]]; then
    say "putting in mutations"
    MUTATE_PROPERTIES="-Dhemotk.bundle=$BUNDLE -Dhemotk.expected=$WORK/expected/expected.json" "$PYTHON" tools/mutate.py
fi
