/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Where a loaded door lives: /run/anyport/bpf (a bpffs of its own) has one
 * directory per network namespace, named by the namespace's inode number, with
 * the pinned maps and links; beside the bpffs, /run/anyport/NS.json says what
 * was attached where, and /run/anyport/lock serialises every change.
 */
#ifndef STATE_H
#define STATE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include "../bpf/anyport.h"
#include "config.h"

#define STATE_DIR "/run/anyport"
#define STATE_BPF STATE_DIR "/bpf"
#define STATE_LOCK STATE_DIR "/lock"

/* One uplink as it was attached. */
struct state_uplink {
	char name[IF_NAMESIZE];	/* as configured */
	uint32_t ifindex;
	enum attach_mode mode;	/* never ATTACH_AUTO */
	bool dispatcher;	/* XDP through libxdp's dispatcher */
	bool made_clsact;	/* the qdisc is ours to remove */
	uint32_t ingress_id;	/* program ids: XDP or tc ingress */
	uint32_t egress_id;
	char why[160];		/* why auto chose this mode; "" if configured */
};

/* What it means when the getpeername programs are not attached. */
#define PEERS_ALIKE                                                     \
	"members on TCP who come from one address and port cannot be on " \
	"at the same time"

struct state {
	uint32_t layout;	/* AP_LAYOUT of the binary that loaded */
	char version[32];
	char config[4096];	/* absolute path of the configuration */
	int64_t config_mtime;	/* its, ns, as it was loaded; 0: not known */
	int64_t loaded;		/* Unix seconds of the first load */
	int64_t reloaded;	/* of the last change */
	int64_t undo_at;	/* nobody has confirmed: undone then; 0: never */
	uint32_t lookup_id;	/* sk_lookup program id */
	uint32_t peer_id[2];	/* getpeername program ids, IPv4 and IPv6 */
	char peer_why[160];	/* why there are none; "": there are */
	struct state_uplink uplink[AP_UPLINKS];
	size_t n_uplink;
	/* ids given to addresses: index is the id; family 0: never used */
	struct ip_prefix address[AP_IDS];
	bool in_use[AP_IDS];	/* in the configuration now */
};

/* 0, -ENOENT when no door is loaded in this network namespace, -EBADMSG when
 * the file is damaged (another load or reload writes it anew), or -errno. */
int state_read(struct state *state);

/* For load and unload, under the lock. */
int state_write(const struct state *state);
int state_remove(void);

/*
 * Opens the pinned map NAME of this namespace's door for reading (commands
 * run by the group too). A descriptor, the caller's to close, or -errno; -ESTALE
 * when it is another version's.
 */
int state_map(const char *name);

#endif
