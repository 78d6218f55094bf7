/* Writing files whole or not at all, and the few things the driver does with paths.
 *
 * A reader of the path never sees half a file: bytes go to PATH.part.PID beside it, and rename(2) replaces the
 * old file at once. What is not a regular file (a pipe, /dev/null) cannot be replaced and is written directly.
 */
#include "driver/output.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool failed(Arena *arena, const char **problem) {
    *problem = text_format(arena, "cannot be written: %s", strerror(errno));
    return false;
}

bool output_open(Arena *arena, const char *path, Output *output, const char **problem) {
    struct stat info;
    *output = (Output){.path = path};
    if (strcmp(path, "-") == 0) {
        output->file = stdout;
        return true;
    }
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        *problem = "is a folder";
        return false;
    }
    bool direct = stat(path, &info) == 0 && !S_ISREG(info.st_mode);
    if (!direct) output->temporary = text_format(arena, "%s.part.%ld", path, (long)getpid());
    output->file = fopen(direct ? path : output->temporary, "wb");
    return output->file ? true : failed(arena, problem);
}

void output_abandon(Output *output) {
    if (output->file && output->file != stdout) fclose(output->file);
    if (output->temporary) unlink(output->temporary);
    output->file = NULL;
}

bool output_finish(Arena *arena, Output *output, const char **problem) {
    bool good = !ferror(output->file) && fflush(output->file) == 0;
    if (output->file == stdout) return good ? true : failed(arena, problem);
    if (fclose(output->file) != 0) good = false;
    output->file = NULL;
    if (good && (!output->temporary || rename(output->temporary, output->path) == 0)) return true;
    failed(arena, problem);
    output_abandon(output);
    return false;
}

bool output_is_possible(Arena *arena, const char *path, const char **problem) {
    const char *folder = path_folder(arena, path);
    if (strcmp(path, "-") == 0 || access(path_is_file(path) ? path : folder, W_OK) == 0) return true;
    return failed(arena, problem);
}

bool output_write(Arena *arena, const char *path, const char *bytes, size_t length, const char **problem) {
    Output output;
    if (!output_open(arena, path, &output, problem)) return false;
    fwrite(bytes, 1, length, output.file);
    return output_finish(arena, &output, problem);
}

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
