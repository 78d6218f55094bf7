/* The search for data files: an explicit list of folders, tried in order. Examples name a file as it was
 * published ("airfoil_self_noise.dat"); where it lies on a machine is not the program's business.
 */
#include "driver/find_data.h"
#include "driver/output.h"
#include <glob.h>
#include <stdlib.h>
#include <string.h>

typedef Vector(const char *) Folders;

static void add_environment(Arena *arena, Folders *folders, const char *list) {
    while (list && *list) {
        size_t length = strcspn(list, ":");
        if (length) vector_push(arena, folders, text_format(arena, "%.*s", (int)length, list));
        list += length + (list[length] != 0);
    }
}

static void list_folders(Arena *arena, const char *program_path, Folders *folders) {
    const char *home = path_folder(arena, program_path);
    vector_push(arena, folders, home);
    vector_push(arena, folders, path_below(arena, home, "data"));
    vector_push(arena, folders, ".");
    add_environment(arena, folders, getenv("SGDC_DATA"));
}

static const char **matching(Arena *arena, const char *pattern, int *count) {
    glob_t found;
    const char **paths = NULL;
    *count = 0;
    if (glob(pattern, 0, NULL, &found)) return NULL;
    paths = arena_array(arena, const char *, (int64_t)found.gl_pathc + 1);
    for (size_t i = 0; i < found.gl_pathc; i++)
        if (path_is_file(found.gl_pathv[i])) paths[(*count)++] = text_format(arena, "%s", found.gl_pathv[i]);
    globfree(&found);
    return paths;
}

const char **find_data_files(Arena *arena, const char *program_path, const char *name, int *count) {
    Folders folders = {0};
    const char **paths = NULL;
    *count = 0;
    if (!strpbrk(name, "*?") || path_is_file(name)) return NULL;
    if (name[0] == '/') return matching(arena, name, count);
    list_folders(arena, program_path, &folders);
    for (int i = 0; i < folders.count && !*count; i++)
        paths = matching(arena, path_below(arena, folders.items[i], name), count);
    return paths;
}

static const char *find_data(Arena *arena, const char *program_path, const char *name, bool (*is)(const char *path),
                             const char **searched) {
    Folders folders = {0};
    *searched = "";
    if (name[0] == '/') return is(name) ? name : NULL;
    list_folders(arena, program_path, &folders);
    Text list = text_new(arena);
    for (int i = 0; i < folders.count; i++) {
        const char *path = path_below(arena, folders.items[i], name);
        if (is(path)) return path;
        bool again = false;
        for (int k = 0; k < i; k++) again |= strcmp(folders.items[k], folders.items[i]) == 0;
        if (!again) text_add(&list, "%s%s", list.length ? ", " : "", folders.items[i]);
    }
    *searched = list.bytes;
    return NULL;
}

const char *find_data_file(Arena *arena, const char *program_path, const char *name, const char **searched) {
    return find_data(arena, program_path, name, path_is_file, searched);
}

const char *find_data_folder(Arena *arena, const char *program_path, const char *name, const char **searched) {
    return find_data(arena, program_path, name, path_is_folder, searched);
}
