/* uri: URIs of files and their paths; whether two paths lead to one file. */
#include "lsp/lsp.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int digit(char c) { return isdigit((unsigned char)c) ? c - '0' : (tolower((unsigned char)c) - 'a') + 10; }

char *path_of_uri(const char *uri) {
    static const char scheme[] = "file://";
    char *path = strdup(uri), *to = path;
    if (!path) out_of_memory(strlen(uri));
    if (strncmp(uri, scheme, sizeof scheme - 1) != 0) return path;
    const char *from = strchr(uri + sizeof scheme - 1, '/'); /* behind the host */
    for (; from && *from; from++) {
        bool escaped = *from == '%' && isxdigit((unsigned char)from[1]) && isxdigit((unsigned char)from[2]);
        char c = escaped ? (char)(16 * digit(from[1]) + digit(from[2])) : *from;
        if (escaped) from += 2;
        if (c) *to++ = c;
    }
    *to = 0;
    return path;
}

char *uri_of_path(const char *path) {
    if (path[0] != '/') return strdup(path);
    char *uri = malloc(3 * strlen(path) + 8), *to = uri;
    if (!uri) out_of_memory(3 * strlen(path));
    to += sprintf(to, "file://");
    for (; *path; path++) {
        bool plain = isalnum((unsigned char)*path) || strchr("/-._~", *path);
        to += plain ? sprintf(to, "%c", *path) : sprintf(to, "%%%02X", (unsigned char)*path);
    }
    return uri;
}

bool same_file(const char *a, const char *b) {
    struct stat x, y;
    if (strcmp(a, b) == 0) return true;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}
