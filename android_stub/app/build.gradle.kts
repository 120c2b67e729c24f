// The Android Gradle plugin from 9.0 on compiles Kotlin itself; with an earlier one add org.jetbrains.kotlin.android.
plugins {
    alias(libs.plugins.android.application)
}

android {
    namespace = "org.hemotk.app"
    compileSdk = 36

    defaultConfig {
        applicationId = "org.hemotk.app"
        minSdk = 26
        targetSdk = 35
        versionCode = 1
        versionName = "1"
    }

    // A compressed model could not be mapped into memory.
    androidResources {
        noCompress += "tflite"
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }
}

dependencies {
    implementation(project(":core"))
    implementation(libs.litert)
}
