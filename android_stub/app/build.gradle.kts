// The Android Gradle plugin from 9.0 on compiles Kotlin itself; with an earlier one add org.jetbrains.kotlin.android.
import com.android.build.api.artifact.SingleArtifact

plugins {
    alias(libs.plugins.android.application)
}

val setting = { name: String -> providers.gradleProperty("hemotk.$name").get() }

android {
    namespace = "org.hemotk.app"
    compileSdk = 36

    defaultConfig {
        applicationId = setting("applicationId")
        minSdk = 26
        targetSdk = 36
        versionCode = setting("versionCode").toInt()
        versionName = setting("versionName")
        testInstrumentationRunner = "androidx.test.runner.AndroidJUnitRunner"
    }

    buildTypes {
        release {
            isMinifyEnabled = true
            isShrinkResources = true
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"), "rules.pro")
        }
    }

    // A compressed model could not be mapped into memory.
    androidResources {
        noCompress += "tflite"
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }

    // The screens on Robolectric: they need the app's own resources and assets.
    testOptions {
        unitTests {
            isIncludeAndroidResources = true
        }
    }

    lint {
        warningsAsErrors = true
        abortOnError = true
        // Versions are raised on purpose, not because a newer one came out.
        disable += setOf("AndroidGradlePluginVersion", "GradleDependency", "NewerVersionAvailable")
    }
}

dependencies {
    implementation(project(":core"))
    implementation(project(":runtime"))
    testImplementation(libs.junit)
    testImplementation(libs.robolectric)
    androidTestImplementation(libs.androidx.test.runner)
    androidTestImplementation(libs.androidx.test.junit)
}

tasks.withType<Test>().configureEach {
    // Robolectric hands out file descriptors of its own making.
    jvmArgs("--add-opens=java.base/java.io=ALL-UNNAMED")
}

/** Fails where a library brought a permission into the manifest of the whole app. */
abstract class NoPermission : DefaultTask() {
    @get:InputFile
    @get:PathSensitive(PathSensitivity.NONE)
    abstract val manifest: RegularFileProperty

    @TaskAction
    fun check() {
        val text = manifest.get().asFile.readText()
        val names = Regex("<uses-permission[^>]*android:name=\"([^\"]*)\"").findAll(text).map { it.groupValues[1] }.toList()
        // Android's own libraries declare one that only the app itself can hold.
        val asked = names.filterNot { it.endsWith(".DYNAMIC_RECEIVER_NOT_EXPORTED_PERMISSION") }
        if (asked.isNotEmpty()) {
            throw GradleException("The app would ask for $asked: remove them with tools:node=\"remove\" in AndroidManifest.xml.")
        }
    }
}

androidComponents {
    onVariants { variant ->
        val name = variant.name.replaceFirstChar { it.uppercase() }
        val check = tasks.register<NoPermission>("check${name}Permissions") {
            group = "verification"
            description = "Fails if the merged manifest asks for a permission."
            manifest.set(variant.artifacts.get(SingleArtifact.MERGED_MANIFEST))
        }
        tasks.named { it == "assemble$name" || it == "bundle$name" || it == "check" }.configureEach { dependsOn(check) }
    }
}
