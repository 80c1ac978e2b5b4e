/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plot.h - a run as a picture, by gnuplot. */
#ifndef RSM_BENCH_PLOT_H
#define RSM_BENCH_PLOT_H

#include "bench/report.h"

/* Whether that can be drawn: a .png or .svg, and gnuplot is there. False: said on stderr. */
bool plot_check(const char *path);
/* False: said on stderr. Overwrites. */
bool plot_write(const char *path, const struct report *r);

/*
 * The script: on the left, each distribution (who waits longer than how long); on the right,
 * throughput against latency.
 */
void plot_script(const char *path, const struct report *r, FILE *out);

#endif
