/* folder: folders made with those above them, and where a user's caches lie. */
#include "support/support.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool folder_make_above(Arena *arena, const char *path, unsigned mode) {
    char *copy = text_format(arena, "%s", path);
    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        bool made = mkdir(copy, mode) == 0 || errno == EEXIST;
        *slash = '/';
        if (!made) return false;
    }
    return true;
}

const char *folder_of_caches(Arena *arena) {
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && cache[0] == '/') return text_format(arena, "%s/sgdc", cache);
    return home && home[0] == '/' ? text_format(arena, "%s/.cache/sgdc", home) : NULL;
}
