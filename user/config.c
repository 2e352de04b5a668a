/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Reads anyport.conf: lines in, a checked struct config or every error out. */
#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config_parse.h"

/* A section that no key has: what follows it is skipped. */
#define SKIPPED "[!]"

void config_error(struct parser *p, unsigned int line, const char *fmt, ...)
{
	va_list args;

	p->n_errors++;
	fprintf(p->errors, "%s:%u: ", p->file, line ? line : 1);
	va_start(args, fmt);
	vfprintf(p->errors, fmt, args);
	va_end(args);
	fputc('\n', p->errors);
}

/* Errors of form; in sections that are not read they do not matter. */
__attribute__((format(printf, 2, 3))) static void bad_line(struct parser *p,
							   const char *fmt, ...)
{
	char text[200];
	va_list args;

	if (p->skip)
		return;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	config_error(p, p->line, "%s", text);
}

void config_warn(struct parser *p, unsigned int line, const char *fmt, ...)
{
	va_list args;

	fprintf(p->errors, "%s:%u: warning: ", p->file, line);
	va_start(args, fmt);
	vfprintf(p->errors, fmt, args);
	va_end(args);
	fputc('\n', p->errors);
}

static size_t section_index(const char *name)
{
	size_t i;

	for (i = 0; i < CONFIG_SECTIONS; i++)
		if (!strcmp(config_sections[i], name))
			break;
	return i;
}

const struct config_key *config_key(const char *section, const char *name)
{
	for (size_t i = 0; i < config_n_keys; i++)
		if (!strcmp(config_keys[i].section, section) &&
		    !strcmp(config_keys[i].name, name))
			return &config_keys[i];
	return NULL;
}

bool config_is_set(const struct parser *p, const char *section,
		   const char *name)
{
	const struct config_key *key = config_key(section, name);

	return key && p->set[key - config_keys];
}

unsigned int config_line(const struct parser *p, const char *section,
			 const char *name)
{
	const struct config_key *key = config_key(section, name);
	size_t i = section_index(section);

	if (config_is_set(p, section, name))
		return p->set[key - config_keys];
	return i < CONFIG_SECTIONS && p->section[i] ? p->section[i] : p->line;
}

/* ---- lines --------------------------------------------------------------*/

/* One line of at most CONFIG_LINE_MAX bytes, NUL-terminated. */
struct line {
	char text[CONFIG_LINE_MAX + 1];
	size_t length;
	bool too_long;
	int control; /* a control character that it holds, or -1 */
};

static bool next_line(struct parser *p, struct line *line)
{
	int c;

	*line = (struct line){ .control = -1 };
	errno = 0;
	while ((c = getc(p->in)) != EOF) {
		if (++p->size > CONFIG_SIZE_MAX) {
			p->failure = -EFBIG;
			return false;
		}
		if (c == '\n')
			break;
		if (line->length == CONFIG_LINE_MAX) {
			line->too_long = true;
			continue;
		}
		if (iscntrl(c) && c != '\t' && c != '\r')
			line->control = c;
		line->text[line->length++] = (char)c;
	}
	if (c == EOF && ferror(p->in))
		p->failure = errno ? -errno : -EIO;
	if (c == EOF && !line->length)
		return false;
	p->line++;
	return true;
}

/* The text without the blanks around it, and without a byte order mark. */
static char *strip(const struct parser *p, struct line *line)
{
	char *text = line->text, *end = text + line->length;

	if (p->line == 1 && !strncmp(text, "\xef\xbb\xbf", 3))
		text += 3;
	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

static const char *section_line(struct parser *p, const char *text)
{
	const char *end = strchr(text, ']');
	const char *rest = end ? end + 1 : "";
	char name[32] = "";
	size_t i;

	p->skip = p->part != CONFIG_ALL;
	rest += strspn(rest, " \t");
	if (!end || (*rest && (*rest != ';' || rest == end + 1))) {
		bad_line(p, "expected [SECTION] alone on its line");
		return SKIPPED;
	}
	if ((size_t)(end - text) <= sizeof(name))
		memcpy(name, text + 1, (size_t)(end - text - 1));
	i = section_index(name);
	if (i == CONFIG_SECTIONS) {
		bad_line(p,
			 "no section %.*s; the sections are [door], [udp], "
			 "[tcp], [limits], [hook] and [openvpn]",
			 (int)(end - text < 80 ? end - text + 1 : 80), text);
		return SKIPPED;
	}
	if (!p->section[i])
		p->section[i] = p->line;
	p->skip = p->part == CONFIG_HOOK && strcmp(name, "hook") &&
		  strcmp(name, "openvpn");
	return p->skip ? SKIPPED : text;
}

/* The library takes ':' for '=' and reports only the first line without. */
static const char *key_line(struct parser *p, const char *text)
{
	bool blank = false;
	const char *s;

	for (s = text; *s && *s != '=' && *s != ':'; s++) {
		if (blank && *s == ';')
			break;
		blank = isspace((unsigned char)*s);
	}
	if (*s == '=' && s != text)
		return text;
	bad_line(p, "expected NAME = VALUE (a value cannot continue on the "
		    "next line)");
	return "";
}

/* What the library calls for a line, in the manner of fgets(). */
static char *read_line(char *out, int size, void *stream)
{
	struct parser *p = stream;
	const char *text = "";
	struct line line;

	if (p->failure || !next_line(p, &line))
		return NULL;
	if (line.too_long)
		bad_line(p,
			 "the line is longer than %d bytes; lists of ports "
			 "may be split over several lines with the same key",
			 CONFIG_LINE_MAX);
	else if (line.control >= 0)
		bad_line(p, "the line holds a control character (0x%02x)",
			 line.control);
	else
		text = strip(p, &line);
	if (*text == '[')
		text = section_line(p, text);
	else if (*text && *text != '#' && *text != ';')
		text = key_line(p, text);
	else
		text = "";
	(void)snprintf(out, (size_t)size, "%s\n", text);
	return out;
}

/* ---- keys ---------------------------------------------------------------*/

static void unknown_key(struct parser *p, const char *section, const char *name)
{
	char list[256] = "";
	size_t n = 0;

	for (size_t i = 0; i < config_n_keys; i++)
		if (!strcmp(config_keys[i].section, section) &&
		    n < sizeof(list))
			n += (size_t)snprintf(list + n, sizeof(list) - n,
					      "%s%s", n ? ", " : "",
					      config_keys[i].name);
	config_error(p, p->line, "[%s] has no key \"%.80s\"; its keys are: %s",
		     section, name, list);
}

static int set_key(struct parser *p, const struct config_key *key,
		   const char *value)
{
	unsigned int *set = &p->set[key - config_keys];

	if (*set && !key->repeats) {
		config_error(p, p->line,
			     "%s is already set in line %u; remove one of them",
			     key->name, *set);
		return 0;
	}
	if (!*set)
		*set = p->line;
	if (*value)
		return key->set(p, key, value);
	config_error(p, p->line, "%s has no value", key->name);
	return 0;
}

/* What the library calls for a key; nonzero: go on. */
static int handle(void *user, const char *section, const char *name,
		  const char *value)
{
	struct parser *p = user;
	const struct config_key *key;

	if (p->skip || section_index(section) == CONFIG_SECTIONS) {
		if (!*section)
			bad_line(p, "%.80s stands before the first [section]",
				 name);
		return 1;
	}
	key = config_key(section, name);
	if (!key)
		unknown_key(p, section, name);
	else if (!p->failure)
		p->failure = set_key(p, key, value);
	return 1;
}

/*
 * Debian builds the library with these as variables. A line is kept whole up
 * to two bytes less than the maximum; realloc() and the stack are for others.
 */
static void configure_library(void)
{
	ini_use_stack = false;
	ini_allow_realloc = false;
	ini_max_line = CONFIG_LINE_MAX + 3;
	ini_initial_alloc = CONFIG_LINE_MAX + 3;
	ini_allow_multiline = false;
	ini_allow_inline_comments = true;
	ini_allow_no_value = false;
	ini_stop_on_first_error = false;
}

/* The defaults take the same way as what an operator writes. */
static int set_presets(struct parser *p)
{
	int err = 0;

	for (size_t i = 0; i < config_n_keys && !err; i++)
		if (!p->set[i] && config_keys[i].preset)
			err = config_keys[i].set(p, &config_keys[i],
						 config_keys[i].preset);
	return err;
}

static int parse(struct parser *p)
{
	int err;

	configure_library();
	err = ini_parse_stream(read_line, p, handle, p);
	if (p->failure)
		return p->failure;
	if (err == -2)
		return -ENOMEM;
	err = set_presets(p);
	if (!err)
		config_check(p);
	return err;
}

static int64_t mtime_of(FILE *in)
{
	struct stat st;

	if (fileno(in) < 0 || fstat(fileno(in), &st))
		return 0;
	return st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec;
}

int config_parse(FILE *in, const char *name, enum config_part part,
		 FILE *errors, struct config **out)
{
	struct parser p = { .in = in,
			    .errors = errors,
			    .file = name,
			    .part = part,
			    .skip = part != CONFIG_ALL };
	int err = -ENOMEM;

	p.config = calloc(1, sizeof(*p.config));
	if (!p.config)
		return err;
	p.config->mtime = mtime_of(in);
	p.config->path = strdup(name);
	if (p.config->path)
		err = parse(&p);
	if (err)
		fprintf(errors, "%s: cannot be read: %s\n", name,
			strerror(-err));
	else if (p.n_errors)
		err = -EINVAL;
	for (int i = 0; i < AP_PROTOS; i++) {
		free(p.pass[i].entry);
		free(p.claim[i].entry);
		free(p.map[i].entry);
	}
	if (err)
		config_free(p.config);
	else
		*out = p.config;
	return err;
}

int config_read(const char *file, FILE *errors, struct config **out)
{
	FILE *in = fopen(file, "re");
	int err;

	if (!in) {
		err = -errno;
		fprintf(errors, "%s: %s; %sname another file with -c\n", file,
			strerror(-err), err == -EACCES ? "use sudo, or " : "");
		return err;
	}
	err = config_parse(in, file, CONFIG_ALL, errors, out);
	fclose(in);
	return err;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->n_instance; i++) {
		free(config->instance[i].name);
		free(config->instance[i].management);
		free(config->instance[i].status);
	}
	free(config->instance);
	for (int i = 0; i < AP_PROTOS; i++)
		free(config->proto[i].map);
	free(config->hook.users);
	free(config->hook.state);
	free(config->hook.device);
	free(config->hook.range);
	free(config->interface);
	free(config->path);
	free(config);
}
