/* new: what the files of `sgdc new` share with nobody else.
 *
 *   new.c            the command: what it is asked, and where it writes
 *   new_profile.c    what is in the columns of a table
 *   new_choices.c    which column becomes what, and which model and schedule fit the table
 *   new_program.c    the choices as the text of a program, each with its reason; format.h lays it out
 */
#ifndef SGDC_DRIVER_NEW_H
#define SGDC_DRIVER_NEW_H
#include "driver/driver.h"
#include "sgdrt.h"

/* ---- new_profile.c -------------------------------------------------------------------------- */
enum { MOST_TEXTS = 50 }; /* different texts of a column that are remembered */

typedef struct CountedText {
    const char *text;
    int64_t rows;
    bool missing;
} CountedText;

/* Of the values that are numbers, written with one sign of decimals. */
typedef struct NumberProfile {
    int64_t count, whole;
    double low, high, last;
    bool sequence; /* each is one more than the one before */
} NumberProfile;

typedef struct ColumnProfile {
    const char *name; /* in the header; NULL: there is none */
    int number;
    int64_t missing;
    NumberProfile numbers[2]; /* with a decimal point, with a decimal comma */
    Vector(CountedText) texts;
    bool many_texts; /* many: more than MOST_TEXTS, no longer counted */
    const char *odd;
    int64_t odd_line; /* the first text that is no number */
    bool has_zero_bytes;
} ColumnProfile;

typedef struct TableProfile {
    const char *path;
    bool header, comma; /* comma: decimals have one */
    char delimiter, comment;
    int64_t rows;
    ColumnProfile *columns;
    int column_count;
} TableProfile;

/* Reads the whole file; false after a diagnostic. */
bool profile_table(Driver *driver, const char *path, TableProfile *profile);
static inline const NumberProfile *profile_numbers(const TableProfile *table, const ColumnProfile *column) {
    return &column->numbers[table->comma];
}
/* Rows that have a value in each column that is marked; false after a diagnostic. */
bool profile_complete_rows(Driver *driver, const TableProfile *table, const bool *marked, int64_t *rows);

/* ---- new_choices.c -------------------------------------------------------------------------- */
typedef enum ColumnRole { ROLE_LEFT_OUT, ROLE_NUMBER, ROLE_TEXTS, ROLE_TARGET } ColumnRole;
typedef struct ColumnChoice {
    ColumnRole role;
    const char *reason; /* why it is left out */
    const char *field;  /* TEXTS and TARGET: its name in the program */
} ColumnChoice;

typedef enum TargetKind { TARGET_NUMBER, TARGET_LABELS, TARGET_TEXTS } TargetKind;

typedef struct Choices {
    const TableProfile *table;
    ColumnChoice *columns;
    int target;
    TargetKind kind;
    int64_t classes;
    double *values; /* LABELS: the number that each class has in the file */
    int number_count, text_count;
    bool has_missing; /* in numbers, or in the target */
    double missing;   /* what stands for it */
    int64_t rows;     /* that are complete */
    bool hold_out, by_class;
    int hidden;            /* units of the hidden layer; 0: linear */
    int64_t batch, epochs; /* batch 0: all */
} Choices;

/* target NULL: the last column. False after a complaint or diagnostic. */
bool choose(Driver *driver, const TableProfile *table, const char *target, Choices *choices);
/* "price", or "column 3". */
const char *column_title(Arena *arena, const ColumnProfile *column);

/* ---- new_program.c -------------------------------------------------------------------------- */
/* data_path: as it stands in the program; stem: of the program's file. */
const char *program_text(Arena *arena, const Choices *choices, const char *data_path, const char *stem);

#endif
