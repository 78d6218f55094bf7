/* animate: --animate. A page draws itself; the frames of .gif and .webp are drawn by gnuplot, whose terminals for them may be
 * missing: that is asked before training, whose result would be lost.
 */
#include "driver/gif.h"
#include "driver/html.h"
#include "driver/output.h"
#include "driver/seeing.h"
#include <string.h>

enum { PROBE_MS = 20000, PATIENCE_MS = 180000 };

bool animate_is_possible(Driver *driver) {
    const char *path = driver->options->animate, *problem, *kind = path ? path_extension(path) + 1 : "html";
    Text picture = text_new(driver->arena);
    if (strcmp(kind, "html") == 0 || !films_wanted(driver->options)) return true;
    const char *script = text_format(driver->arena, "set terminal %s size 60,40\nplot 0\n",
                                     strcmp(kind, "webp") == 0 ? "webp animate" : "pngcairo");
    if (plot_draw(driver->arena, script, PROBE_MS, &picture, &problem)) return true;
    driver_complain(
        driver, "%s: .%s is drawn by gnuplot, and the one here cannot: --animate FILE.html needs no gnuplot%s", path,
        kind, strcmp(kind, "webp") == 0 ? ", and .gif an older one (.webp comes with gnuplot 6)" : "");
    return false;
}

int films_shown(Training *const *trainings, int count, const Ranking *ranking, Training **shown) {
    int n = 0;
    for (int r = 0; r < count && n < MOST_FILMS; r++) {
        Training *t = count > MOST_FILMS && ranking->count ? ranking->runs[r] : trainings[r];
        if (t->film && t->film->frame_count) shown[n++] = t;
    }
    return n;
}

/* Of the images that follow each other. */
static Text gif_of(Arena *arena, const Text *images) {
    Vector(Raster) frames = {0};
    Text gif = text_new(arena);
    for (size_t at = 0, size; at < images->length; at += size) {
        Raster raster = {0};
        size = png_read(arena, images->bytes + at, images->length - at, &raster);
        if (size == 0 ||
            (frames.count && (raster.width != frames.items[0].width || raster.height != frames.items[0].height)))
            return gif;
        vector_push(arena, &frames, raster);
    }
    if (frames.count) gif_add(&gif, frames.items, frames.count, FILM_DELAY, FILM_HOLD);
    return gif;
}

static const char *drawn(Driver *driver, Training *const *shown, int count, size_t *length, const char **problem) {
    Arena *arena = driver->arena;
    const char *kind = path_extension(driver->options->animate), *title = driver->program->stem;
    Text picture = text_new(arena);
    if (strcmp(kind, ".html") == 0) {
        const char *page = film_page(arena, shown, count, title);
        *length = strlen(page);
        return page;
    }
    bool webp = strcmp(kind, ".webp") == 0;
    if (!plot_draw(arena, film_script(arena, shown, count, title, webp), PATIENCE_MS, &picture, problem)) return NULL;
    if (!webp) picture = gif_of(arena, &picture);
    *length = picture.length;
    if (!picture.length) *problem = "gnuplot drew no frames that can be read";
    return picture.length ? picture.bytes : NULL;
}

bool animate_write(Driver *driver, Training *const *trainings, int count, const Ranking *ranking) {
    Training *shown[MOST_FILMS];
    const char *path = driver->options->animate, *problem;
    int n = films_shown(trainings, count, ranking, shown);
    size_t length;
    if (n == 0) {
        driver_complain(driver, "%s is not written: there was no finite state to show", path);
        return false;
    }
    const char *bytes = drawn(driver, shown, n, &length, &problem);
    if (!bytes) {
        driver_complain(driver, "%s", problem);
        return false;
    }
    if (!output_write(driver->arena, path, bytes, length, &problem)) {
        driver_complain(driver, "%s %s", path, problem);
        return false;
    }
    driver_say(driver, n < count ? "wrote %s, of %d of %d runs" : "wrote %s", path, n, count);
    return true;
}
