/* format: the document in the one style of sgdc fmt, as one edit of the whole; none where nothing would change. */
#include "format/format.h"
#include "lsp/lsp.h"
#include <string.h>

cJSON *formatting(Server *server, const cJSON *params, const char **problem) {
    OpenDocument *document = document_asked(server, params);
    if (!document) return NULL;
    SourceMap *map = source_map_new(server->scratch);
    Source *source = source_add(map, document->path, document->text, document->lines.length);
    size_t length;
    const char *text = format_source(server->scratch, diagnostics_new(server->scratch, map), source, &length);
    if (!text) {
        *problem = "a program with syntax errors is not formatted";
        return NULL;
    }
    cJSON *edits = cJSON_CreateArray();
    if (length == document->lines.length && memcmp(text, document->text, length) == 0) return edits;
    cJSON *edit = cJSON_CreateObject();
    cJSON_AddItemToObject(edit, "range",
                          json_range(lines_position(&document->lines, 0, server->utf8),
                                     lines_position(&document->lines, document->lines.length, server->utf8)));
    cJSON_AddStringToObject(edit, "newText", text);
    cJSON_AddItemToArray(edits, edit);
    return edits;
}
