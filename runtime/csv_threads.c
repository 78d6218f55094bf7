/* csv_threads: a csv that several threads read, with the rows, counts and problems that one has.
 *
 * They go through the file in rounds. In a round each thread takes a piece: the rows that begin in it, into a table of its own. Where
 * the first of them begins it can only guess, behind the first end of a line, which may stand inside quotes. So a piece counts
 * where its first row begins at the very place at which the rows before it ended; then its rows are those that one thread would
 * have read. The first piece that does not count, or that has met anything to be told, is read again by the first thread as if there
 * were no others, and so is the rest of the round: what is told, and in which line, is told by the reader of one thread alone.
 * Then each thread moves its rows to their places in the table of the file.
 */
#include "class_words.h"
#include "csv_reader.h"
#include <stdlib.h>

enum { BEST_PIECE = 1 << 20, FEWEST_PIECES = 3, ROW_ALLOWANCE = 4096 };

/* A column's texts that are classes: numbers in this piece's table to numbers in that of the file. */
typedef struct WordMap {
    int32_t *to;
    int32_t count;
} WordMap;

/* What a thread reads. */
typedef struct CsvPiece {
    CsvReader reader;
    sgdrt_problem problem;
    int64_t rows, row, lines; /* row: of the file's table, for the first one; lines: passed by them */
    uint64_t first, end;      /* places: where its first row begins, and the first one after it */
    bool good, counts;
    WordMap *maps; /* by column */
} CsvPiece;

typedef struct CsvRounds {
    CsvReader *whole;
    int64_t *rows;
    sgdrt_request request; /* of pieces, which tell nothing */
    uint64_t place, size, piece_bytes;
    int64_t line;
    CsvPiece *pieces;
    int code;
    bool ended;
} CsvRounds;

/* ---- pieces -------------------------------------------------------------------------------------- */
static bool new_words(CsvPiece *piece, const CsvReader *whole) {
    struct sgdrt_table_private *own = piece->reader.table->own;
    for (int c = 0; c < piece->reader.table->column_count; c++) {
        sgdrt_words_free(own->words[c]);
        own->words[c] = whole->table->own->words[c] ? sgdrt_words_new() : NULL;
        if (whole->table->own->words[c] && !own->words[c]) return false;
        piece->maps[c].count = 0;
    }
    return true;
}

static bool open_piece(CsvRounds *s, CsvPiece *piece) {
    const CsvReader *whole = s->whole;
    CsvReader *r = &piece->reader;
    r->request = &s->request;
    r->problem = &piece->problem;
    r->names = whole->names;
    r->field_count = whole->field_count;
    r->suspected = whole->suspected;
    r->fields = whole->fields;
    r->targets = whole->targets;
    r->listed = whole->listed;
    r->strict = whole->strict;
    piece->maps = calloc((size_t)s->request.column_count + 1, sizeof *piece->maps);
    return piece->maps && !sgdrt_csv_open_again(&r->text, &whole->text, r->problem) &&
           !sgdrt_table_make(s->request.path, s->request.columns, s->request.column_count, true, &r->table,
                             r->problem) &&
           new_words(piece, whole);
}

static void close_piece(const CsvRounds *s, CsvPiece *piece) {
    sgdrt_csv_close(&piece->reader.text);
    free(piece->reader.missing);
    sgdrt_free_table(piece->reader.table);
    for (int c = 0; piece->maps && c < s->request.column_count; c++) free(piece->maps[c].to);
    free(piece->maps);
}

/* To the first row that seems to begin in `from` .. : a line may have begun there, if the one before it ends with the byte before. */
static int find_first_row(const CsvRounds *s, CsvPiece *piece, uint64_t from, uint64_t enough, bool *row) {
    CsvReader *r = &piece->reader;
    bool begins = from == s->place;
    int code = sgdrt_csv_seek(&r->text, begins ? from : from - 1, s->line, enough);
    if (!code && !begins) code = sgdrt_csv_skip_line(&r->text);
    if (!code) code = sgdrt_csv_next_row(r, row);
    if (!begins) piece->lines = r->text.line;
    piece->first = begins ? from : sgdrt_csv_tell(&r->text);
    return code;
}

/* Where a row begins that was not to be read; the file's end where there is none. */
static uint64_t place_after(const CsvRounds *s, const CsvText *text, uint64_t to) {
    uint64_t place = sgdrt_csv_tell(text);
    return place < to ? s->size : place;
}

static void read_piece(const CsvRounds *s, int thread) {
    CsvPiece *piece = &s->pieces[thread];
    CsvReader *r = &piece->reader;
    uint64_t from = s->place + (uint64_t)thread * s->piece_bytes, to = from + s->piece_bytes;
    sgdrt_table_column *described = (sgdrt_table_column *)r->table->described;
    bool row = false;
    piece->rows = 0;
    piece->lines = s->line;
    for (int c = 0; c < r->table->column_count; c++) described[c].missing = 0;
    piece->good = from < s->size;
    if (!piece->good) return;
    int code = find_first_row(s, piece, from, to + ROW_ALLOWANCE, &row);
    const TableBlock *block = &r->table->own->blocks[0];
    while (!code && row && sgdrt_csv_tell(&r->text) < to) {
        code = sgdrt_csv_reserve(r, piece->rows + 1);
        if (!code) code = sgdrt_csv_read_row(r, block->bytes + block->stride * (size_t)piece->rows);
        piece->rows += !code;
        if (!code) code = sgdrt_csv_next_row(r, &row);
    }
    piece->good = !code;
    piece->end = place_after(s, &r->text, to);
    piece->lines = r->text.line - piece->lines;
}

/* ---- what comes of them ---------------------------------------------------------------------------- */
/* Its rows come next: room for them, their numbers, what they count. */
static int count_piece(CsvRounds *s, CsvPiece *piece) {
    CsvReader *whole = s->whole;
    struct sgdrt_table_private *own = whole->table->own;
    sgdrt_table_column *described = (sgdrt_table_column *)whole->table->described;
    int code = sgdrt_csv_reserve(whole, *s->rows + piece->rows);
    for (int c = 0; c < whole->table->column_count && !code; c++) {
        described[c].missing += piece->reader.table->described[c].missing;
        if (own->words[c] && !sgdrt_words_merge(own->words[c], piece->reader.table->own->words[c], &piece->maps[c].to,
                                                &piece->maps[c].count))
            code = sgdrt_csv_memory_problem(whole, sizeof(int32_t) * (size_t)piece->maps[c].count);
    }
    if (code) return code;
    for (int64_t i = 0; own->row_in_file && i < piece->rows; i++)
        own->row_in_file[*s->rows + i] = (uint32_t)(whole->in_file + i);
    piece->row = *s->rows;
    piece->counts = true;
    *s->rows += piece->rows;
    whole->in_file += piece->rows;
    s->line += piece->lines;
    s->place = piece->end;
    return 0;
}

/* By the first thread: which pieces count; the rest of the round. */
static int settle_round(CsvRounds *s, int threads) {
    CsvReader *whole = s->whole;
    uint64_t round_end = s->place + (uint64_t)threads * s->piece_bytes;
    int t = 0, code = 0;
    for (; !code && t < threads && s->pieces[t].good && s->pieces[t].first == s->place; t++)
        code = count_piece(s, &s->pieces[t]);
    for (int rest = t; rest < threads && !code; rest++)
        if (!new_words(&s->pieces[rest], whole)) code = sgdrt_csv_memory_problem(whole, 1);
    if (!code && s->place < round_end && s->place < s->size) {
        code = sgdrt_csv_seek(&whole->text, s->place, s->line, 0);
        if (!code) code = sgdrt_csv_read_rows(whole, round_end, s->rows);
        s->place = place_after(s, &whole->text, round_end);
        s->line = whole->text.line;
    }
    if (s->whole->request->progress)
        s->whole->request->progress(s->whole->request->progress_context, s->request.path,
                                    (double)s->place / (double)s->size);
    return code;
}

static void renumber(const CsvPiece *piece, int column) {
    const sgdrt_table *table = piece->reader.table;
    const struct sgdrt_table_private *own = table->own;
    const int32_t *to = piece->maps[column].to;
    for (int64_t r = 0; own->words[column] && r < piece->rows; r++) {
        void *record = own->blocks[0].bytes + own->blocks[0].stride * (size_t)r + own->offset_of[column];
        int32_t *at = record;
        for (int64_t e = 0; e < table->described[column].elements; e++) at[e] = at[e] >= 0 ? to[at[e]] : at[e];
    }
}

static void move_rows(const CsvRounds *s, CsvPiece *piece) {
    const TableBlock *to = &s->whole->table->own->blocks[0], *from = &piece->reader.table->own->blocks[0];
    if (!piece->counts) return;
    for (int c = 0; c < s->request.column_count; c++) renumber(piece, c);
    if (piece->rows)
        memcpy(to->bytes + to->stride * (size_t)piece->row, from->bytes, from->stride * (size_t)piece->rows);
    piece->counts = false;
}

static void read_rounds(void *context, int thread) {
    CsvRounds *s = context;
    const sgdrt_team *team = s->whole->request->team;
    for (;;) {
        read_piece(s, thread);
        team->meet(team->context);
        if (thread == 0) {
            s->code = settle_round(s, team->threads);
            s->ended = s->code || s->place >= s->size;
        }
        team->meet(team->context);
        move_rows(s, &s->pieces[thread]);
        if (s->ended) return;
    }
}

/* A file of which all rows are wanted, and enough for all. */
static bool is_worth_it(const CsvReader *r, uint64_t piece) {
    const sgdrt_team *team = r->request->team;
    if (!team || team->threads < 2 || r->request->rows_begin || r->request->rows_end >= 0) return false;
    return sgdrt_input_has_places(r->text.input) && sgdrt_input_most(r->text.input) / FEWEST_PIECES >= piece;
}

int sgdrt_csv_read_shared(CsvReader *r, int64_t *rows) {
    const sgdrt_team *team = r->request->team;
    size_t piece = team && team->piece ? team->piece : BEST_PIECE;
    if (!is_worth_it(r, piece)) return 0;
    CsvRounds s = {.whole = r,
                   .rows = rows,
                   .request = *r->request,
                   .place = sgdrt_csv_tell(&r->text),
                   .size = sgdrt_input_most(r->text.input),
                   .piece_bytes = piece,
                   .line = r->text.line,
                   .pieces = calloc((size_t)team->threads, sizeof *s.pieces)};
    s.request.refused = NULL;
    s.request.progress = NULL;
    bool good = s.pieces != NULL;
    for (int t = 0; t < team->threads && good; t++) good = open_piece(&s, &s.pieces[t]);
    if (good) team->run(team->context, read_rounds, &s); /* without memory for it one thread may have enough */
    for (int t = 0; t < team->threads && s.pieces; t++) close_piece(&s, &s.pieces[t]);
    free(s.pieces);
    if (s.code || !good) return s.code;
    return sgdrt_csv_seek(&r->text, s.place, s.line, 0);
}
