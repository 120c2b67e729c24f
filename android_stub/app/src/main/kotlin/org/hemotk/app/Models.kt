package org.hemotk.app

import android.content.Context
import android.content.res.AssetManager
import org.hemotk.core.Bundle
import org.hemotk.core.Card
import org.hemotk.core.GoldenSet
import org.hemotk.core.HemotkException
import org.hemotk.core.Problem
import org.hemotk.runtime.AssetFolder
import java.io.IOException

/**
 * One of the app's models: where its bundle and what belongs to it lie in the assets.
 *
 * [name] is that of its bundle, and empty where the app has no other. [checkFile] is what the phone's own check of it is called.
 */
class ModelPlace(private val assets: AssetManager, val name: String, val checkFile: String, private val root: String) {
    /** The bundle that the app was built with. */
    val bundle get() = AssetFolder(assets, "${root}bundle")

    /** The test split that the app was built with, or null. */
    val testset: AssetFolder?
        get() = "${root}testset".let { if (assets.list(it).isNullOrEmpty()) null else AssetFolder(assets, it) }

    /** The bundle's model card, or null. */
    val modelCard get() = assets.text("${root}about/MODEL_CARD.md")

    /** Its card is read. Throws [HemotkException] where it is that of another bundle than the list of models says. */
    fun open(): Bundle = Bundle(bundle).also {
        if (name.isNotEmpty() && it.card.name != name) throw HemotkException(Problem.UNREADABLE_CARD, "${Card.FILE}: name")
    }

    /** What the phone is held against. */
    fun golden(bundle: Bundle) = GoldenSet(AssetFolder(assets, "${root}selfcheck"), bundle)
}

/** The app's models, in the order that they were given in. */
fun models(context: Context): List<ModelPlace> {
    val names = context.resources.getStringArray(R.array.models)
    if (names.isEmpty()) return listOf(ModelPlace(context.assets, "", "check.json", ""))
    return several(context, names.toList())
}

/** Models of these names, as `hemotk android` puts several into an app. */
internal fun several(context: Context, names: List<String>) = names.mapIndexed { at, name ->
    ModelPlace(context.assets, name, "check-${at + 1}.json", "models/${at + 1}/")
}

/** Which of the app's models is asked; it is kept on this device until another one is chosen. */
class Choice(context: Context) {
    private val settings = context.getSharedPreferences("model", Context.MODE_PRIVATE)
    val models = found(context)

    /** Whether there is anything to choose. */
    val isThere get() = models.size > 1

    /** The first one, unless another was chosen that is still there. */
    var chosen: ModelPlace
        get() = settings.getString(NAME, null).let { name -> models.firstOrNull { it.name == name } ?: models[0] }
        set(value) = settings.edit().putString(NAME, value.name).apply()

    companion object {
        private const val NAME = "name"

        /** What the app's models are; a test puts in others. */
        internal var found: (Context) -> List<ModelPlace> = ::models
    }
}

/** The text of an asset, or null. */
internal fun AssetManager.text(name: String): String? = try {
    open(name).use { String(it.readBytes(), Charsets.UTF_8) }
} catch (error: IOException) {
    null
}

/** Threads for one picture: more than four rarely help on a phone. */
fun threads() = Runtime.getRuntime().availableProcessors().coerceIn(1, 4)
