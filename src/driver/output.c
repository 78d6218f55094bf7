/* Writing files, standard streams, and the few things the driver does with paths (output.h).
 *
 * The temporary name of a file is known to interrupt.h for as long as it is there. A terminal shows no byte of a
 * text that would move its cursor.
 */
#define _GNU_SOURCE
#include "driver/output.h"
#include "driver/interrupt.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static bool stderr_was_closed;

static bool failed(Arena *arena, const sgdrt_problem *why, const char **problem) {
    *problem = text_format(arena, "%s", why->message);
    return false;
}

static bool failed_for(Arena *arena, int error, const char **problem) {
    *problem = text_format(arena, "cannot be written: %s", strerror(error));
    return false;
}

/* ---- standard streams ------------------------------------------------------------------------ */
static bool is_stream(const struct stat *info, FILE *stream) {
    struct stat other;
    return fstat(fileno(stream), &other) == 0 && other.st_dev == info->st_dev && other.st_ino == info->st_ino;
}

/* stdout or stderr, if the path leads to the same file or pipe; else NULL. A device can be opened again. */
static FILE *standard_stream(const char *path) {
    struct stat info;
    if (strcmp(path, "-") == 0) return stdout;
    if (stat(path, &info) != 0 || S_ISCHR(info.st_mode)) return NULL;
    return is_stream(&info, stdout) ? stdout : is_stream(&info, stderr) ? stderr : NULL;
}

int output_columns(FILE *to) {
    struct winsize size;
    return isatty(fileno(to)) && ioctl(fileno(to), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

bool output_is_standard(const char *path) { return standard_stream(path) != NULL; }

void output_guard_streams(void) {
    static const int fails[] = {O_WRONLY, O_RDONLY, O_RDONLY}; /* what the stream is not for */
    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
        if (open("/dev/null", fails[fd]) != fd) _exit(3);
        if (fd == STDERR_FILENO) stderr_was_closed = true;
    }
}

/* A stderr that was closed on purpose may lose what it is told; a full device may not. */
bool output_close_streams(const char **problem) {
    bool lost = ferror(stdout);
    errno = 0;
    if (fclose(stdout) != 0) lost = true;
    static char sentence[128];
    snprintf(sentence, sizeof sentence, "stdout cannot be written%s%s", errno ? ": " : "",
             errno ? strerror(errno) : "");
    *problem = lost ? sentence : "stderr cannot be written";
    return !lost && (stderr_was_closed || !ferror(stderr));
}

/* A device or a pipe: written as it is. */
static bool is_device(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

/* ---- files ------------------------------------------------------------------------------------ */
bool output_open(Arena *arena, const char *path, Output *output, const char **problem) {
    sgdrt_problem why = {0};
    *output = (Output){.file = standard_stream(path)};
    output->standard = output->file != NULL;
    if (output->standard) return true;
    bool device = is_device(path); /* a pipe may wait here for its reader */
    if (!device) interrupt_hold();
    bool good = sgdrt_output_open(&output->whole, path, &why) == 0;
    if (good && output->whole.temporary) {
        output->temporary = text_format(arena, "%s", output->whole.temporary);
        interrupt_add_file(output->temporary);
    }
    if (!device) interrupt_release();
    if (!good) return failed(arena, &why, problem);
    int fd = fcntl(output->whole.fd, F_DUPFD_CLOEXEC, 3);
    output->file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (output->file) return true;
    failed_for(arena, errno, problem);
    if (fd >= 0) close(fd);
    sgdrt_output_abandon(&output->whole);
    interrupt_file_gone(output->temporary);
    return false;
}

/* After the last byte: `good` tells how writing went, and *problem what went wrong. */
static bool settle(Arena *arena, Output *output, bool good, const char **problem) {
    sgdrt_problem why = {0};
    if (output->file) fclose(output->file);
    if (!good)
        sgdrt_output_abandon(&output->whole);
    else if (sgdrt_output_finish(&output->whole, &why))
        good = failed(arena, &why, problem);
    interrupt_file_gone(output->temporary);
    return good;
}

void output_abandon(Output *output) {
    const char *problem;
    if (!output->standard) settle(NULL, output, false, &problem);
}

bool output_finish(Arena *arena, Output *output, const char **problem) {
    if (output->standard) return true;
    bool good = !ferror(output->file);
    errno = EIO;
    good = fflush(output->file) == 0 && good;
    if (!good) failed_for(arena, errno, problem);
    return settle(arena, output, good, problem);
}

bool output_write(Arena *arena, const char *path, const char *bytes, size_t length, const char **problem) {
    Output output;
    sgdrt_problem why = {0};
    if (!output_open(arena, path, &output, problem)) return false;
    if (output.standard && isatty(fileno(output.file))) {
        bytes = text_shown_lines(arena, bytes, length);
        length = strlen(bytes);
    }
    if (output.standard) {
        fwrite(bytes, 1, length, output.file);
        return output_finish(arena, &output, problem);
    }
    bool good = sgdrt_output_write(&output.whole, bytes, length, &why) == 0 || failed(arena, &why, problem);
    return settle(arena, &output, good, problem);
}

/* ---- before work ------------------------------------------------------------------------------- */
/* What is no file yet is made and removed: nothing else knows names, folders and file systems so well. */
bool output_is_possible(Arena *arena, const char *path, const char **problem) {
    sgdrt_output output;
    sgdrt_problem why = {0};
    if (output_is_standard(path)) return true;
    if (is_device(path)) return access(path, W_OK) == 0 ? true : failed_for(arena, errno, problem);
    interrupt_hold();
    int code = sgdrt_output_open(&output, path, &why);
    if (code == 0) sgdrt_output_abandon(&output);
    interrupt_release();
    return code == 0 ? true : failed(arena, &why, problem);
}

static bool is_file(const char *path, struct stat *info) { return stat(path, info) == 0 && S_ISREG(info->st_mode); }

/* The folder of a path to what is not there yet. */
static bool folder_of(const char *path, struct stat *info) {
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    bool good = folder && stat(folder, info) == 0;
    free(folder);
    return good;
}

static const char *last_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool output_is_same(const char *a, const char *b) {
    struct stat of_a, of_b;
    bool a_is = is_file(a, &of_a), b_is = is_file(b, &of_b);
    if (a_is && b_is) return of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
    if (a_is || b_is || access(a, F_OK) == 0 || access(b, F_OK) == 0) return false;
    char *to_a = sgdrt_output_target(a), *to_b = sgdrt_output_target(b);
    bool same = to_a && to_b && strcmp(last_name(to_a), last_name(to_b)) == 0 && folder_of(to_a, &of_a) &&
                folder_of(to_b, &of_b) && of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
    free(to_a);
    free(to_b);
    return same;
}

/* ---- paths --------------------------------------------------------------------------------------- */
const char *path_folder(Arena *arena, const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash) return ".";
    return slash == path ? "/" : text_format(arena, "%.*s", (int)(slash - path), path);
}

const char *path_below(Arena *arena, const char *folder, const char *name) {
    if (name[0] == '/' || strcmp(folder, ".") == 0) return name;
    size_t length = strlen(folder);
    return text_format(arena, "%s%s%s", folder, length && folder[length - 1] == '/' ? "" : "/", name);
}

const char *path_extension(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    return dot && dot != name ? dot : "";
}

const char *path_stem(Arena *arena, const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t length = strlen(name) - strlen(path_extension(path));
    return text_format(arena, "%.*s", (int)length, name);
}

bool path_is_file(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && !S_ISDIR(info.st_mode);
}

bool path_is_folder(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool path_names_folder(const char *path) {
    size_t length = strlen(path);
    return (length && path[length - 1] == '/') || path_is_folder(path);
}
