/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * The parity oracle: the same frames go into two servers, one with nft's
 * "redirect to :1194" and one with the door, and what members, OpenVPN, the
 * server's other sockets and a masqueraded client see of it is compared. A
 * difference has to be named in the file `differences`.
 *
 *   out (members, raw) --- eth0 server eth1 --- in (masqueraded client, raw)
 *
 * Sequences are text, those of the file `directed` and those of random.c alike;
 * script.c has the words.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "ns.h"

#define SERVICE     5353  /* UDP, and TCP: a local service of the server's */
#define PASSED      500   /* UDP and TCP; nothing listens */
#define HOST_PORT   123   /* the server itself asks from it */
#define CLIENT_PORT 40001 /* the masqueraded client sends from it */
#define FLOWS_MAX   10
#define STEPS_MAX   40
#define PAYLOAD_MAX 4096

/* ---- sequences ----------------------------------------------------------*/

struct flow {
	uint8_t proto; /* IPPROTO_UDP or _TCP */
	bool v6;
	uint8_t member; /* 0 to 3 */
	uint8_t door;   /* 0: the first address, 1: the second */
	uint16_t port;  /* the member's */
	uint16_t dialled;
};

enum op {
	OP_SAY, /* the member sends; on TCP: data */
	OP_SYN, /* TCP: connects */
	OP_FIN,
	OP_RST,
	OP_STRAY, /* TCP: a segment of no connection */
	OP_ERROR, /* an ICMP error about the last packet the member got */
	OP_PING,
	OP_REPLY, /* OpenVPN sends unasked */
	OP_CLOSE, /* OpenVPN closes its end of a TCP connection */
	OP_DOWN,  /* OpenVPN stops */
	OP_UP,
	OP_HOST,   /* the server itself sends from the dialled end */
	OP_CLIENT, /* the masqueraded client sends from the dialled port */
	OP_IDLE,   /* nobody sends for so many seconds */
	OPS
};

enum kind { K_JUNK, K_RESET, K_RESET3, K_CONTROL, K_ACK, K_DATA, KINDS };

enum arg {
	A_LEN,     /* of the payload, bytes; 0: what is usual */
	A_FRAG,    /* cut into pieces of so many bytes of IP payload */
	A_ORDER,   /* of the pieces: 1 backward, 2 odd ones first */
	A_OVERLAP, /* pieces that lie over each other */
	A_LOST,    /* the last piece does not arrive */
	A_SUM,     /* 1: no checksum, 2: a wrong one */
	A_CUT,     /* the frame ends after so many bytes of IP */
	A_UDPLEN,  /* the UDP header's length field */
	A_CHAIN,   /* so many IPv4 options or IPv6 extension headers */
	A_TYPE,    /* ICMP; 0: unreachable */
	A_CODE,
	A_INFO,  /* ICMP: second word, the MTU for example */
	A_QUOTE, /* ICMP: bytes quoted; 0: all */
	A_FLAGS, /* TCP, for OP_STRAY */
	A_SECONDS,
	ARGS
};

struct step {
	enum op op;
	uint8_t flow;
	enum kind kind;
	uint16_t arg[ARGS];
};

struct sequence {
	char name[64];
	unsigned int n_flows, n_steps;
	struct flow flow[FLOWS_MAX];
	struct step step[STEPS_MAX];
};

extern const char *const op_name[OPS], *const kind_name[KINDS];

/* The next sequence of an open file; false: no more. Aborts on a mistake and
 * says where. */
bool script_read(FILE *file, struct sequence *s);
void script_print(const struct sequence *s);
void script_print_step(const struct sequence *s, unsigned int n);
/* What a named difference says of a step: "say junk udp4 free len=3". */
void script_describe(const struct sequence *s, unsigned int n, char *out,
		     size_t size);

/* Numbers that a seed determines. */
void random_seed(uint64_t seed);
uint32_t random_below(uint32_t n);
void random_sequence(struct sequence *s);

/* ---- what is seen -------------------------------------------------------*/

#define EVENTS_MAX 96
#define EVENT_SIZE 224

struct events {
	unsigned int n;
	char line[EVENTS_MAX][EVENT_SIZE];
};

/* ---- worlds -------------------------------------------------------------*/

/* One flow of the sequence at hand, in one world. */
struct state {
	struct frame last; /* that the member got */
	bool synced;       /* TCP: isn and rcv are known */
	bool owes_ack, live;
	uint8_t ended;     /* TCP: 1: the member's side, 2: the server's */
	uint32_t snd, rcv; /* TCP: next to send, next expected */
	uint32_t isn;      /* of the server */
	struct end peer;  /* of the flow, as OpenVPN sees it; family 0: never */
	struct end local; /* OpenVPN's end */
	uint16_t masked;  /* the client's port after masquerading; 0: none */
	int conn;         /* OpenVPN's socket of a TCP flow, or -1 */
};

enum role { R_NONE, R_UDP, R_LISTEN, R_CONN, R_SERVICE, R_SERVICE_TCP, R_HOST };
#define APPS_MAX 64

struct app {
	enum role role;
	int fd;
	bool v6;
	struct end at; /* R_HOST: where it is bound */
	int flow;      /* R_CONN */
};

struct world {
	const char *ns;
	bool door;
	int out, in; /* raw sockets */
	int epoll;
	uint16_t mark; /* of the last barrier */
	struct app app[APPS_MAX];
	struct state state[FLOWS_MAX];
	struct events events;
	const struct sequence *now;
	unsigned int step;
};

enum { NAT, DOOR, WORLDS };
extern struct world world[WORLDS];

/* Both, without the door. Ends the test when something fails. */
void worlds_make(void);
void door_attach(const char *attach);
void door_detach(void);
/* Nothing of earlier sequences is kept by conntrack. */
void conntrack_forget(void);
void world_idle(struct world *w, unsigned int seconds);

/*
 * Of a member's two connections from one port nft gives the second another
 * source port, and does so after early demultiplexing has looked for a socket:
 * kernels before 6.4 keep the one that was found, the other connection's.
 * Without early demultiplexing nft's world is on these as on later kernels.
 */
extern bool nat_demux; /* as usual */
void nat_demux_set(bool on);

/* The ends of a flow of the sequence at hand. */
struct end member_of(const struct flow *f);
struct end client_of(const struct flow *f);
struct end dialled_of(const struct world *w, unsigned int flow);
/* Each run of a sequence has members of its own. */
void members_new(void);

/* Does the step in W and waits until nothing more comes of it. */
void step_do(struct world *w, const struct sequence *s, unsigned int n);
void step_end(struct world *w); /* of the sequence */
__attribute__((format(printf, 2, 3))) void event(struct world *w,
						 const char *format, ...);

/* Puts down what the frame is; keeps what the flow's member learns from it. */
void event_frame(struct world *w, const struct frame *f, bool to_client);
uint32_t hash_of(const void *data, size_t len);
int flow_of(const struct world *w, uint8_t proto, struct end member,
	    struct end dialled);

/* Sends the frame of a step on its way, or several. */
void member_do(struct world *w, const struct step *st);
/* Acknowledges what arrived; true if there was something. */
bool member_acks(struct world *w);
/* Would OpenVPN take a first packet of that kind and length seriously? */
bool payload_is_openvpn(enum kind kind, size_t len);
/* A payload of KIND that tells flow and step; its length. */
size_t payload_make(uint8_t *out, enum kind kind, size_t len, unsigned int flow,
		    unsigned int step);

/* ---- the server's sockets ----------------------------------------------*/

void apps_open(struct world *w);
void apps_close_sequence(struct world *w);
/* Takes what has arrived and answers it; true if there was something. */
bool apps_run(struct world *w);
void app_do(struct world *w, const struct step *st);

/* ---- differences --------------------------------------------------------*/

extern bool verbose; /* prints every step and what it shows */
void differences_load(const char *file);
/* Are there some that only kernels as old as this one show? */
bool differences_of_age(void);
/* Are both worlds' events of this step the same, or the difference named?
 * DIRECTED: a named one counts as shown. */
bool differences_judge(const struct sequence *s, unsigned int n, bool directed);
/* What has been named so far in this sequence is forgotten. */
void differences_start(void);
/* How many are named, and how many of them no directed sequence has shown. */
unsigned int differences_count(void);
unsigned int differences_unshown(bool print);
void differences_print(void);

/* False: an unnamed difference at step *WHERE. */
bool sequence_run(const struct sequence *s, bool directed, unsigned int *where);
/* Runs smaller ones that still differ and prints the smallest. */
void sequence_shrink(const struct sequence *s, unsigned int where);

#endif
