/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* OpenVPN's status file, version 2 (commas) or 3 (tabs). */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "status_file.h"

#define STATUS_SIZE_MAX (4 << 20)
#define FIELDS          24
#define STILL           20 /* ms; OpenVPN is through with a row in some us */
#define TRIES           10
#define NUMBER_MAX      (INT64_MAX / 2) /* room for what is added */

enum column { NAME, ADDRESS4, ADDRESS6, SINCE, LAST_REF, RECEIVED, COLUMNS };

/* What a table's HEADER line says of where its columns are; -1: nowhere. */
struct table {
	const char *name;
	const char *title[COLUMNS];
	int at[COLUMNS];
	size_t n;
};

/* Of the file, in OpenVPN's order. */
enum part { NOTHING, TITLE, TIME, CLIENTS, ROUTES, END };

struct reader {
	struct table clients, routes;
	struct status_file *out;
	enum part part;
	const char *separator;
};

static size_t split(char *line, const char *separator, char *field[FIELDS])
{
	size_t n = 0;

	while (n < FIELDS) {
		field[n++] = line;
		line = strpbrk(line, separator);
		if (!line)
			return n;
		*line++ = '\0';
	}
	return n;
}

static void read_header(struct table *table, char **field, size_t n)
{
	for (int c = 0; c < COLUMNS; c++) {
		table->at[c] = -1;
		for (size_t i = 2; i < n; i++)
			if (table->title[c] &&
			    !strcmp(field[i], table->title[c]))
				table->at[c] = (int)i - 1;
	}
	table->n = n - 1;
}

static int64_t seconds(const char *text)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	return errno || *end || end == text || n < 0 || n > NUMBER_MAX ? -1 : n;
}

static void read_address(const char *text, struct ip_prefix *out)
{
	out->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	out->length = out->family == AF_INET ? 32 : 128;
	if (inet_pton(out->family, text, &out->v6) != 1)
		memset(out, 0, sizeof(*out));
}

static struct status_session *new_session(struct status_file *file)
{
	if (file->n == file->room) {
		size_t room = file->room ? 2 * file->room : 64;
		struct status_session *more;

		more = reallocarray(file->session, room, sizeof(*more));
		if (!more)
			return NULL;
		file->session = more;
		file->room = room;
	}
	memset(&file->session[file->n], 0, sizeof(*file->session));
	return &file->session[file->n++];
}

static const char *cell(const struct table *table, char **field,
			enum column column)
{
	return table->at[column] < 0 ? NULL : field[table->at[column]];
}

/* UNDEF: not authenticated yet. */
static bool is_member(const char *name)
{
	return name && !name_wrong(name) && strcmp(name, "UNDEF");
}

static int read_client(struct reader *r, char **field)
{
	const struct table *t = &r->clients;
	const char *name = cell(t, field, NAME);
	const char *since = cell(t, field, SINCE);
	struct status_session *s;

	if (!is_member(name) || !since || seconds(since) < 0)
		return 0;
	s = new_session(r->out);
	if (!s)
		return -ENOMEM;
	strcpy(s->name, name);
	s->since = seconds(since);
	s->received =
		t->at[RECEIVED] < 0 ? -1 : seconds(field[t->at[RECEIVED]]);
	if (t->at[ADDRESS4] >= 0)
		read_address(field[t->at[ADDRESS4]], &s->ip4);
	if (t->at[ADDRESS6] >= 0)
		read_address(field[t->at[ADDRESS6]], &s->ip6);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct status_session *x = a, *y = b;

	return strcmp(x->name, y->name);
}

struct status_session *status_file_first(const struct status_file *file,
					 const char *name)
{
	size_t low = 0, high = file->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(file->session[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (!file->n) /* no array either */
		return NULL;
	return status_file_next(file, file->session + low, name);
}

struct status_session *status_file_next(const struct status_file *file,
					struct status_session *s,
					const char *name)
{
	return s < file->session + file->n && !strcmp(s->name, name) ? s : NULL;
}

static void sort(struct status_file *file)
{
	if (file->n)
		qsort(file->session, file->n, sizeof(*file->session), by_name);
}

/* Of several sessions under one name the first keeps it until the end. */
static int read_route(struct reader *r, char **field)
{
	const char *name = cell(&r->routes, field, NAME);
	const char *last = cell(&r->routes, field, LAST_REF);
	struct status_session *s;

	if (!is_member(name) || !last)
		return 0;
	s = status_file_first(r->out, name);
	if (!s)
		return -EAGAIN;
	if (seconds(last) > s->last_ref)
		s->last_ref = seconds(last);
	return 0;
}

static void share_last_ref(struct status_file *file)
{
	for (size_t i = 1; i < file->n; i++)
		if (!by_name(&file->session[i - 1], &file->session[i]))
			file->session[i].last_ref =
				file->session[i - 1].last_ref;
}

static int enter(struct reader *r, enum part part)
{
	if (r->part != part - 1)
		return -EAGAIN;
	r->part = part;
	return 0;
}

static int read_time(struct reader *r, char **field, size_t n)
{
	if (n != 3)
		return -EAGAIN;
	r->out->time = seconds(field[2]);
	return enter(r, TIME);
}

static int read_titles(struct reader *r, char **field, size_t n)
{
	bool clients = r->part == TIME;
	struct table *table = clients ? &r->clients : &r->routes;

	if (n < 3 || strcmp(field[1], table->name))
		return -EAGAIN;
	read_header(table, field, n);
	if (!clients)
		sort(r->out);
	return enter(r, clients ? CLIENTS : ROUTES);
}

static int read_row(struct reader *r, char **field, size_t n)
{
	bool client = r->part == CLIENTS;
	const struct table *table = client ? &r->clients : &r->routes;

	if ((!client && r->part != ROUTES) || strcmp(field[0], table->name))
		return -EAGAIN;
	/* A comma in a name shifts the columns: whose row it is, is unknown. */
	if (n != table->n)
		return *r->separator == ',' ? 0 : -EAGAIN;
	return client ? read_client(r, field) : read_route(r, field);
}

/*
 * When OpenVPN is stopped while it writes, rows of the file before follow the
 * new ones. A member who is in both files and in neither of these parts was
 * written over by the new clients and is still to be among them. Then all old
 * routes follow, and his is nobody's; or the new clients have written over the
 * old routes' header, too, and what follows has none.
 */
static int read_line(struct reader *r, char *line)
{
	char *field[FIELDS] = { 0 };
	size_t n = split(line, r->separator, field);

	if (!strcmp(field[0], "TITLE"))
		return enter(r, TITLE);
	if (!strcmp(field[0], "TIME"))
		return read_time(r, field, n);
	if (!strcmp(field[0], "HEADER"))
		return read_titles(r, field, n);
	if (!strcmp(field[0], "GLOBAL_STATS"))
		return r->part == ROUTES ? 0 : -EAGAIN;
	if (!strcmp(field[0], "END"))
		return enter(r, END);
	return read_row(r, field, n);
}

int status_file_parse(char *text, struct status_file *out)
{
	struct reader r = {
		.clients = { .name = "CLIENT_LIST",
			     .title = { "Common Name", "Virtual Address",
					"Virtual IPv6 Address",
					"Connected Since (time_t)",
					[RECEIVED] = "Bytes Received" },
			     .at = { -1, -1, -1, -1, -1, -1 } },
		.routes = { .name = "ROUTING_TABLE",
			    .title = { [NAME] = "Common Name",
				       [LAST_REF] = "Last Ref (time_t)" },
			    .at = { -1, -1, -1, -1, -1, -1 } },
		.out = out,
		/* By the first line: a name may hold the other one. */
		.separator = strncmp(text, "TITLE\t", 6) ? "," : "\t",
	};
	char *save = NULL;
	int err = strncmp(text, "TITLE", strnlen(text, 5)) ? -EINVAL : 0;

	memset(out, 0, sizeof(*out));
	for (char *line = strtok_r(text, "\n", &save);
	     line && !err && r.part != END; line = strtok_r(NULL, "\n", &save))
		err = read_line(&r, line);
	share_last_ref(out);
	if (!err && r.part != END)
		err = -EAGAIN;
	if (!err && (out->time < 0 || r.clients.at[NAME] < 0 ||
		     r.clients.at[SINCE] < 0))
		err = -EINVAL;
	if (err)
		status_file_free(out);
	return err;
}

/* Into TEXT, of STATUS_SIZE_MAX and one more: how much it is, or -errno. */
static ssize_t read_text(const char *path, char *text)
{
	struct stat st;
	ssize_t n = -EINVAL;
	int fd;

	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	    st.st_size > STATUS_SIZE_MAX)
		goto out;
	n = read(fd, text, STATUS_SIZE_MAX);
	if (n < 0)
		n = -errno;
	/* OpenVPN has made it and not written it yet: nothing to wait for. */
	if (!n)
		n = -ENODATA;
	if (n > 0)
		text[n] = '\0';
out:
	close(fd);
	return n;
}

/*
 * OpenVPN writes a new file over the old one, row by row, and cuts off what is
 * left at last. In between the old rows follow the new ones, with the old END,
 * and where they meet one is missing. So what was read must be the same twice;
 * status_file_parse() tells one that OpenVPN was stopped in.
 */
static int read_still(const char *path, const struct deadline *deadline,
		      char *text, char *before, struct status_file *out)
{
	ssize_t n, was = 0;
	int err = -ETIMEDOUT;

	for (int try = 0; try < TRIES; try++) {
		if (try && deadline_sleep(deadline, STILL))
			break;
		n = read_text(path, text);
		if (n < 0)
			return n;
		if (n != was || memcmp(text, before, n)) {
			memcpy(before, text, n);
			was = n;
			err = try ? -EBUSY : err;
			continue;
		}
		err = status_file_parse(text, out);
		if (err != -EAGAIN)
			break;
	}
	return err;
}

int status_file_read(const char *path, const struct deadline *deadline,
		     struct status_file *out)
{
	char *text = malloc(STATUS_SIZE_MAX + 1);
	char *before = malloc(STATUS_SIZE_MAX);
	int err = -ENOMEM;

	if (text && before)
		err = read_still(path, deadline, text, before, out);
	free(text);
	free(before);
	return err;
}

void status_file_free(struct status_file *file)
{
	free(file->session);
	file->session = NULL;
	file->n = file->room = 0;
}
