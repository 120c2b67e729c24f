package org.hemotk.app

import java.util.concurrent.CancellationException
import java.util.concurrent.ExecutionException
import java.util.concurrent.FutureTask
import java.util.concurrent.TimeUnit
import java.util.concurrent.TimeoutException

/**
 * What [work], a call to another app, gives within [patienceMs]; a thread of its own waits for it, so that nothing else does.
 *
 * Throws what [failed] makes of what the other app throws, what [slow] makes of too long a time, and [CancellationException]
 * where the calling thread was interrupted. A call that is left is told so by [abandon], which may block as well.
 */
internal fun <T> call(
    patienceMs: Long,
    abandon: () -> Unit,
    failed: (Throwable) -> Throwable,
    slow: (Throwable) -> Throwable,
    work: () -> T,
): T {
    val task = FutureTask(work)
    inBackground(task)
    return try {
        task.get(patienceMs, TimeUnit.MILLISECONDS)
    } catch (error: ExecutionException) {
        throw failed(error.cause ?: error)
    } catch (error: TimeoutException) {
        inBackground(Runnable(abandon))
        throw slow(error)
    } catch (error: InterruptedException) {
        inBackground(Runnable(abandon))
        throw CancellationException()
    }
}

private fun inBackground(work: Runnable) = Thread(work, "source").apply { isDaemon = true }.start()
