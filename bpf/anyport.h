/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * What the kernel programs and the commands agree on: names, keys and values
 * of the pinned maps. It is an interface between versions too: a newer
 * binary finds maps that an older one pinned. Whatever changes a name, a
 * size or a meaning below must raise AP_LAYOUT.
 */
#ifndef ANYPORT_H
#define ANYPORT_H

#include <linux/bpf.h>
#include <linux/types.h>

#define AP_LAYOUT 4

/* Bounds; each is also the size of an array below or of a map. */
#define AP_ADDRS    32 /* door addresses in one configuration, both families */
#define AP_IDS      64 /* address ids: outlive a reload, see struct ap_addr4 */
#define AP_TARGETS  8  /* local target ports per protocol */
#define AP_UPLINKS  32 /* uplinks and what stands on them: VLANs, a bridge */
#define AP_PREFIXES 16384 /* buckets of the limiter; a power of two */

/*
 * Flow times are in ticks of 2^30 ns (1.07 s) of CLOCK_MONOTONIC_COARSE: a
 * shift instead of a 64-bit division for every packet.
 */
#define AP_TICK_SHIFT 30

enum ap_proto { AP_UDP, AP_TCP, AP_PROTOS };

/* ---- configuration, read by every program -------------------------------*/

/*
 * Two slots each of `config` and `policy`: the programs read the generation
 * once per packet and use slot (generation & 1); a reload fills the other
 * slot, waits until no program can still read it (membarrier), then raises
 * the generation.
 */
struct ap_active {
	__u32 generation;
	/*
	 * Which XDP program acts: behind libxdp's dispatcher a replacement runs
	 * beside its predecessor for a moment, and a packet must not be
	 * rewritten twice. Compared with the program's .rodata `instance`.
	 */
	__u32 instance;
	/*
	 * The programs' own: the tick, and 16ths of jiffies (above) of when it
	 * was read. See now_tick().
	 */
	__u64 clock;
};
_Static_assert(sizeof(struct ap_active) == 16, "pinned: raise AP_LAYOUT");

/*
 * id: names the address in flow entries, in `listeners` and in `sockets`. A
 * reload keeps the id of an address that stays and gives a new address an
 * id that no flow carries.
 */
struct ap_addr4 {
	__be32 ip;
	__u8 id;
	__u8 pad[3];
};
_Static_assert(sizeof(struct ap_addr4) == 8, "pinned: raise AP_LAYOUT");

struct ap_addr6 {
	__be32 ip[4];
	__u8 id;
	__u8 pad[7];
};
_Static_assert(sizeof(struct ap_addr6) == 24, "pinned: raise AP_LAYOUT");

enum ap_class { AP_RESET, AP_CONTROL, AP_DATA, AP_CLASSES };

/* One budget of the limiter, as times: see bpf/limit.h. 0: no limit. */
struct ap_budget {
	__u64 cost;    /* ns one packet takes of the whole budget */
	__u64 reserve; /* ns one packet takes of the reserved share */
	__u64 prefix;  /* ns one packet takes of its prefix's bucket */
	__u64 burst;   /* ns that may be taken at once, any of the three */
};
_Static_assert(sizeof(struct ap_budget) == 32, "pinned: raise AP_LAYOUT");

/*
 * Keys of the hashes, from load to unload. Whoever knows `hash` can aim at alias
 * ports and at the limiter's buckets; it is the host's, so that an alias is the
 * same after a reboot. `place` lays out the tables, is made anew by each load and
 * is another: who may read a table sees where flows are, and might reckon it.
 */
struct ap_secret {
	__u64 hash[2];
	__u64 place[2];
};
_Static_assert(sizeof(struct ap_secret) == 32, "pinned: raise AP_LAYOUT");

struct ap_config {
	__u32 n4, n6;    /* how many of each; both together at most AP_ADDRS */
	struct ap_addr4 addr4[AP_ADDRS];
	struct ap_addr6 addr6[AP_ADDRS];
	__be16 target[AP_PROTOS][AP_TARGETS]; /* index: ap_policy.target */
	__u32 n_target[AP_PROTOS];
	__u32 uplink[AP_UPLINKS]; /* ifindexes: uplinks, their VLANs, bridge */
	__u32 n_uplink;
	__u16 nat_first, nat_last; /* host byte order; first > last: none */
	__u32 idle_established;    /* ticks */
	__u32 idle_half;           /* ticks */
	__u32 idle_nat;            /* ticks */
	__u32 filter;              /* 0: [udp] filter = off */
	__u32 established;         /* how many flows were asked for ... */
	__u32 half_open;
	__u32 flows4, flows6; /* ... and how many segments that takes */
	__u32 half4, half6;
	__u32 slot; /* which of the two this is */
	__u32 mark; /* of the packets of OpenVPN's socket; 0: none */
	struct ap_budget budget[AP_CLASSES];
};
_Static_assert(sizeof(struct ap_config) ==
		       8 + 256 + 768 + 32 + 8 + 128 + 4 + 4 + 12 * 4 + 96,
	       "pinned: raise AP_LAYOUT");

/* Index of `policy`: AP_POLICY_INDEX(generation, proto, port) */
#define AP_POLICIES (2 * AP_PROTOS * 65536)
#define AP_POLICY_INDEX(gen, proto, port) \
	((((gen)&1) * AP_PROTOS + (proto)) * 65536 + (port))

enum ap_policy_flag {
	AP_PASS = 1,  /* untouched, whatever else is set */
	AP_CLAIM = 2, /* ours even if a local service answers */
	AP_OWN = 4,   /* the port is itself a target's: never a local service */
};

struct ap_policy {
	__u8 flags;
	__u8 target; /* index into ap_config.target[proto] */
	__be16 port; /* the same target's port, to save the second load */
	__u32 pad;   /* array elements are rounded up to 8 bytes anyway */
};
_Static_assert(sizeof(struct ap_policy) == 8, "pinned: raise AP_LAYOUT");

/* ---- UDP flows ----------------------------------------------------------*/

/*
 * The key is what a reply carries: the member's address, the member's port as
 * OpenVPN sees it (real or alias) and the target port.
 */
struct ap_key4 {
	__be32 addr;
	__be16 port;
	__be16 target;
};
_Static_assert(sizeof(struct ap_key4) == 8, "pinned: raise AP_LAYOUT");

struct ap_key6 {
	__be32 addr[4];
	__be16 port;
	__be16 target;
};
_Static_assert(sizeof(struct ap_key6) == 20, "pinned: raise AP_LAYOUT");

enum ap_state {
	AP_NEW,         /* the member has sent, nothing is proven */
	AP_VERIFIED,    /* OpenVPN sent opcode 4 or 5: the address is real */
	AP_ESTABLISHED, /* OpenVPN sent data: the TLS handshake is done */
	AP_STATES,
};

/*
 * A flow of flows4/6 (established) or half4/6 (new, verified). `dialled`,
 * `real`, `door` and the key never change during an entry's life: taking a
 * slot over is delete and insert.
 */
struct ap_flow {
	__be16 real;    /* the member's source port on the wire ... */
	__be16 dialled; /* ... and the port dialled: as UDP's header has them */
	__u8 door;      /* id of the dialled address */
	__u8 state;     /* enum ap_state */
	__u8 allowance; /* packets that a verified flow has had for free */
	__u8 known;     /* when its prefix was last noted, in 64 ticks */
	__u32 seen;     /* tick of the last packet, either direction */
};
_Static_assert(sizeof(struct ap_flow) == 12, "pinned: raise AP_LAYOUT");

/*
 * The tables of flows: arrays of segments, each of AP_BUCKETS buckets with room
 * for a few flows. A key names a segment, a bucket and a stride (place.h). A
 * half-open flow is in that bucket or nowhere. An established one is in the
 * first of up to AP_PROBES that had room when it came; `passed` has a bit for
 * each bucket that one had to pass over. An entry whose target is 0 is empty.
 *
 * Not the kernel's LRU hash: looking up there is a call, inserting takes locks
 * and four times as long, and every entry costs it 56 bytes more.
 */
#define AP_WAYS4   3
#define AP_WAYS6   4
#define AP_BUCKETS 61 /* a prime: every stride comes by all of them */
#define AP_PROBES  16

struct ap_entry4 {
	struct ap_key4 key;
	struct ap_flow flow;
};
_Static_assert(sizeof(struct ap_entry4) == 20, "pinned: raise AP_LAYOUT");

struct ap_entry6 {
	struct ap_key6 key;
	struct ap_flow flow;
};
_Static_assert(sizeof(struct ap_entry6) == 32, "pinned: raise AP_LAYOUT");

struct ap_bucket4 { /* one cache line; two for IPv6 */
	struct ap_entry4 way[AP_WAYS4];
	__u32 pad;
};

struct ap_bucket6 {
	struct ap_entry6 way[AP_WAYS6];
};

struct ap_segment4 {
	struct bpf_spin_lock lock;
	__u32 pad;
	__u64 passed;
	__u8 pad2[3 * 64 - 16];
	struct ap_bucket4 bucket[AP_BUCKETS];
};
_Static_assert(sizeof(struct ap_segment4) == 4096, "pinned: raise AP_LAYOUT");

struct ap_segment6 {
	struct bpf_spin_lock lock;
	__u32 pad;
	__u64 passed;
	__u8 pad2[3 * 128 - 16];
	struct ap_bucket6 bucket[AP_BUCKETS];
};
_Static_assert(sizeof(struct ap_segment6) == 8192, "pinned: raise AP_LAYOUT");

/*
 * `spread`: how much of flows4 and of flows6 is in use. Few flows in all of a
 * large table would each be on a page of its own, in no cache: a table begins
 * with its first segments, as many as there were a table of segments >> shift.
 * When they become crowded, all are in use. The flows of before are found where
 * they are until OpenVPN has sent to them once more; then they are moved.
 */
#define AP_FEW 160 /* segments that a table begins with, at most */

struct ap_spread {
	__u32 shift;
	__u32 from; /* the shift before, while flows may still be there; or 0 */
	__u32 since;   /* tick when one was last seen there */
	__u32 crowded; /* see spread_note() */
};
_Static_assert(sizeof(struct ap_spread) == 16, "pinned: raise AP_LAYOUT");

/*
 * nat4/6: a UDP tuple that a forwarded (masqueraded) packet left with; its
 * replies are left alone. Key as the reply arrives; value: tick last seen.
 */
struct ap_nat4 {
	__be32 addr; /* remote */
	__be16 port; /* remote */
	__be16 local;
	__u32 door; /* id */
};
_Static_assert(sizeof(struct ap_nat4) == 12, "pinned: raise AP_LAYOUT");

struct ap_nat6 {
	__be32 addr[4];
	__be16 port;
	__be16 local;
	__u32 door;
};
_Static_assert(sizeof(struct ap_nat6) == 24, "pinned: raise AP_LAYOUT");

/*
 * `aliased`: one bit per hash of a member's address: has any of its flows ever
 * needed an alias? If not, four look-ups are saved for every new flow. Bits are
 * only ever set, so the hint cannot miss; elements are __u64.
 */
#define AP_ALIASED_WORDS 1024

/* ---- limiter ------------------------------------------------------------*/

/* `budgets`: index enum ap_class. Times as bpf/limit.h explains. */
struct ap_bucket {
	__u64 all;
	__u64 reserve;
};
_Static_assert(sizeof(struct ap_bucket) == 16, "pinned: raise AP_LAYOUT");

/* `prefixes`: index is a keyed hash of the /32 or /64. */
struct ap_prefix {
	__u64 taken[AP_CLASSES];
	__u32 known; /* tick when an established flow was last seen; 0: never */
	__u32 tag;   /* more bits of the hash of the prefix that is known */
};
_Static_assert(sizeof(struct ap_prefix) == 32, "pinned: raise AP_LAYOUT");

/*
 * `known`: one bit per element of `prefixes`: has any prefix there ever been
 * known? A flood touches this and not half a megabyte. Bits are only ever set.
 */
#define AP_KNOWN_WORDS (AP_PREFIXES / 64)

/* ---- TCP steering -------------------------------------------------------*/

/*
 * `listeners`: one bit per (address id, port): does the port have a listener
 * of its own? Elements are __u64.
 */
#define AP_LISTENER_WORDS          (AP_IDS * 65536 / 64)
#define AP_LISTENER_WORD(id, port) ((id)*1024 + ((port) >> 6))

/* `sockets`: SOCKMAP; index (address id, target). */
#define AP_SOCKETS            (AP_IDS * AP_TARGETS)
#define AP_SOCKET(id, target) ((id)*AP_TARGETS + (target))

/*
 * `looking`, per CPU: the address and port that XDP is looking up right now.
 * The lookup runs sk_lookup too, which must then keep out of the way.
 */
struct ap_looking {
	__be32 ip[4];
	__u16 port;  /* host byte order, as sk_lookup's context has it */
	__u8 family; /* 0: nothing is being looked up */
	__u8 pad;
};
_Static_assert(sizeof(struct ap_looking) == 20, "pinned: raise AP_LAYOUT");

/*
 * `peers`, LRU: which connection a TCP server knows by this member's address
 * and port. Key: IPv4 is mapped into IPv6. An entry outlives its connection.
 */
#define AP_PEERS 8192

struct ap_peer {
	__be32 door[4];
	__be16 dialled;
	__be16 real;
};
_Static_assert(sizeof(struct ap_peer) == 20, "pinned: raise AP_LAYOUT");

/* ---- counters -----------------------------------------------------------*/

/*
 * `counters`, per CPU, packets. X(name, what it means). Names are keys of
 * `stats --json`: never renamed; new ones go to the end.
 */
#define AP_COUNTERS(X)                                                         \
	X(udp_established, "UDP in, established flow: rewritten")              \
	X(udp_verified, "UDP in, verified flow: rewritten")                    \
	X(udp_half_open, "UDP in, flow not verified yet: rewritten")           \
	X(udp_new, "UDP in, new flow: rewritten")                              \
	X(udp_alias, "of the new flows, those that needed an alias port")      \
	X(udp_takeover, "of the new flows, those that took an alias over")     \
	X(pass_policy, "to the door, left alone: the port's policy is pass")   \
	X(pass_source, "left alone: source is ours, loopback or multicast")    \
	X(pass_not_openvpn, "UDP in, left alone: not OpenVPN")                 \
	X(pass_remembered, "UDP in, left alone: answers a masqueraded client") \
	X(pass_local, "UDP in, left alone: a local socket answers")            \
	X(pass_fragment, "later fragments: need no rewrite")                   \
	X(pass_malformed, "left alone: a header is cut short or wrong")        \
	X(pass_vlan, "left alone: more than two VLAN tags")                    \
	X(pass_checksum, "left alone: IPv6 UDP without a checksum")            \
	X(drop_reset, "dropped by the limiter: first packets")                 \
	X(drop_control, "dropped by the limiter: other control packets")       \
	X(drop_data, "dropped by the limiter: data of unknown flows")          \
	X(drop_aliases, "dropped: all aliases of the member's port taken")     \
	X(drop_not_openvpn, "dropped: not OpenVPN, to a target's own port")    \
	X(drop_chain, "dropped: over 8 IPv6 extension headers, or in pieces")  \
	X(tcp_syn, "TCP SYN in, to be steered")                                \
	X(tcp_local, "TCP SYN in, left alone: the port has its own listener")  \
	X(tcp_no_target, "TCP SYN in: nothing listens on the target port")     \
	X(tcp_steered, "lookups that handed the target's socket out")          \
	X(icmp_in, "ICMP errors in: translated")                               \
	X(icmp_in_unknown, "ICMP errors in about no flow of ours")             \
	X(icmp_out, "ICMP errors out: translated")                             \
	X(icmp_out_unknown, "ICMP errors out about no flow of ours")           \
	X(out_restored, "UDP out: dialled port restored")                      \
	X(out_unknown, "UDP out from a target port, no flow: unchanged")       \
	X(out_address, "UDP out, not from the address dialled: unchanged")     \
	X(out_remembered, "UDP out, forwarded: tuple remembered")              \
	X(verified, "flows that became verified")                              \
	X(established, "flows that became established")                        \
	X(drop_source, "dropped: impossible source, to a target's own port")   \
	X(tcp_alias, "TCP peers reported to OpenVPN under an alias port")

enum ap_counter {
#define X(name, text) AP_C_##name,
	AP_COUNTERS(X)
#undef X
		AP_C_MAX
};

#define AP_COUNTER_SLOTS 64 /* size of the map: room for later counters */
_Static_assert(AP_C_MAX <= AP_COUNTER_SLOTS, "raise AP_LAYOUT");

/*
 * Maps, by the names they are pinned under:
 *
 *   config    ARRAY[1]            struct ap_config[2]
 *   active    ARRAY[1]            struct ap_active
 *   secret    ARRAY[1]            struct ap_secret; root's alone to read
 *   policy    ARRAY[AP_POLICIES]  struct ap_policy
 *   flows4/6  ARRAY, mmapable     struct ap_segment4/6
 *   half4/6   ARRAY, mmapable     struct ap_segment4/6
 *   spread    ARRAY[1]            struct ap_spread[2]: of flows4, of flows6
 *   nat4/6    LRU_HASH            struct ap_nat4/6 -> __u32
 *   aliased   ARRAY[AP_ALIASED_WORDS] __u64
 *   budgets   ARRAY[AP_CLASSES]   struct ap_bucket
 *   prefixes  ARRAY[AP_PREFIXES]  struct ap_prefix
 *   known     ARRAY[AP_KNOWN_WORDS] __u64
 *   listeners ARRAY[AP_LISTENER_WORDS] __u64
 *   sockets   SOCKMAP[AP_SOCKETS] __u64 (cookies, to user space)
 *   peers     LRU_HASH[AP_PEERS]  struct ap_key6 -> struct ap_peer
 *   looking   PERCPU_ARRAY[1]     struct ap_looking
 *   counters  PERCPU_ARRAY[AP_COUNTER_SLOTS] __u64
 *
 * The sizes of flows, half and nat are set by the loader before the maps are
 * made. Programs: xdp.bpf.c `anyport_xdp`; tc.bpf.c `anyport_ingress` and
 * `anyport_egress`; lookup.bpf.c `anyport_lookup`; peer.bpf.c `anyport_peer4`
 * and `anyport_peer6`.
 */

#endif
