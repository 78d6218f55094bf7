/* exported_names: what things are called where they leave sgdc: C identifiers of objects and headers, and the part of a
 * file's name that says which run it is of (exported_names.c). */
#ifndef SGDC_EXPORTED_NAMES_H
#define SGDC_EXPORTED_NAMES_H
#include "ir/program.h"

/* What the standard headers of C, C++ and POSIX declare, as glibc has them, and what C23 adds, but for names that begin with
 * `_`: words of library_macros.txt and library_identifiers.txt. Macros without arguments stand for something else wherever
 * they are written, so no member of a struct is called like them; the others matter to what is declared beside them. */
enum { LIBRARY_MACROS, LIBRARY_IDENTIFIERS };
extern const EmbeddedFile library_files[]; /* made by cmake/embed.cmake */

/* A word of C or C++, or declared by a standard header: what it is, for a message; else NULL. */
const char *exported_name_owner(const char *name);

/* The name as letters, digits and `_`: signs of arithmetic as words (8 + 4 is 8_plus_4), all else `_`. */
const char *exported_identifier(Arena *arena, const char *name);
/* What all names of a run's C API begin with. None of them is a word of C or C++ or declared by a standard header. */
const char *exported_prefix(Arena *arena, const char *name);
/* False, after a diagnostic, if two runs of the program declare one name. prefixes: per run. */
bool exported_prefixes_differ(const Program *program, const char *const *prefixes);
/* Text in which @_step stands for a name of the C API with the prefix and @@_BATCH for one of its macros; all of them are
 * in the tables that keep them apart from other names. */
void exported_add(Text *to, const char *prefix, const char *text);
const char *exported_text(Arena *arena, const char *prefix, const char *text);

/* The members of NAME_data, per stored column. */
const char *const *exported_members(Arena *arena, const DataSet *data);
/* How many rows there are, per data set: "rows", or of several sets "inside_rows", "wall_rows". */
const char *const *exported_counts(Arena *arena, const DataSet *data);
/* The field a stored column is known by, or NULL. */
const Field *exported_field_of_column(const DataSet *data, int column);

/* The name of a run inside a file's name. */
const char *exported_file_word(Arena *arena, const char *name);
#endif
