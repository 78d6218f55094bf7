/* csv_load: how fast the runtime reads a csv of 1,000,000 x 10 numbers (95 MB), beside pandas where it is.
 *
 *     cc -O2 -Iruntime bench/csv_load.c build/libsgdrt.a -lcjson -lz -lm -o csv_load
 *     csv_load [FILE.csv [COLUMNS]]
 *
 * Without a file, one is made in TMPDIR and removed afterwards. Prints the best of five in MB/s of processor
 * time (both readers use one thread). A timing is not a test.
 */
#include "sgdrt.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ROWS = 1000000, COLUMNS = 10, MOST_COLUMNS = 1024, TRIALS = 5 };

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Normally distributed numbers with six decimals, the same every time. */
static int make_file(char *path) {
    int fd = mkstemp(path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file) return 0;
    uint64_t state = 1;
    for (int c = 0; c < COLUMNS; c++) fprintf(file, "c%d%c", c, c + 1 < COLUMNS ? ',' : '\n');
    for (int64_t i = 0; i < (int64_t)ROWS * COLUMNS; i++) {
        double sum = -6;
        for (int k = 0; k < 12; k++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            sum += (double)(state >> 11) * 0x1p-53;
        }
        fprintf(file, "%.6f%c", sum, i % COLUMNS + 1 < COLUMNS ? ',' : '\n');
    }
    return !fclose(file);
}

static double load(const char *path, int columns) {
    static int64_t index[MOST_COLUMNS];
    int64_t shape[1] = {columns};
    for (int c = 0; c < columns; c++) index[c] = c;
    sgdrt_column_request column = {.name = "x", .dtype = SGDRT_F32, .rank = 1, .shape = shape, .csv_index = index};
    sgdrt_request request = {.name = "bench",
                             .source = SGDRT_CSV,
                             .path = path,
                             .header = -1,
                             .rows_end = -1,
                             .missing_is_error = true,
                             .columns = &column,
                             .column_count = 1};
    sgdrt_table *table;
    sgdrt_problem problem;
    double begin = seconds();
    int code = sgdrt_load(&request, &table, &problem);
    double took = seconds() - begin;
    if (code) {
        fprintf(stderr, "%s:%lld:%lld: E%04d: %s\n", path, (long long)problem.line, (long long)problem.column, code,
                problem.message);
        return -1;
    }
    sgdrt_free_table(table);
    return took;
}

static void run_peer(const char *path, double megabytes) {
    char command[1024];
    snprintf(command, sizeof command,
             "python3 -c \"\n"
             "import time\n"
             "try: import pandas, numpy\n"
             "except ImportError: raise SystemExit('pandas       not installed')\n"
             "for t in ('float64', 'float32'):\n"
             "    best = 1e9\n"
             "    for i in range(5):\n"
             "        begin = time.process_time(); pandas.read_csv('%s', dtype=t)\n"
             "        best = min(best, time.process_time() - begin)\n"
             "    print('pandas %%s %%6.0f MB/s   %%.3f s' %% (t, %f / best, best))\n"
             "\"",
             path, megabytes);
    fflush(stdout);
    if (system(command) == -1) puts("pandas       python3 could not be started");
}

int main(int count, char **arguments) {
    char made[1024] = "";
    const char *folder = getenv("TMPDIR"), *path = count > 1 ? arguments[1] : made;
    int columns = count > 2 ? atoi(arguments[2]) : COLUMNS;
    struct stat status;
    if (columns < 1 || columns > MOST_COLUMNS) return 2;
    snprintf(made, sizeof made, "%s/csv_load-XXXXXX", folder ? folder : "/tmp");
    if (path == made && !make_file(made)) {
        fprintf(stderr, "%s cannot be written\n", made);
        return 3;
    }
    double best = INFINITY, megabytes = stat(path, &status) ? 0 : (double)status.st_size / 1e6;
    for (int i = 0; i < TRIALS; i++) {
        double took = load(path, columns);
        if (took < 0) return 3;
        best = took < best ? took : best;
    }
    printf("%.1f MB, %d columns as f32\n", megabytes, columns);
    printf("sgdrt          %6.0f MB/s   %.3f s\n", megabytes / best, best);
    run_peer(path, megabytes);
    if (path == made) unlink(made);
    return 0;
}
