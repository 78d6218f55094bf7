/* The search for data files: an explicit list of folders, tried in order. Examples name a file as it was
 * published ("airfoil_self_noise.dat"); where it lies on a machine is not the program's business.
 */
#include "driver/find_data.h"
#include "driver/output.h"
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

const char *find_data_file(Arena *arena, const char *program_path, const char *name, const char **searched) {
    Folders folders = {0};
    const char *home = path_folder(arena, program_path);
    *searched = "";
    if (name[0] == '/') return path_is_file(name) ? name : NULL;
    vector_push(arena, &folders, home);
    vector_push(arena, &folders, path_below(arena, home, "data"));
    vector_push(arena, &folders, ".");
    add_environment(arena, &folders, getenv("SGDC_DATA"));
    Text list = text_new(arena);
    for (int i = 0; i < folders.count; i++) {
        const char *path = path_below(arena, folders.items[i], name);
        if (path_is_file(path)) return path;
        bool again = false;
        for (int k = 0; k < i; k++) again |= strcmp(folders.items[k], folders.items[i]) == 0;
        if (!again) text_add(&list, "%s%s", list.length ? ", " : "", folders.items[i]);
    }
    *searched = list.bytes;
    return NULL;
}
