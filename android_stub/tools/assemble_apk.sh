#!/usr/bin/env bash
# Assembles and verifies an .apk with Debian's tools: RESOURCES.apk (of aapt, with the assets) → OUT.apk.
# tools/test.sh has compiled the classes and unpacked the libraries. Signed with a key that is thrown away.
set -euo pipefail
cd "$(dirname "$0")/.."

resources=$(realpath "$1")
out=$(realpath -m "$2")
PYTHON=${PYTHON:-python3}
WORK=$PWD/build
stage=$WORK/apk
DX=$WORK/download/dalvik-dx-16.0.1.jar
kotlin=$(sed -n 's:.*<kotlin.version>\(.*\)</kotlin.version>.*:\1:p' pom.xml)

fetch() {
    mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy -Dartifact="$1" -DoutputDirectory="$WORK/download"
}

[[ -f $DX ]] || fetch com.jakewharton.android.repackaged:dalvik-dx:16.0.1
[[ -f $WORK/download/kotlin-stdlib-$kotlin.jar ]] || fetch "org.jetbrains.kotlin:kotlin-stdlib:$kotlin"

rm -rf "$stage" "$out" && mkdir -p "$stage/classes" "$stage/content/lib/arm64-v8a"

# Classes for Java 8 only: what a .jar has for later versions is left out.
for jar in "$WORK"/tensorflow-lite{,-api,-gpu,-gpu-api}/classes.jar "$WORK/download/kotlin-stdlib-$kotlin.jar"; do
    (cd "$stage/classes" && jar xf "$jar" && rm -rf META-INF)
done
cp -r {core,runtime,app}/build/maven/classes/. "$stage/classes/"
rm -rf "$stage/classes/META-INF"
dex() { java -Xmx1g -cp "$DX" com.android.dx.command.Main --dex "$@"; }

# With 24 dx refuses invokedynamic, whose factories no phone has; the app's own classes must be free of it. Two functions
# of Kotlin's library are not (compareBy of several selectors, asStream): they are translated with 26, and never called.
mkdir "$stage/own" && cp -r "$stage/classes/org" "$stage/own/"
dex --min-sdk-version=24 --output="$stage/own.dex" "$stage/own"
if grep -rqE 'compareBy|kotlin/streams' "$stage/classes/org"; then
    echo "the app calls what dx cannot translate for a phone: compareBy of several selectors, or streams" >&2
    exit 1
fi
dex --min-sdk-version=26 --output="$stage/content/classes.dex" "$stage/classes"
"$PYTHON" tools/complete_dex.py "$stage/content/classes.dex"

cp "$WORK"/tensorflow-lite{,-gpu}/jni/arm64-v8a/*.so "$stage/content/lib/arm64-v8a/"
cp "$resources" "$stage/unaligned.apk"
(cd "$stage/content" && jar uf0M "$stage/unaligned.apk" classes.dex lib)
zipalign -p 4 "$stage/unaligned.apk" "$out"

keytool -genkeypair -keystore "$stage/key.jks" -storepass throwaway -keypass throwaway -alias key -keyalg RSA \
    -keysize 2048 -validity 2 -dname "CN=thrown away" 2> /dev/null
apksigner sign --ks "$stage/key.jks" --ks-pass pass:throwaway --min-sdk-version 26 "$out"
rm "$stage/key.jks"

apksigner verify --verbose --min-sdk-version 26 "$out" | grep -E '^(Verifies|Verified using v[23] scheme.*true)'
zipalign -c -p 4 "$out"
listing=$(aapt list -v "$out")
for wanted in 'Stored .*assets/bundle/model_int8.tflite' 'Stored .*lib/arm64-v8a/libtensorflowlite_jni.so' \
    'Stored .*lib/arm64-v8a/libtensorflowlite_gpu_jni.so' 'classes.dex'; do
    grep -qE "$wanted" <<< "$listing" || { echo "$out: has no '$wanted'" >&2; exit 1; }
done
if aapt dump permissions "$out" | grep -q uses-permission; then
    echo "$out: asks for a permission" >&2
    exit 1
fi
echo "$out: $(stat -c %s "$out") bytes, assembled and verified, never run on a phone here"
