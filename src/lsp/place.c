/* place: the protocol's places: positions, ranges and locations.
 *
 * A definition of the prelude is shown in std/ as it is installed beside this sgdc, if that is the same text; else in a
 * copy, for reading only, in the user's cache folder (XDG_CACHE_HOME, ~/.cache).
 */
#include "lsp/lsp.h"
#include "write_file.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- positions ----------------------------------------------------------------------------------- */
static cJSON *json_position(LinePosition position) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "line", (double)position.line);
    cJSON_AddNumberToObject(json, "character", (double)position.character);
    return json;
}

cJSON *json_range(LinePosition begin, LinePosition end) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToObject(json, "start", json_position(begin));
    cJSON_AddItemToObject(json, "end", json_position(end));
    return json;
}

static bool whole_number(const cJSON *json, int64_t *out) {
    if (!cJSON_IsNumber(json) || !(json->valuedouble >= -1e9 && json->valuedouble <= 1e15)) return false;
    *out = (int64_t)json->valuedouble;
    return true;
}

bool position_from(const cJSON *json, LinePosition *position) {
    return whole_number(cJSON_GetObjectItemCaseSensitive(json, "line"), &position->line) &&
           whole_number(cJSON_GetObjectItemCaseSensitive(json, "character"), &position->character);
}

bool range_of(const Server *server, const OpenDocument *document, const Analysis *analysis, Span span, cJSON **range) {
    const Source *source = source_place(analysis->map, span.begin).source;
    if (!source) return false;
    if (source == analysis->source) {
        size_t begin, end;
        if (!document_from(document, analysis, span, &begin, &end)) return false;
        *range = json_range(lines_position(&document->lines, begin, server->utf8),
                            lines_position(&document->lines, end, server->utf8));
        return true;
    }
    LineTable lines = {0};
    lines_find(&lines, source->text, source->length);
    *range = json_range(lines_position(&lines, span.begin - source->base, server->utf8),
                        lines_position(&lines, span.end - source->base, server->utf8));
    free(lines.begin);
    return true;
}

/* ---- files of the prelude ------------------------------------------------------------------------ */
static bool file_has(Arena *arena, const char *path, const Source *source) {
    const char *problem;
    struct stat is;
    if (stat(path, &is) != 0 || !S_ISREG(is.st_mode)) return false;
    Source *there = source_read(source_map_new(arena), path, &problem);
    return there && there->length == source->length && memcmp(there->text, source->text, source->length) == 0;
}

static const char *installed(Arena *arena, const Source *source) {
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0) return NULL;
    self[length] = 0;
    char *slash = strrchr(self, '/');
    if (!slash) return NULL;
    *slash = 0;
    char real[PATH_MAX];
    const char *path = text_format(arena, "%s/../share/sgdc/%s", self, source->path);
    return file_has(arena, path, source) && realpath(path, real) ? text_format(arena, "%s", real) : NULL;
}

static const char *cached(Arena *arena, const Server *server, const Source *source) {
    const char *caches = folder_of_caches(arena);
    if (!caches) return NULL;
    const char *path = text_format(arena, "%s/%s/%s", caches, server->version, source->path);
    if (file_has(arena, path, source)) return path;
    sgdrt_output output;
    sgdrt_problem problem;
    if (!folder_make_above(arena, path, 0777) || sgdrt_output_open(&output, path, &problem) ||
        sgdrt_output_write(&output, source->text, source->length, &problem) || sgdrt_output_finish(&output, &problem))
        return NULL;
    chmod(path, 0444);
    return path;
}

cJSON *location_of(const Server *server, const OpenDocument *document, const Analysis *analysis, Span span) {
    const Source *source = source_place(analysis->map, span.begin).source;
    cJSON *range;
    if (!source || !range_of(server, document, analysis, span, &range)) return NULL;
    const char *path = source->path;
    const OpenDocument *open = source == analysis->source ? document : document_of_path(server, path);
    if (source->is_prelude) {
        path = installed(server->scratch, source);
        if (!path) path = cached(server->scratch, server, source);
        open = NULL;
    }
    if (!path) {
        cJSON_Delete(range);
        return NULL;
    }
    char real[PATH_MAX];
    char *uri = open ? strdup(open->uri) : uri_of_path(realpath(path, real) ? real : path);
    cJSON *location = cJSON_CreateObject();
    cJSON_AddStringToObject(location, "uri", uri);
    cJSON_AddItemToObject(location, "range", range);
    free(uri);
    return location;
}

/* ---- what is asked about ------------------------------------------------------------------------- */
OpenDocument *document_asked(const Server *server, const cJSON *params) {
    const cJSON *document = cJSON_GetObjectItemCaseSensitive(params, "textDocument");
    const cJSON *uri = cJSON_GetObjectItemCaseSensitive(document, "uri");
    return cJSON_IsString(uri) ? document_find(server, uri->valuestring) : NULL;
}

bool spot_of(const Server *server, const cJSON *params, AskedPlace *spot) {
    LinePosition position;
    *spot = (AskedPlace){0};
    OpenDocument *document = document_asked(server, params);
    if (!document || !position_from(cJSON_GetObjectItemCaseSensitive(params, "position"), &position)) return false;
    spot->document = document;
    spot->offset = lines_offset(&spot->document->lines, position, server->utf8);
    spot->analysis = document_best(server, spot->document);
    spot->at = document_to(spot->document, spot->analysis, spot->offset, &spot->exact);
    return true;
}
