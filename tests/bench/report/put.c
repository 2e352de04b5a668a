/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* put FIGURES UNIT NAME: the numbers on stdin are samples of a figure. */
#include <err.h>

#include "../lib/figure.h"

int main(int argc, char **argv)
{
	struct samples s = { 0 };
	double value;

	if (argc != 4)
		errx(2, "put FIGURES UNIT NAME");
	while (scanf("%lf", &value) == 1)
		samples_add(&s, value);
	figures_open(argv[1]);
	figure_put(&s, argv[2], "%s", argv[3]);
	figures_close();
	(void)printf("%s: %.4g %s (%.4g to %.4g, n %zu)\n", argv[3],
		     samples_at(&s, 0.5), argv[2], samples_at(&s, 0.25),
		     samples_at(&s, 0.75), s.n);
	return 0;
}
