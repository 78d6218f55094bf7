/* exported_names: what things are called where they leave sgdc.
 *
 * One mapping from text to words, for identifiers and for file names: letters and digits stay, signs of arithmetic
 * become words, so that runs of `each [8 + 4, 8 - 4]` differ, and all else becomes one sign. It looks at the name alone,
 * so a name means the same whichever runs are asked for. Where two runs are called alike nevertheless they are refused.
 *
 * What an emitted header declares must not be a word of C or C++ nor a name of a standard header, which an application
 * may include before it: a member gets a `_` behind it, a prefix `_model`. A prefix does not end in `_`, so that no
 * function (PREFIX_step) is called like one inside an object (PREFIX__step).
 */
#include "codegen/object/exported_names.h"
#include "codegen/object/c_api.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* C up to C23, C++ up to C++20, their alternative spellings of operators, and what the usual dialects predefine. */
static const char keywords[] =
    " _Alignas _Alignof _Atomic _BitInt _Bool _Complex _Decimal128 _Decimal32 _Decimal64 _Generic _Imaginary _Noreturn "
    "_Static_assert _Thread_local alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t "
    "char16_t char32_t class compl concept const const_cast consteval constexpr constinit continue co_await co_return "
    "co_yield decltype default delete do double dynamic_cast else enum explicit export extern false float for friend "
    "goto if inline int linux long mutable namespace new noexcept not not_eq nullptr operator or or_eq private "
    "protected public register reinterpret_cast requires restrict return short signed sizeof static static_assert "
    "static_cast struct switch template this thread_local throw true try typedef typeid typename typeof typeof_unqual "
    "union unix unsigned using virtual void volatile wchar_t while xor xor_eq ";
/* What the header itself uses where members' names are parameters. */
static const char taken[] = " rows data NULL int32_t int64_t uint8_t uint64_t size_t ";
/* What it declares once for all models, but for what c_functions call of libsgdrt. */
static const char common[] = " sgdc_options sgdc_report sgdc_callback ";

/* What header.c declares of a run with this prefix, and what an object defines, besides c_functions. */
static const char *const suffixes[] = {"", "_data", "_rows", "_model"};
static const char *const macro_suffixes[] = {"_TRAIN_BYTES", "_PREDICT_BYTES", "_BATCH",
                                             "_PARAMETERS",  "_OUTPUTS",       "_FIGURES"};
enum { SUFFIXES = sizeof suffixes / sizeof *suffixes, MACROS = sizeof macro_suffixes / sizeof *macro_suffixes };

static bool is_listed(const char *list, const char *name) {
    size_t length = strlen(name);
    for (const char *at = list; (at = strstr(at, name)) != NULL; at++)
        if (length && (at == list || isspace((unsigned char)at[-1])) && isspace((unsigned char)at[length])) return true;
    return false;
}

static bool is_library_macro(const char *name) { return is_listed(library_files[LIBRARY_MACROS].text, name); }

static bool is_of_library(const char *name) {
    for (const CFunction *f = c_functions; f->name; f++)
        if (f->library && strcmp(f->library, name) == 0) return true;
    return false;
}

const char *exported_name_owner(const char *name) {
    if (is_listed(keywords, name)) return "a word of C or C++";
    if (is_library_macro(name) || is_listed(library_files[LIBRARY_IDENTIFIERS].text, name))
        return "a name of the C library";
    if (is_listed(common, name) || is_of_library(name)) return "a name of sgdc";
    return NULL;
}

/* ---- words ---------------------------------------------------------------------------------------- */
static const char *word_of_sign(char c) {
    static const struct {
        char sign;
        const char *word;
    } words[] = {{'+', "plus"}, {'*', "times"}, {'/', "over"}, {'^', "to"},
                 {'%', "mod"},  {'<', "below"}, {'>', "above"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].sign == c) return words[i].word;
    return NULL;
}

/* Letters, digits and what is in `kept` stay. */
static const char *as_words(Arena *arena, const char *name, const char *kept, char other) {
    Text text = text_new(arena);
    for (const char *c = name; *c; c++) {
        const char *word = word_of_sign(*c);
        if (word)
            text_add(&text, "%s", word);
        else if (isalnum((unsigned char)*c) || strchr(kept, *c))
            text_add_bytes(&text, c, 1);
        else
            text_add_bytes(&text, &other, 1);
    }
    return text.length ? text.bytes : "";
}

const char *exported_file_word(Arena *arena, const char *name) { return as_words(arena, name, "._=", '-'); }

const char *exported_identifier(Arena *arena, const char *name) {
    const char *words = as_words(arena, name, "_", '_');
    return isdigit((unsigned char)*words) || !*words ? text_format(arena, "_%s", words) : words;
}

/* ---- prefixes ---------------------------------------------------------------------------------------- */
static char *upper(Arena *arena, const char *name) {
    char *copy = arena_copy(arena, name, strlen(name) + 1);
    for (char *c = copy; *c; c++) *c = (char)toupper((unsigned char)*c);
    return copy;
}

static int name_count(void) { return SUFFIXES + c_function_count + MACROS; }

static const char *nth_name(Arena *arena, const char *prefix, int i) {
    if (i < SUFFIXES) return text_format(arena, "%s%s", prefix, suffixes[i]);
    i -= SUFFIXES;
    if (i < c_function_count) return text_format(arena, "%s_%s", prefix, c_functions[i].name);
    return text_format(arena, "%s%s", upper(arena, prefix), macro_suffixes[i - c_function_count]);
}

static bool is_known(Arena *arena, const char *name) {
    for (int i = 0; i < name_count(); i++)
        if (strcmp(nth_name(arena, "", i), name) == 0) return true;
    return false;
}

void exported_add(Text *to, const char *prefix, const char *text) {
    for (; *text; text++) {
        if (*text != '@') {
            text_add_bytes(to, text, 1);
            continue;
        }
        bool macro = text[1] == '@';
        text += macro;
        size_t length = 1;
        while (isalnum((unsigned char)text[length]) || text[length] == '_') length++;
        const char *suffix = text_format(to->arena, "%.*s", (int)length - 1, text + 1);
        if (!is_known(to->arena, suffix)) INTERNAL_ERROR("the table of the C API lacks %s", suffix);
        text_add(to, "%s%s", macro ? upper(to->arena, prefix) : prefix, suffix);
        text += length - 1;
    }
}

const char *exported_text(Arena *arena, const char *prefix, const char *text) {
    Text to = text_new(arena);
    exported_add(&to, prefix, text);
    return to.length ? to.bytes : "";
}

static bool is_free(Arena *arena, const char *prefix) {
    for (int i = 0; i < name_count(); i++)
        if (exported_name_owner(nth_name(arena, prefix, i))) return false;
    return true;
}

const char *exported_prefix(Arena *arena, const char *name) {
    const char *id = exported_identifier(arena, name);
    size_t length = strlen(id);
    while (length && id[length - 1] == '_') length--;
    id = text_format(arena, "%.*s", (int)length, id);
    while (!length || !is_free(arena, id)) {
        id = text_format(arena, "%s_model", id);
        length = strlen(id);
    }
    return id;
}

typedef struct Declared {
    const char *name;
    int run;
} Declared;

static int by_name(const void *a, const void *b) {
    const Declared *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    return order ? order : left->run - right->run;
}

bool exported_prefixes_differ(const Program *program, const char *const *prefixes) {
    Arena *arena = program->arena;
    int names = name_count(), count = program->run_count * names;
    Declared *all = arena_array(arena, Declared, count + 1);
    for (int i = 0; i < count; i++) all[i] = (Declared){nth_name(arena, prefixes[i / names], i % names), i / names};
    qsort(all, (size_t)count, sizeof *all, by_name);
    for (int i = 1; i < count; i++) {
        if (strcmp(all[i - 1].name, all[i].name)) continue;
        const Run *first = &program->runs[all[i - 1].run], *second = &program->runs[all[i].run];
        Diagnostic *d = report(program->diagnostics, CODE_E0604, second->span,
                               "in C, %s would be declared for two runs: \"%s\" and \"%s\"", all[i].name, first->name,
                               second->name);
        add_help(program->diagnostics, d,
                 strcmp(first->block, second->block) == 0
                     ? "C has letters, digits and _ alone: give each values that differ in them"
                     : "give one of the train blocks another name");
        return false;
    }
    return true;
}

/* ---- members --------------------------------------------------------------------------------------------- */
/* The first field that is exactly it or reads nothing else. */
const Field *exported_field_of_column(const DataSet *data, int column) {
    for (int f = 0; f < data->field_count; f++)
        if (data->fields[f].column == column) return &data->fields[f];
    for (int f = 0; f < data->field_count; f++) {
        Node *root = data->fields[f].value;
        Arena *scratch = arena_new();
        int count, matches = 0, others = 0;
        Node **nodes = graph_post_order(scratch, &root, 1, &count);
        for (int i = 0; i < count; i++)
            if (nodes[i]->op == OP_COLUMN) *(nodes[i]->attr.index == column ? &matches : &others) += 1;
        arena_free(scratch);
        if (matches && !others) return &data->fields[f];
    }
    return NULL;
}

static bool is_member(const char *const *names, int count, const char *name) {
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

static const char *free_name(Arena *arena, const char *name, const char *const *names, int count) {
    name = exported_identifier(arena, name);
    while (is_listed(keywords, name) || is_library_macro(name) || is_listed(taken, name) ||
           is_member(names, count, name))
        name = text_format(arena, "%s_", name);
    return name;
}

/* A name that is taken, by the language, a macro, the header or an earlier column, gets as many `_` as it takes. */
const char *const *exported_members(Arena *arena, const DataSet *data) {
    const char **names = arena_array(arena, const char *, data->column_count + 1);
    for (int i = 0; i < data->column_count; i++) {
        const Field *field = exported_field_of_column(data, i);
        names[i] = free_name(arena, field ? field->name : data->columns[i].name, names, i);
    }
    return names;
}

const char *const *exported_counts(Arena *arena, const DataSet *data) {
    int count = data_set_count(data), columns = data->column_count;
    const char **names = arena_array(arena, const char *, columns + count + 1);
    memcpy(names, exported_members(arena, data), sizeof *names * (size_t)columns);
    if (count == 1) names[columns] = "rows";
    for (int i = 0; count > 1 && i < count; i++)
        names[columns + i] = free_name(arena, text_format(arena, "%s_rows", data->joined[i]->name), names, columns + i);
    return names + columns;
}
