/* html: pages that are one file and ask for nothing else: escapes, the frame of a page, charts.
 *
 *   html.c          the frame of a page, texts and numbers in it
 *   html_chart.c    curves as SVG
 *   html_film.c     the numbers of films for page.js, which draws them; a page of nothing else
 *   html_program.c  a program with its words coloured
 *   page.css page.js    what every page carries
 *
 * A page forbids itself the network (Content-Security-Policy). All that comes from users passes through text_add_xml, or
 * html_add_json inside a script.
 */
#ifndef SGDC_DRIVER_HTML_H
#define SGDC_DRIVER_HTML_H
#include "driver/plot_internal.h"

extern const EmbeddedFile page_files[]; /* made by cmake/embed.cmake; ends with name NULL */

/* ---- html.c -------------------------------------------------------------------------------------- */
void html_open(Text *page, const char *title);
void html_close(Text *page);
/* A format whose %s are taken as text: html_add(page, "<td>%s</td>", name). Of what comes from users, use no other. */
void html_add(Text *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
void html_add_json(Text *page, const char *text); /* a string that may stand in a script */
void html_add_number(Text *page, double value);   /* JSON's; null for what is none */
void html_add_base64(Text *page, const unsigned char *bytes, size_t count);
/* Values between low and high as unsigned numbers of 8 or 16 bits. */
void html_add_values(Text *page, const float *values, int64_t count, int bits, double low, double high);

/* ---- html_chart.c ---------------------------------------------------------------------------------- */
typedef enum ChartX { CHART_EPOCH, CHART_TIME } ChartX;
/* Loss (measure NULL) or a measure of the plot's runs. */
void html_add_chart(Text *page, const Plot *plot, ChartX over, const PlotMeasure *measure);

/* ---- html_program.c -------------------------------------------------------------------------------- */
void html_add_program(Text *page, const char *text);

#endif
