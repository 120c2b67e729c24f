package org.hemotk.app

import org.hemotk.core.Network
import org.hemotk.core.Runtime
import org.hemotk.core.Variant
import org.hemotk.runtime.LiteRtRuntime
import java.io.File
import java.util.concurrent.CountDownLatch
import java.util.concurrent.atomic.AtomicInteger

/** Screens with the bundle of tools/test.sh in their assets, with the runtime that ships behind them. */
abstract class BundleCase : ScreenCase() {
    protected val work = File(System.getProperty("hemotk.work"))
    protected val expected = File(System.getProperty("hemotk.expected")).parentFile
    /** The one model of an app that has no other. */
    protected val only by lazy { models(context).single() }

    /** What the first start writes; it is there already, so that a look costs the inferences of the check alone. */
    protected val checkFile = File(context.getExternalFilesDir(null), "check.json").apply { writeText("") }

    protected fun picture(name: String) = File(expected, "pictures/$name").readBytes()

    /** Wait as native code does: an interruption is no reason to go on. */
    protected fun CountDownLatch.hold() {
        while (true) {
            try {
                return await()
            } catch (error: InterruptedException) {
                continue
            }
        }
    }

    /** The runtime that ships, counted, with something done before each inference. */
    protected inner class Watched(private val before: (Int) -> Unit = {}) {
        val opened = AtomicInteger()
        val closed = AtomicInteger()
        val invoked = AtomicInteger()

        fun install() {
            MainActivity.runtime = { folder ->
                val inner = LiteRtRuntime(folder)
                object : Runtime by inner {
                    override fun open(variant: Variant, threads: Int): Network {
                        opened.incrementAndGet()
                        return counted(inner.open(variant, threads))
                    }
                }
            }
        }

        private fun counted(network: Network) = object : Network by network {
            override fun invoke() {
                before(invoked.incrementAndGet())
                network.invoke()
            }

            override fun close() {
                closed.incrementAndGet()
                network.close()
            }
        }
    }
}
