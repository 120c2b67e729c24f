// What Android's C library has and glibc has not, so that the .aar's x86-64 library runs on a Linux machine's JVM.
// Both agree about everything else that the library uses: the layouts of stat, mutexes, conditions and locks among it.
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
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
