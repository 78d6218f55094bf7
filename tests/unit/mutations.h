/* mutations: ruined versions of every program at hand, for tests that nothing crashes.
 *
 * A visit function is called with the text cut off at every byte, and with every single token left
 * out. Tokens are found roughly and without the scanner under test: words and numbers, strings,
 * comments, and single other characters.
 */
#ifndef SGDC_MUTATIONS_H
#define SGDC_MUTATIONS_H
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef SGDC_SOURCE_FOLDER
#error "the build defines SGDC_SOURCE_FOLDER, the project's root"
#endif

typedef void (*Visit)(const char *text, size_t length, const char *what, void *context);

static inline void visit_truncations(const char *text, size_t length, Visit visit, void *context) {
    for (size_t end = 0; end <= length; end++) visit(text, end, "truncated", context);
}

static inline size_t token_end(const char *text, size_t length, size_t begin) {
    size_t end = begin + 1;
    if (isalnum((unsigned char)text[begin]) || text[begin] == '_')
        while (end < length && (isalnum((unsigned char)text[end]) || text[end] == '_')) end++;
    else if (text[begin] == '"') {
        while (end < length && text[end] != '"' && text[end] != '\n') end++;
        end += end < length;
    } else if (text[begin] == '#')
        while (end < length && text[end] != '\n') end++;
    return end;
}

static inline void visit_deletions(const char *text, size_t length, Visit visit, void *context) {
    char *rest = malloc(length + 1);
    for (size_t begin = 0, end; begin < length; begin = end) {
        end = token_end(text, length, begin);
        if (text[begin] == ' ') continue;
        memcpy(rest, text, begin);
        memcpy(rest + begin, text + end, length - end);
        visit(rest, length - (end - begin), "without a token", context);
    }
    free(rest);
}

typedef void (*VisitFile)(const char *path, const char *text, size_t length, void *context);

/* Every .sgd file of a folder of the project, e.g. "examples". Returns how many there are. */
static inline int visit_programs(const char *folder, VisitFile visit, void *context) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", SGDC_SOURCE_FOLDER, folder);
    DIR *directory = opendir(path);
    int count = 0;
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        const char *dot = strrchr(entry->d_name, '.');
        if (!dot || strcmp(dot, ".sgd") != 0) continue;
        snprintf(path, sizeof path, "%s/%s/%s", SGDC_SOURCE_FOLDER, folder, entry->d_name);
        FILE *file = fopen(path, "rb");
        if (!file) continue;
        char *text = malloc(1 << 20);
        size_t length = fread(text, 1, (1 << 20) - 1, file);
        fclose(file);
        text[length] = '\0';
        visit(path, text, length, context);
        free(text);
        count++;
    }
    if (directory) closedir(directory);
    return count;
}
#endif
