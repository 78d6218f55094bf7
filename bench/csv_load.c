/* The runtime's reader of csv as a contender (peers/peer.h): a unit of work reads the file into a table.
 *
 *     csv_load FILE f32|f64 COLUMNS
 *
 * on BENCH_THREADS threads. What it computed is the number of rows and the sum of all values.
 */
#include "peers/peer.h"
#include "pool.h"
#include <string.h>

enum { MOST_COLUMNS = 1024 };

static double load(void *context) {
    const sgdrt_request *request = context;
    sgdrt_table *table;
    sgdrt_problem problem;
    if (sgdrt_load(request, &table, &problem)) exit(1);
    sgdrt_free_table(table);
    return 0;
}

/* The sum of the values of a table's only column. */
static double sum_of(const sgdrt_table *table) {
    const sgdrt_table_column *d = &table->described[0];
    double sum = 0;
    for (int64_t r = 0; r < table->rows; r++) {
        const void *row = sgdrt_row(table, 0, r);
        for (int64_t e = 0; e < d->elements; e++)
            sum += d->dtype == SGDRT_F32 ? (double)((const float *)row)[e] : ((const double *)row)[e];
    }
    return sum;
}

int main(int count, char **arguments) {
    static int64_t index[MOST_COLUMNS];
    if (count < 4 || atoi(arguments[3]) > MOST_COLUMNS) return 2;
    int64_t shape[1] = {atoi(arguments[3])};
    for (int64_t c = 0; c < shape[0]; c++) index[c] = c;
    sgdrt_pool *pool = sgdrt_pool_new(getenv("BENCH_THREADS") ? atoi(getenv("BENCH_THREADS")) : 1);
    sgdrt_team team = sgdrt_pool_team(pool);
    sgdrt_column_request column = {.name = "x",
                                   .dtype = strcmp(arguments[2], "f64") ? SGDRT_F32 : SGDRT_F64,
                                   .rank = 1,
                                   .shape = shape,
                                   .csv_index = index};
    sgdrt_request request = {.name = "bench",
                             .source = SGDRT_CSV,
                             .path = arguments[1],
                             .header = 1,
                             .rows_end = -1,
                             .missing_is_error = true,
                             .columns = &column,
                             .column_count = 1,
                             .team = &team};
    sgdrt_table *table;
    sgdrt_problem problem;
    if (sgdrt_load(&request, &table, &problem)) return 1;
    printf("{\"check\": [%lld, %.17g]}\n", (long long)table->rows, sum_of(table));
    sgdrt_free_table(table);
    return serve(load, &request, 1);
}
