package org.hemotk.app

import android.content.Intent
import org.junit.Assert.assertEquals
import org.junit.Test

/** An app whose assets were changed after it was written: tools/test.sh damages copies of them. */
class DamagedScreenTest : BundleCase() {
    private val model = only.open().int8().file

    @Test
    fun a_changed_model_or_card_gets_a_sentence_and_no_verdict() {
        val sentences = mapOf(
            "model" to context.getString(R.string.problem_wrong_checksum, model),
            "missing" to context.getString(R.string.problem_file_missing, model),
            "card" to context.getString(R.string.problem_unreadable_card, "bundle.json"),
            "threshold" to context.getString(R.string.problem_wrong_checksum, "bundle.json"),
        )
        for ((kind, sentence) in sentences) {
            Choice.found = { listOf(ModelPlace(it.assets, "", "check.json", "damaged/$kind/")) }
            val activity = look(picture("gray.png"))
            assertEquals(listOf(sentence, ""), listOf(activity.text(R.id.status), activity.text(R.id.verdict)))
            val about = start(AboutActivity::class.java, Intent()).get()
            wait("the check") { about.text(R.id.check) != context.getString(R.string.check_running) }
            assertEquals(sentence, about.text(R.id.check))
        }
    }
}
