/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What the reading commands share: JSON documents and colours. */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "log.h"
#include "output.h"

bool output_can_say(const char *text)
{
	json_t *said = json_string(text);
	bool can = said;

	json_decref(said);
	return can;
}

json_t *output_document(void)
{
	return json_pack("{s:i, s:I}", "schema", 1, "time",
			 (json_int_t)time(NULL));
}

int output_json(json_t *root, bool line)
{
	int rc = -1;

	if (root)
		rc = json_dumpf(root, stdout,
				(line ? JSON_COMPACT : JSON_INDENT(2)) |
					JSON_REAL_PRECISION(6));
	json_decref(root);
	putchar('\n');
	if (!rc)
		return EXIT_DONE;
	log_error("cannot make the JSON document: out of memory");
	return EXIT_FAILED;
}

const char *colour(FILE *out, enum colour colour)
{
	static const char *const sequence[] = {
		[PLAIN] = "\033[0m",   [DIM] = "\033[2m",    [RED] = "\033[31m",
		[YELLOW] = "\033[33m", [GREEN] = "\033[32m",
	};
	const char *no = getenv("NO_COLOR"); /* no-color.org */

	return (no && *no) || !isatty(fileno(out)) ? "" : sequence[colour];
}
