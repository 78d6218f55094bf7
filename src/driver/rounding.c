/* Differences lost by rounding: numbers such as unix times are large and differ by little, and f32 has 24 bits.
 *
 * A column is suspected where all its values lie within a thousand units of the last place of the largest: then their
 * differences have less than ten bits. Only such columns, which are few, are read once more, as f64, to see whether
 * anything was lost: a third of a unit somewhere, measured by what the values span.
 */
#include "driver/rounding.h"
#include <math.h>
#include <string.h>

enum { MOST_UNITS = 1000 };

static double value_at(const sgdrt_table *table, int column, int64_t row, int64_t element) {
    const void *at = sgdrt_row(table, column, row);
    return table->described[column].dtype == SGDRT_F32 ? (double)((const float *)at)[element]
                                                       : ((const double *)at)[element];
}

typedef struct Extremes {
    double low, high;
} Extremes;

static Extremes extremes_of(const sgdrt_table *table, int column, int64_t element) {
    Extremes e = {INFINITY, -INFINITY};
    for (int64_t r = 0; r < table->rows; r++) {
        double x = value_at(table, column, r, element);
        e.low = x < e.low ? x : e.low;
        e.high = x > e.high ? x : e.high;
    }
    return e;
}

static bool is_suspect(const sgdrt_table *table, int column, int64_t element) {
    Extremes e = extremes_of(table, column, element);
    double largest = fmax(fabs(e.low), fabs(e.high));
    return largest > 0 && e.high - e.low <= MOST_UNITS * largest * 0x1p-24;
}

/* Does rounding move a value by more than a thousandth of what the values span? */
static bool is_lost(const sgdrt_table *exact, int64_t element) {
    Extremes e = extremes_of(exact, 0, element);
    for (int64_t r = 0; r < exact->rows; r++) {
        double x = value_at(exact, 0, r, element);
        if (fabs(x - (double)(float)x) > (e.high - e.low) / MOST_UNITS) return e.high > e.low;
    }
    return false;
}

static void check_column(Driver *driver, const sgdrt_request *request, const sgdrt_table *table, int c,
                         const Column *column) {
    sgdrt_column_request again = request->columns[c];
    sgdrt_request one = *request;
    sgdrt_table *exact = NULL;
    bool suspect = false;
    for (int64_t e = 0; e < table->described[c].elements && !suspect; e++) suspect = is_suspect(table, c, e);
    if (!suspect) return;
    again.dtype = SGDRT_F64;
    one.columns = &again;
    one.column_count = 1;
    if (sgdrt_load(&one, &exact, NULL)) return;
    bool lost = false;
    for (int64_t e = 0; e < table->described[c].elements && !lost; e++) lost = is_lost(exact, e);
    sgdrt_free_table(exact);
    if (!lost) return;
    Diagnostic *d = report(driver->diagnostics, CODE_W0314, column->span,
                           "the numbers of %s differ by too little for f32: rounded to it, different ones become equal",
                           column->name);
    add_help(driver->diagnostics, d,
             "standardize(...) takes them as the file has them; or subtract their beginning in the file");
}

void rounding_check(Driver *driver, const DataSet *set, const sgdrt_request *request, const sgdrt_table *table) {
    for (int c = 0; c < set->column_count; c++) {
        bool again = request->source != SGDRT_CSV || strcmp(request->path, "-") != 0;
        if (table->described[c].dtype == SGDRT_F32 && again) check_column(driver, request, table, c, &set->columns[c]);
    }
}
