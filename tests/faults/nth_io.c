/* Lets one call that writes to files under a folder fail: the NTH_IO_AT-th since the file NTH_IO_ARMED came to be,
 * once, or from then on where NTH_IO_FOREVER is 1, with the error NTH_IO_ERRNO. What failed is told in
 * NTH_IO_REPORT. To be loaded before the C library with LD_PRELOAD.
 *
 * Counted: open for writing, write, pwrite, fsync, fdatasync, ftruncate, rename, unlink. Writes to a file through a
 * mapping (SQLite's index of its log) are no calls, and are not counted. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define FILES 4096

static char under[PATH_MAX], armed[PATH_MAX], report[PATH_MAX];
static size_t under_length;
static long at;
static int forever, error_number;
static atomic_long counted;
static atomic_int tracked[FILES];

__attribute__((constructor)) static void begin(void) {
    const char *folder = getenv("NTH_IO_UNDER"), *when = getenv("NTH_IO_ARMED"), *told = getenv("NTH_IO_REPORT");
    snprintf(under, sizeof under, "%s", folder ? folder : "/nowhere");
    snprintf(armed, sizeof armed, "%s", when ? when : "");
    snprintf(report, sizeof report, "%s", told ? told : "/dev/null");
    under_length = strlen(under);
    at = getenv("NTH_IO_AT") ? atol(getenv("NTH_IO_AT")) : 0;
    forever = getenv("NTH_IO_FOREVER") && getenv("NTH_IO_FOREVER")[0] == '1';
    error_number = getenv("NTH_IO_ERRNO") ? atoi(getenv("NTH_IO_ERRNO")) : EIO;
}

static int is_under(const char *path) { return path && strncmp(path, under, under_length) == 0; }

static int is_tracked(int file) { return file >= 0 && file < FILES && atomic_load(&tracked[file]); }

/* Whether this call has to fail. */
static int fails(const char *what, const char *path, int file) {
    char line[PATH_MAX + 64], link[64], found[PATH_MAX];
    long number;
    int fd;
    ssize_t length;
    if (at == 0 || syscall(SYS_access, armed, F_OK) != 0) return 0;
    number = atomic_fetch_add(&counted, 1) + 1;
    if (number != at && !(forever && number > at)) return 0;
    if (number == at) {
        if (!path) {
            snprintf(link, sizeof link, "/proc/self/fd/%d", file);
            length = syscall(SYS_readlink, link, found, sizeof found - 1);
            found[length < 0 ? 0 : length] = 0;
            path = found;
        }
        length = snprintf(line, sizeof line, "%s %s\n", what, path);
        fd = (int)syscall(SYS_openat, AT_FDCWD, report, O_WRONLY | O_CREAT | O_APPEND, 0644);
        if (fd >= 0) {
            if (syscall(SYS_write, fd, line, (size_t)length) < 0) fd = fd;
            syscall(SYS_close, fd);
        }
    }
    errno = error_number;
    return 1;
}

static int track(int file, const char *path) {
    if (file >= 0 && file < FILES) atomic_store(&tracked[file], is_under(path));
    return file;
}

#define REAL(name, type, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, name)

#define WRITES(flags) (((flags) & O_ACCMODE) != O_RDONLY)

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(#name, int, const char *, int, ...); \
        va_list rest; \
        mode_t mode = 0; \
        va_start(rest, flags); \
        if (flags & (O_CREAT | O_TMPFILE)) mode = va_arg(rest, mode_t); \
        va_end(rest); \
        if (is_under(path) && WRITES(flags) && fails("open", path, -1)) return -1; \
        return track(real(path, flags, mode), path); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        REAL(#name, int, int, const char *, int, ...); \
        va_list rest; \
        mode_t mode = 0; \
        va_start(rest, flags); \
        if (flags & (O_CREAT | O_TMPFILE)) mode = va_arg(rest, mode_t); \
        va_end(rest); \
        if (is_under(path) && WRITES(flags) && fails("open", path, -1)) return -1; \
        return track(real(folder, path, flags, mode), path); \
    }
OPENAT(openat)
OPENAT(openat64)

int close(int file) {
    REAL("close", int, int);
    if (file >= 0 && file < FILES) atomic_store(&tracked[file], 0);
    return real(file);
}

ssize_t write(int file, const void *bytes, size_t count) {
    REAL("write", ssize_t, int, const void *, size_t);
    if (is_tracked(file) && fails("write", NULL, file)) return -1;
    return real(file, bytes, count);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t where) {
    REAL("pwrite", ssize_t, int, const void *, size_t, off_t);
    if (is_tracked(file) && fails("pwrite", NULL, file)) return -1;
    return real(file, bytes, count, where);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t where) {
    REAL("pwrite64", ssize_t, int, const void *, size_t, off64_t);
    if (is_tracked(file) && fails("pwrite", NULL, file)) return -1;
    return real(file, bytes, count, where);
}

int fsync(int file) {
    REAL("fsync", int, int);
    if (is_tracked(file) && fails("sync", NULL, file)) return -1;
    return real(file);
}

int fdatasync(int file) {
    REAL("fdatasync", int, int);
    if (is_tracked(file) && fails("sync", NULL, file)) return -1;
    return real(file);
}

int ftruncate(int file, off_t length) {
    REAL("ftruncate", int, int, off_t);
    if (is_tracked(file) && fails("ftruncate", NULL, file)) return -1;
    return real(file, length);
}

int ftruncate64(int file, off64_t length) {
    REAL("ftruncate64", int, int, off64_t);
    if (is_tracked(file) && fails("ftruncate", NULL, file)) return -1;
    return real(file, length);
}

int rename(const char *from, const char *to) {
    REAL("rename", int, const char *, const char *);
    if (is_under(to) && fails("rename", to, -1)) return -1;
    return real(from, to);
}

int unlink(const char *path) {
    REAL("unlink", int, const char *);
    if (is_under(path) && fails("unlink", path, -1)) return -1;
    return real(path);
}
