/* source_kind: the columns of sources.def. */
#include "ir/program.h"

typedef struct SourceRow {
    const char *name;
    SourceRows rows;
} SourceRow;
static const SourceRow source_table[] = {
#define SOURCE(NAME, name, rows, reader) [SOURCE_##NAME] = {name, ROWS_##rows},
#include "ir/sources.def"
#undef SOURCE
};

const char *source_name(SourceKind kind) { return source_table[kind].name; }
SourceRows source_rows(SourceKind kind) { return source_table[kind].rows; }
bool source_has_one_path(SourceKind kind) { return source_rows(kind) == ROWS_TABLE || source_rows(kind) == ROWS_PARTS; }
