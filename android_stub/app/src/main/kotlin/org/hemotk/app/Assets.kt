package org.hemotk.app

import android.content.res.AssetManager
import org.hemotk.runtime.AssetFolder

/** The bundle that the app was built with. */
fun bundleFolder(assets: AssetManager) = AssetFolder(assets, "bundle")

/** The golden set that the phone is held against. */
fun goldenFolder(assets: AssetManager) = AssetFolder(assets, "selfcheck")

/** The test split that the app was built with, or null. */
fun testsetFolder(assets: AssetManager): AssetFolder? =
    if (assets.list("testset").isNullOrEmpty()) null else AssetFolder(assets, "testset")

/** Threads for one picture: more than four rarely help on a phone. */
fun threads() = Runtime.getRuntime().availableProcessors().coerceIn(1, 4)
