/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Sequences as text.
 *
 *   sequence NAME
 *   flow udp4 0:5000 A:443      member 0, port 5000, dials the first address
 *   say 0 reset len=14          flow 0; words and arguments as in oracle.h
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/param.h>

#include "oracle.h"

const char *const op_name[OPS] = {
	"say",   "syn",   "fin",  "rst", "stray", "error",  "ping",
	"reply", "close", "down", "up",  "host",  "client", "idle",
};
const char *const kind_name[KINDS] = { "junk",    "reset", "reset3",
				       "control", "ack",   "data" };
static const char *const arg_name[ARGS] = {
	"len",  "frag", "order",  "overlap", "lost",
	"sum",  "cut",  "udplen", "chain",   "type",
	"code", "info", "quote",  "flags",   "seconds",
};

static unsigned int line_number;

static void bad(const char *what)
{
	fprintf(stderr, "directed:%u: %s\n", line_number, what);
	abort();
}

static int find(const char *const *names, int n, const char *word, size_t len)
{
	int i;

	for (i = 0; i < n; i++)
		if (strlen(names[i]) == len && !memcmp(names[i], word, len))
			return i;
	return -1;
}

static void read_flow(struct sequence *s, const char *line)
{
	struct flow *f = &s->flow[s->n_flows];
	unsigned int member, port, dialled;
	char proto[4], door;
	int version;

	if (s->n_flows == FLOWS_MAX)
		bad("too many flows");
	if (sscanf(line, "flow %3[a-z]%d %u:%u %c:%u", proto, &version, &member,
		   &port, &door, &dialled) != 6)
		bad("flow udp4|tcp6 MEMBER:PORT A|B:PORT");
	*f = (struct flow){
		.proto = strcmp(proto, "tcp") ? IPPROTO_UDP : IPPROTO_TCP,
		.v6 = version == 6,
		.member = member & 3,
		.door = door == 'B',
		.port = port,
		.dialled = dialled,
	};
	s->n_flows++;
}

static void read_word(struct sequence *s, struct step *st, const char *word)
{
	const char *value = strchr(word, '=');
	int i;

	if (value) {
		i = find(arg_name, ARGS, word, value - word);
		if (i < 0)
			bad("no such argument");
		st->arg[i] = strtoul(value + 1, NULL, 0);
	} else if (*word >= '0' && *word <= '9') {
		st->flow = strtoul(word, NULL, 10);
		if (st->flow >= s->n_flows)
			bad("no such flow");
	} else {
		i = find(kind_name, KINDS, word, strlen(word));
		if (i < 0)
			bad("no such word");
		st->kind = i;
	}
}

static void read_step(struct sequence *s, char *line)
{
	struct step *st = &s->step[s->n_steps];
	char *word = strtok(line, " \t\n");
	int op = find(op_name, OPS, word, strlen(word));

	if (op < 0 || s->n_steps == STEPS_MAX)
		bad(op < 0 ? "no such word" : "too many steps");
	*st = (struct step){ .op = op };
	while ((word = strtok(NULL, " \t\n")))
		read_word(s, st, word);
	s->n_steps++;
}

bool script_read(FILE *file, struct sequence *s)
{
	char line[256];
	long here;

	memset(s, 0, sizeof(*s));
	for (here = ftell(file); fgets(line, sizeof(line), file);
	     here = ftell(file)) {
		line_number++;
		line[strcspn(line, "#\n")] = '\0';
		if (!line[strspn(line, " \t")])
			continue;
		if (strncmp(line, "sequence ", 9)) {
			if (!*s->name)
				bad("no sequence has begun");
			if (!strncmp(line, "flow ", 5))
				read_flow(s, line);
			else
				read_step(s, line);
		} else if (*s->name) {
			fseek(file, here, SEEK_SET);
			line_number--;
			return true;
		} else {
			snprintf(s->name, sizeof(s->name), "%.63s", line + 9);
		}
	}
	return *s->name != '\0';
}

static void step_text(const struct step *st, enum kind kind, const char *flow,
		      char *out, size_t size)
{
	bool has_kind = st->op == OP_SAY || st->op == OP_REPLY;
	size_t n;
	int i;

	n = snprintf(out, size, "%s%s", op_name[st->op], flow);
	if (has_kind)
		n += snprintf(out + n, size - n, " %s", kind_name[kind]);
	for (i = 0; i < ARGS; i++)
		if (st->arg[i])
			n += snprintf(out + n, size - n, " %s=%u", arg_name[i],
				      st->arg[i]);
}

static bool has_flow(const struct step *st)
{
	return st->op != OP_DOWN && st->op != OP_UP && st->op != OP_IDLE;
}

void script_print_step(const struct sequence *s, unsigned int n)
{
	const struct step *st = &s->step[n];
	char flow[8] = "", text[256];

	if (has_flow(st))
		snprintf(flow, sizeof(flow), " %u", st->flow);
	step_text(st, st->kind, flow, text, sizeof(text));
	printf("# %s\n", text);
}

void script_print(const struct sequence *s)
{
	unsigned int i;

	printf("# sequence %s\n", s->name);
	for (i = 0; i < s->n_flows; i++) {
		const struct flow *f = &s->flow[i];

		printf("# flow %s%d %u:%u %c:%u\n",
		       f->proto == IPPROTO_UDP ? "udp" : "tcp", f->v6 ? 6 : 4,
		       f->member, f->port, f->door ? 'B' : 'A', f->dialled);
	}
	for (i = 0; i < s->n_steps; i++)
		script_print_step(s, i);
}

static const char *port_class(const struct flow *f)
{
	switch (f->dialled) {
	case 1194: return "own";
	case PASSED: return "passed";
	case SERVICE: return "service";
	case HOST_PORT: return "host";
	case CLIENT_PORT: return "client";
	default: return "free";
	}
}

/* Neither OpenVPN has heard of the flow. */
static bool is_unheard(unsigned int flow)
{
	unsigned int i;

	for (i = 0; i < WORLDS; i++)
		if (world[i].state[flow].peer.family)
			return false;
	return true;
}

/* Another of the member's connections has the same port: nft gives the second
 * one another. */
static bool is_of_two(const struct sequence *s, unsigned int flow)
{
	const struct flow *f = &s->flow[flow], *g;

	for (g = s->flow; g < s->flow + s->n_flows; g++)
		if (g != f && g->proto == f->proto && g->v6 == f->v6 &&
		    g->member == f->member && g->port == f->port)
			return true;
	return false;
}

/* Both have ended the flow's connection, OpenVPN first: it is in TIME_WAIT. */
static bool is_waiting(const struct sequence *s, unsigned int n)
{
	const struct step *st;
	bool closed = false, waiting = false, down = false;

	for (st = s->step; st < s->step + n; st++) {
		if (st->op == OP_DOWN || st->op == OP_UP)
			down = st->op == OP_DOWN;
		else if (st->flow != s->step[n].flow)
			continue;
		if (st->op == OP_RST || (st->op == OP_SYN && waiting && !down))
			closed = waiting = false; /* ended, or another one */
		closed |= st->op == OP_CLOSE;
		waiting |= closed && st->op == OP_FIN;
	}
	return waiting;
}

static const char *history(const struct sequence *s, unsigned int n)
{
	const struct step *st = &s->step[n];

	if (st->op == OP_ERROR && is_unheard(st->flow))
		return " unheard";
	if (st->op == OP_SYN && is_waiting(s, n) && is_of_two(s, st->flow))
		return " waits of-two";
	return "";
}

void script_describe(const struct sequence *s, unsigned int n, char *out,
		     size_t size)
{
	const struct step *st = &s->step[n];
	const struct flow *f = &s->flow[st->flow];
	size_t len = st->arg[A_LEN];
	enum kind kind = st->kind;
	char flow[40] = "";

	if (st->arg[A_UDPLEN] >= 8)
		len = MIN(len ?: PAYLOAD_MAX, st->arg[A_UDPLEN] - 8U);
	if (st->op == OP_SAY && !payload_is_openvpn(kind, len))
		kind = K_JUNK;

	if (has_flow(st))
		snprintf(flow, sizeof(flow), " %s%d %s%s",
			 f->proto == IPPROTO_UDP ? "udp" : "tcp", f->v6 ? 6 : 4,
			 port_class(f), history(s, n));
	step_text(st, kind, flow, out, size);
}
