/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Reads the lines of a member's account; never a shell. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "../user/value.h"
#include "account.h"

struct line {
	unsigned int number;
	const char *name;
	char *value;
};

void account_error(struct account_report *report, unsigned int line,
		   const char *fmt, ...)
{
	va_list args;

	report->n++;
	if (!report->errors)
		return;
	if (line)
		fprintf(report->errors, "%s:%u: ", report->file, line);
	else
		fprintf(report->errors, "%s: ", report->file);
	va_start(args, fmt);
	vfprintf(report->errors, fmt, args);
	va_end(args);
	fputc('\n', report->errors);
}

static bool name_first(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static bool name_next(char c)
{
	return name_first(c) || (c >= '0' && c <= '9');
}

/* What a shell would take for more than text is refused wherever it stands. */
static const char *value_wrong(const char *value, bool quoted)
{
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if (strchr("$`\\;", c))
			return "$, `, \\ and ; may not be in a value: "
			       "accounts are data, nothing is executed";
		if (c < ' ' && c != '\t')
			return "a control character is in the value";
		if (quoted)
			continue;
		if (c == '#')
			return "put the comment on a line of its own";
		if (c <= ' ' || strchr("\"'&|<>(){}*?[]~!", c))
			return "put the value in quotes; nothing may follow it";
	}
	return NULL;
}

static void cut_blanks(char *text)
{
	size_t n = strlen(text);

	while (n && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		text[--n] = '\0';
}

/* Takes the quotes off; NULL, or what is wrong. */
static const char *unquote(char **value)
{
	char quote = **value;
	char *end;

	if (quote != '"' && quote != '\'')
		return value_wrong(*value, false);
	end = strchr(++*value, quote);
	if (!end)
		return "the closing quote is missing";
	if (end[1])
		return "nothing may follow the closing quote";
	*end = '\0';
	return value_wrong(*value, true);
}

/* NULL, or what is wrong; LINE->name is NULL when there is nothing in it. */
static const char *split(char *text, struct line *line)
{
	line->name = NULL;
	text += strspn(text, " \t");
	cut_blanks(text);
	if (!*text || *text == '#')
		return NULL;
	if (!strncmp(text, "export", 6) &&
	    (text[6] == ' ' || text[6] == '\t')) {
		text += 6;
		text += strspn(text, " \t");
	}
	line->name = text;
	if (!name_first(*text))
		return "expected NAME=VALUE, # comment or nothing";
	while (name_next(*text))
		text++;
	if (*text != '=')
		return "expected NAME=VALUE (no blanks around =), # comment "
		       "or nothing";
	*text++ = '\0';
	line->value = text;
	return unquote(&line->value);
}

static void set_ip4(struct account *account, const struct line *line,
		    struct account_report *report)
{
	struct why why;

	if (account->line4) {
		account_error(report, line->number,
			      "IP4 was given in line %u already",
			      account->line4);
		return;
	}
	account->line4 = line->number;
	if (!*line->value)
		return;
	if (value_address(line->value, &account->ip4, &why))
		account_error(report, line->number, "IP4=%s: %s", line->value,
			      why.text);
	else if (account->ip4.family != AF_INET)
		account_error(report, line->number,
			      "IP4=%s: is an IPv6 address", line->value);
}

static void set_ip6(struct account *account, const struct line *line,
		    struct account_report *report)
{
	char *slash = strchr(line->value, '/');
	struct why why;

	if (account->line6) {
		account_error(report, line->number,
			      "IP6 was given in line %u already",
			      account->line6);
		return;
	}
	account->line6 = line->number;
	if (!*line->value)
		return;
	/* Members' files have the address as OpenVPN's option wants it. */
	if (slash && !strcmp(slash, "/64"))
		*slash = '\0';
	if (value_address(line->value, &account->ip6, &why))
		account_error(report, line->number, "IP6=%s: %s", line->value,
			      why.text);
	else if (account->ip6.family != AF_INET6)
		account_error(report, line->number,
			      "IP6=%s: is an IPv4 address", line->value);
}

static void add_prefix(struct account *account, const struct line *line,
		       const char *text, struct account_report *report)
{
	struct ip_prefix prefix;
	struct why why;

	if (!strchr(text, '/'))
		(void)why_not(&why, "needs its length: %s/48", text);
	else if (!value_prefix(text, &prefix, &why)) {
		if (prefix.family != AF_INET6)
			(void)why_not(&why, "is not an IPv6 prefix");
		else if (account->n_prefix == ACCOUNT_PREFIXES)
			(void)why_not(&why,
				      "is the %uth; an account has at "
				      "most %d",
				      ACCOUNT_PREFIXES + 1, ACCOUNT_PREFIXES);
		else {
			account->line[account->n_prefix] = line->number;
			account->prefix[account->n_prefix++] = prefix;
			return;
		}
	}
	account_error(report, line->number, "PREFIX=%s: %s", text, why.text);
}

static void set_prefix(struct account *account, const struct line *line,
		       struct account_report *report)
{
	char *save = NULL;

	for (char *text = strtok_r(line->value, " \t", &save); text;
	     text = strtok_r(NULL, " \t", &save))
		add_prefix(account, line, text, report);
}

static void take(struct account *account, const struct line *line,
		 struct account_report *report)
{
	if (!strcmp(line->name, "IP4"))
		set_ip4(account, line, report);
	else if (!strcmp(line->name, "IP6"))
		set_ip6(account, line, report);
	else if (!strcmp(line->name, "PREFIX"))
		set_prefix(account, line, report);
	else if (report->notes &&
		 (!report->worth || report->worth(report->arg, line->name)))
		fprintf(report->notes,
			"%s:%u: %s is not anyport's (IP4, IP6, "
			"PREFIX), ignoring\n",
			report->file, line->number, line->name);
}

static void parse_line(const char *start, size_t size, unsigned int number,
		       struct account *account, struct account_report *report)
{
	char text[ACCOUNT_LINE_MAX + 1];
	struct line line = { .number = number };
	const char *wrong;

	if (size && start[size - 1] == '\r')
		size--;
	if (size > ACCOUNT_LINE_MAX) {
		account_error(report, number, "the line has more than %d bytes",
			      ACCOUNT_LINE_MAX);
		return;
	}
	if (memchr(start, '\0', size)) {
		account_error(report, number, "a NUL byte is in the line");
		return;
	}
	memcpy(text, start, size);
	text[size] = '\0';
	wrong = split(text, &line);
	if (wrong)
		account_error(report, number, "%s", wrong);
	else if (line.name)
		take(account, &line, report);
}

static void check_whole(const struct account *account,
			struct account_report *report)
{
	if (!account->ip4.family && !account->ip6.family)
		account_error(report, 0,
			      "no address: write a line IP4=... or "
			      "IP6=...");
	if (account->n_prefix && !account->ip6.family)
		account_error(report, account->line[0],
			      "a PREFIX is routed "
			      "to IP6: write a line IP6=...");
}

int account_parse(const char *text, size_t size, struct account_report *report,
		  struct account *out)
{
	unsigned int before = report->n;
	const char *end = text + size;

	memset(out, 0, sizeof(*out));
	for (unsigned int number = 1; text < end; number++) {
		const char *newline = memchr(text, '\n', end - text);

		size = (newline ? newline : end) - text;
		parse_line(text, size, number, out, report);
		text += size + 1;
	}
	/* Only when the lines are good: one mistake, one message. */
	if (report->n == before)
		check_whole(out, report);
	return report->n == before ? 0 : -EINVAL;
}
