// Plain Kotlin without Android and without a library: copy this folder into a project of yours as it is.
import org.jetbrains.kotlin.gradle.dsl.JvmTarget

plugins {
    alias(libs.plugins.kotlin.jvm)
}

java {
    sourceCompatibility = JavaVersion.VERSION_1_8
    targetCompatibility = JavaVersion.VERSION_1_8
}

kotlin {
    compilerOptions {
        jvmTarget.set(JvmTarget.JVM_1_8)
        allWarningsAsErrors.set(true)
    }
}

dependencies {
    testImplementation(libs.junit)
}

tasks.test {
    // What `hemotk android` recorded of the drawn pictures.
    systemProperty("hemotk.assets", rootProject.file("app/src/main/assets").path)
}
