/* write_file: files written whole or not at all (write_file.h).
 *
 * The temporary file is made with O_EXCL, so that nobody's file or link is written through; its name is cut
 * where the target's is long, so that every name the folder takes can be written. It has its final permissions
 * before it has its final name.
 */
#define _GNU_SOURCE
#include "problem.h"
#include "write_file.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEMPORARY_NAMES = 100, LONGEST_STEM = 200, MOST_LINKS = 40 };

static int failed(const char *path, const char *why, sgdrt_problem *problem) {
    return sgdrt_problem_set(problem, PROBLEM_WRITE, path, 0, 0, "cannot be written: %s", why);
}

/* Bytes of the path before its last name: "a/b" has 2, "b" none. */
static size_t folder_length(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* What the link at `path` says, seen from where `path` is seen. */
static char *follow(const char *path) {
    char to[PATH_MAX];
    ssize_t length = readlink(path, to, sizeof to);
    if (length < 0) return NULL;
    size_t folder = to[0] == '/' ? 0 : folder_length(path);
    char *next = malloc(folder + (size_t)length + 1);
    if (!next) return NULL;
    memcpy(next, path, folder);
    memcpy(next + folder, to, (size_t)length);
    next[folder + (size_t)length] = 0;
    return next;
}

char *sgdrt_output_target(const char *path) {
    char *target = strdup(path);
    for (int links = 0; target; links++) {
        struct stat status;
        if (lstat(target, &status)) {
            if (errno == ENOENT) return target;
            break;
        }
        if (!S_ISLNK(status.st_mode)) return target;
        errno = ELOOP;
        char *next = links < MOST_LINKS ? follow(target) : NULL;
        free(target);
        target = next;
    }
    int error = errno;
    free(target);
    errno = error;
    return NULL;
}

/* A new file beside the target; its name is in output->temporary. */
static bool open_temporary(sgdrt_output *output) {
    size_t folder = folder_length(output->target), stem = strlen(output->target + folder);
    if (stem > LONGEST_STEM) stem = LONGEST_STEM;
    size_t size = folder + stem + 64;
    output->temporary = malloc(size);
    for (int i = 0; output->temporary && output->fd < 0 && i < TEMPORARY_NAMES; i++) {
        snprintf(output->temporary, size, "%.*s.%ld-%d.part", (int)(folder + stem), output->target, (long)getpid(), i);
        output->fd = open(output->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (output->fd < 0 && errno != EEXIST) break;
    }
    if (output->fd < 0) {
        int error = errno;
        free(output->temporary);
        output->temporary = NULL;
        errno = error;
    }
    return output->fd >= 0;
}

static bool open_target(sgdrt_output *output) {
    struct stat status;
    if (stat(output->path, &status) == 0) {
        if (S_ISDIR(status.st_mode)) {
            errno = EISDIR;
            return false;
        }
        if (!S_ISREG(status.st_mode)) {
            output->fd = open(output->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
            return output->fd >= 0;
        }
        if (access(output->path, W_OK)) return false;
        output->mode = status.st_mode & 07777;
        output->keeps_mode = true;
    }
    output->target = sgdrt_output_target(output->path);
    return output->target && open_temporary(output);
}

int sgdrt_output_open(sgdrt_output *output, const char *path, sgdrt_problem *problem) {
    *output = (sgdrt_output){.fd = -1, .path = path};
    if (open_target(output)) return 0;
    int error = errno;
    sgdrt_output_abandon(output);
    return failed(path, error == EISDIR ? "it is a folder" : strerror(error), problem);
}

int sgdrt_output_write(sgdrt_output *output, const void *bytes, size_t length, sgdrt_problem *problem) {
    const unsigned char *from = bytes;
    while (length) {
        ssize_t n = write(output->fd, from, length);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            int error = n < 0 ? errno : ENOSPC;
            sgdrt_output_abandon(output);
            return failed(output->path, strerror(error), problem);
        }
        from += n;
        length -= (size_t)n;
    }
    return 0;
}

/* Pipes and some file systems know no fsync. */
static bool is_on_disk(int fd) { return !fsync(fd) || errno == EINVAL || errno == EROFS || errno == ENOTSUP; }

int sgdrt_output_finish(sgdrt_output *output, sgdrt_problem *problem) {
    bool fine = !output->temporary ||
                ((!output->keeps_mode || !fchmod(output->fd, output->mode)) && is_on_disk(output->fd));
    int error = errno, closed = close(output->fd);
    output->fd = -1;
    if (fine && closed) {
        error = errno;
        fine = false;
    }
    if (fine && output->temporary && rename(output->temporary, output->target)) {
        error = errno;
        fine = false;
    }
    if (fine) {
        free(output->temporary);
        output->temporary = NULL;
    }
    sgdrt_output_abandon(output);
    return fine ? 0 : failed(output->path, strerror(error), problem);
}

void sgdrt_output_abandon(sgdrt_output *output) {
    int error = errno;
    if (output->fd >= 0) close(output->fd);
    if (output->temporary) unlink(output->temporary);
    free(output->temporary);
    free(output->target);
    output->temporary = output->target = NULL;
    output->fd = -1;
    errno = error;
}
