/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What the parts of the configuration's parser share; see config.h. */
#ifndef CONFIG_PARSE_H
#define CONFIG_PARSE_H

#include "config.h"
#include "value.h"

#define CONFIG_LINE_MAX 1023		/* bytes, without the newline */
#define CONFIG_SIZE_MAX (256 * 1024) /* bytes; more is another file */
#define CONFIG_KEYS_MAX 64
#define CONFIG_DEVICES_MAX 64
#define CONFIG_RANGES_MAX 256
#define CONFIG_INSTANCES_MAX 16

/* Where ports were given to pass, claim or map: for the checks at the end. */
struct port_entry {
	uint16_t first, last;
	unsigned int line;
};

struct port_entries {
	struct port_entry *entry;
	size_t n;
};

#define CONFIG_SECTIONS 6

struct parser {
	FILE *in, *errors;
	const char *file;
	enum config_part part;
	bool skip; /* the section is unknown or not for this reader */
	struct config *config;
	unsigned int line, n_errors;
	size_t size;
	int failure;		       /* -errno that ended the reading */
	unsigned int section[CONFIG_SECTIONS]; /* line of its first header */
	unsigned int set[CONFIG_KEYS_MAX]; /* line of the first setting */
	struct port_entries pass[AP_PROTOS], claim[AP_PROTOS], map[AP_PROTOS];
};

/*
 * A key, as the file, the manual page and the shipped file know it. `preset`
 * is the default as it would be written; NULL when there is none.
 */
struct config_key {
	const char *section, *name, *preset;
	bool repeats;
	int (*set)(struct parser *p, const struct config_key *key,
		   const char *value);
	size_t offset; /* in struct config */
	uint64_t min, max;
};

extern const struct config_key config_keys[];
extern const size_t config_n_keys;

/* In the order of the shipped file. */
extern const char *const config_sections[CONFIG_SECTIONS];

const struct config_key *config_key(const char *section, const char *name);

/* The line to blame for KEY's value: where it is set, else its section. */
unsigned int config_line(const struct parser *p, const char *section,
			 const char *name);

bool config_is_set(const struct parser *p, const char *section,
		   const char *name);

__attribute__((format(printf, 3, 4))) void
config_error(struct parser *p, unsigned int line, const char *fmt, ...);
/* The file is taken all the same. */
__attribute__((format(printf, 3, 4))) void
config_warn(struct parser *p, unsigned int line, const char *fmt, ...);

/* Possible CPUs; 0: the kernel does not say. */
unsigned int config_cpus(void);

/* Errors that only show once the whole file is read. */
void config_check(struct parser *p);

#endif
