// What Android's C library has and glibc has not, so that the .aar's libraries for x86-64 and arm64 run on a
// Linux machine's JVM. Both agree about everything else that they use: the layout of stat and of locks among it.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

int *__errno(void) { return __errno_location(); }

size_t __strlen_chk(const char *text, size_t room) { (void)room; return strlen(text); }

int __system_property_get(const char *name, char *value) { (void)name; value[0] = 0; return 0; }

void android_set_abort_message(const char *text) { fprintf(stderr, "%s\n", text); }

int __android_log_vprint(int priority, const char *tag, const char *format, va_list rest) {
    (void)priority;
    fprintf(stderr, "%s: ", tag);
    int written = vfprintf(stderr, format, rest);
    fputc('\n', stderr);
    return written;
}

// The library is made to ask for the names that end in _ (see fit.py): the process has glibc's own under the plain ones.
extern int __xpg_strerror_r(int error, char *text, size_t room);
int strerror__(int error, char *text, size_t room) { return __xpg_strerror_r(error, text, room); }

// The names are the same, the numbers are not.
long syscon_(int name) {
    switch (name) {
        case 0x27: case 0x28: return sysconf(_SC_PAGESIZE);
        case 0x60: return sysconf(_SC_NPROCESSORS_CONF);
        case 0x61: return sysconf(_SC_NPROCESSORS_ONLN);
        default: errno = EINVAL; return -1;
    }
}

// A mutex has 40 bytes there. On arm64 glibc's has 48, uses the first 40, and clears them all.
int pthread_mutex_ini_(void *mutex, const pthread_mutexattr_t *attributes) {
    pthread_mutex_t made;
    int error = pthread_mutex_init(&made, attributes);
    memcpy(mutex, &made, 40);
    return error;
}

// A condition has 48 bytes in both, but there it may lie at any multiple of 4, where glibc's, on arm64, must lie at one of
// 8. So the first such place in it holds where glibc's is; it is made when it is first used.
static pthread_cond_t *condition(void *given) {
    void **place = (void **)(((uintptr_t)given + 7) & ~(uintptr_t)7);
    void *there = __atomic_load_n(place, __ATOMIC_ACQUIRE);
    if (there != NULL) return there;
    void *made = calloc(1, sizeof(pthread_cond_t));
    if (__atomic_compare_exchange_n(place, &there, made, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) return made;
    free(made);
    return there;
}
int pthread_cond_ini_(void *given, const pthread_condattr_t *attributes) {
    memset(given, 0, 48);
    return pthread_cond_init(condition(given), attributes);
}
int pthread_cond_wai_(void *given, pthread_mutex_t *mutex) { return pthread_cond_wait(condition(given), mutex); }
int pthread_cond_signa_(void *given) { return pthread_cond_signal(condition(given)); }
int pthread_cond_broadcas_(void *given) { return pthread_cond_broadcast(condition(given)); }
int pthread_cond_destro_(void *given) {
    pthread_cond_t *made = condition(given);
    int error = pthread_cond_destroy(made);
    free(made);
    memset(given, 0, 48);
    return error;
}

// Standard streams are places in an array there; only messages are written to them.
char __sF[3 * 152];
static FILE *stream(FILE *given) {
    char *place = (char *)given;
    return place >= __sF && place < __sF + sizeof __sF ? stderr : given;
}
int vfprint_(FILE *file, const char *format, va_list rest) { return vfprintf(stream(file), format, rest); }
int fprint_(FILE *file, const char *format, ...) {
    va_list rest;
    va_start(rest, format);
    int written = vfprintf(stream(file), format, rest);
    va_end(rest);
    return written;
}
int fput_(int byte, FILE *file) { return fputc(byte, stream(file)); }
int fflus_(FILE *file) { return fflush(file == NULL ? NULL : stream(file)); }
size_t fwrit_(const void *from, size_t size, size_t count, FILE *file) { return fwrite(from, size, count, stream(file)); }
int filen_(FILE *file) { return fileno(stream(file)); }
