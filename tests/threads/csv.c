/* Files of csv that several threads read, in pieces so small that they begin and end everywhere, have the rows, counts, words and
 * problems that one thread finds: files of plain numbers, with quotes that hold line ends, comments, missing values, blank lines,
 * every kind of line end, and what is wrong in any line.
 *
 * A plain program, so that it can be built with ThreadSanitizer (tests/CMakeLists.txt does, where there is one).
 */
#define _GNU_SOURCE
#include "pool.h"
#include "table.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_BYTES = 1 << 16, COLUMNS = 3, FILES = 360 };

static uint64_t state;

static uint64_t draw(uint64_t below) {
    uint64_t z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (z ^ (z >> 31)) % below;
}

/* ---- files ----------------------------------------------------------------------------------------- */
static size_t put(char *text, size_t length, const char *more) {
    size_t bytes = strlen(more);
    if (length + bytes > MOST_BYTES) return length;
    memcpy(text + length, more, bytes);
    return length + bytes;
}

/* The texts of a column: numbers or words, and now and then another one. */
static const char *field(int column, uint64_t rarity, char number[32]) {
    static const char *const strange[] = {"NA", "",    "\"1\"", "\"2,5\"", "\"a\nb\"", "\"\"\"\"",
                                          "x",  " 7 ", "1e400", "1e-3",    "\"open",   "3;4"};
    static const char *const words[] = {"red", "green", "blue", "\"dark\nblue\"", "\"a, b\"", "\"a\n1,2,ghost\nb\""};
    if (draw(rarity) == 0) return strange[draw(sizeof strange / sizeof *strange)];
    if (column == COLUMNS - 1) return words[draw(draw(8) ? 3 : 6)];
    snprintf(number, 32, "%.*g", (int)draw(17) + 1, (double)(int64_t)draw(2000001) / 1e4 - 100);
    return number;
}

static size_t make_file(char *text, bool *has_words) {
    static const char *const ends[] = {"\n", "\r\n", "\r", "\n\n", "\n# a note\n"};
    uint64_t rarity = draw(2) ? 1 + draw(2000) : 1u << 30, rows = draw(400), end = draw(6);
    size_t length = draw(8) ? 0 : put(text, 0, "\xEF\xBB\xBF");
    *has_words = draw(2);
    if (draw(2)) length = put(text, length, *has_words ? "a,b,c\n" : "a,b\n");
    for (uint64_t r = 0; r < rows; r++) {
        int columns = COLUMNS - !*has_words + (draw(rarity * 4) == 0);
        char number[32];
        for (int c = 0; c < columns; c++) {
            if (c) length = put(text, length, ",");
            length = put(text, length, field(*has_words ? c : 0, rarity, number));
        }
        length = put(text, length, ends[end < 5 ? end : draw(5)]);
    }
    if (draw(4) == 0) return put(text, length, " \n  ");
    return draw(4) || !length ? length : length - 1;
}

/* ---- what is read ---------------------------------------------------------------------------------- */
typedef struct Told {
    sgdrt_problem problems[8];
    int count;
} Told;

static void tell(void *context, const sgdrt_problem *problem) {
    Told *told = context;
    if (told->count < 8) told->problems[told->count] = *problem;
    told->count++;
}

static bool same_problem(const sgdrt_problem *a, const sgdrt_problem *b) {
    return a->code == b->code && a->line == b->line && a->column == b->column && !strcmp(a->message, b->message) &&
           !strcmp(a->help, b->help);
}

static bool same_rows(const sgdrt_table *a, const sgdrt_table *b) {
    if (a->rows != b->rows || !a->row_in_file != !b->row_in_file) return false;
    if (a->row_in_file && memcmp(a->row_in_file, b->row_in_file, sizeof *a->row_in_file * (size_t)a->rows))
        return false;
    for (int c = 0; c < a->column_count; c++) {
        const sgdrt_table_column *d = &a->described[c], *e = &b->described[c];
        size_t bytes = sgdrt_dtype_bytes(d->dtype) * (size_t)d->elements;
        if (d->missing != e->missing || (d->learns_words && d->remap_count != e->remap_count)) return false;
        for (int i = 0; d->learns_words && i < d->remap_count; i++)
            if (strcmp(d->remap_words[i], e->remap_words[i])) return false;
        for (int64_t r = 0; r < a->rows; r++)
            if (memcmp(sgdrt_row(a, c, r), sgdrt_row(b, c, r), bytes)) return false;
    }
    return true;
}

static bool reads_alike(const sgdrt_request *alone, const sgdrt_team *team) {
    Told told = {0}, told_together = {0};
    sgdrt_request one = *alone, together = *alone;
    if (draw(3) == 0) {
        one.refused = together.refused = tell;
        one.refused_context = &told;
        together.refused_context = &told_together;
    }
    together.team = team;
    sgdrt_table *a = NULL, *b = NULL;
    sgdrt_problem p = {0}, q = {0};
    int code = sgdrt_csv_load(&one, &a, &p), code_together = sgdrt_csv_load(&together, &b, &q);
    bool same = code == code_together && told.count == told_together.count;
    for (int i = 0; i < told.count && i < 8 && same; i++)
        same = same_problem(&told.problems[i], &told_together.problems[i]);
    if (same) same = code ? same_problem(&p, &q) : same_rows(a, b);
    sgdrt_free_table(a);
    sgdrt_free_table(b);
    return same;
}

static bool try_file(sgdrt_pool *pool, uint64_t seed) {
    static char text[MOST_BYTES];
    static const int64_t index[COLUMNS] = {0, 1, 2}, two[] = {2};
    bool has_words;
    state = seed;
    size_t length = make_file(text, &has_words);
    char path[] = "/tmp/sgdrt-threads-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, text, length) != (ssize_t)length) {
        perror(path);
        exit(2);
    }
    close(fd);
    sgdrt_column_request columns[] = {
        {.name = "x", .dtype = draw(2) ? SGDRT_F32 : SGDRT_F64, .rank = 1, .shape = two, .csv_index = index},
        {.name = "c",
         .dtype = SGDRT_I32,
         .learns_words = true,
         .csv_index = index + 2,
         .missing_word = draw(2) ? "none" : NULL},
    };
    sgdrt_request request = {.name = "d",
                             .source = SGDRT_CSV,
                             .path = path,
                             .comment = '#',
                             .header = -1,
                             .rows_end = -1,
                             .missing_is_error = draw(2),
                             .columns = columns,
                             .column_count = has_words ? 2 : 1};
    sgdrt_team team = sgdrt_pool_team(pool);
    team.piece = 1 + draw(draw(2) ? 64 : length / 4 + 1);
    bool same = reads_alike(&request, &team);
    if (!same)
        fprintf(stderr, "file %llu, kept as %s, is read in another way in pieces of %zu bytes\n",
                (unsigned long long)seed, path, team.piece);
    if (same) unlink(path);
    return same;
}

int main(void) {
    bool good = true;
    for (int threads = 2; threads <= 4; threads++) {
        sgdrt_pool *pool = sgdrt_pool_new(threads);
        for (uint64_t seed = 0; seed < FILES / 3; seed++) good &= try_file(pool, 1000 * (uint64_t)threads + seed);
        sgdrt_pool_free(pool);
    }
    return !good;
}
