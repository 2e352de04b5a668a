/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The door at clsact: what leaves, and, with attach = tc, what arrives. */
#define HOOK             struct __sk_buff
#define FRAME_TOTAL(ctx) ((ctx)->len)
#include "hook.h"
#include "decide.h"
#include "rewrite.h"

/* linux/pkt_cls.h: go on with the next filter; OK would end the chain. */
#define TC_ACT_UNSPEC (-1)
#define TC_ACT_SHOT   2

/*
 * Enough for tags, IPv6, a usual chain, UDP and OpenVPN's first bytes, and for
 * what an ICMP error quotes.
 */
#define HEADERS 256

static __always_inline void frame_of(struct __sk_buff *skb, struct frame *frame)
{
	frame->data = (void *)(long)skb->data;
	frame->end = (void *)(long)skb->data_end;
	frame->length = frame->end - frame->data;
}

/* Makes the headers linear: direct access sees nothing else. */
static __always_inline void pull(struct __sk_buff *skb, struct frame *frame)
{
	__u32 want = skb->len;

	frame_of(skb, frame);
	if (want > HEADERS)
		want = HEADERS;
	if (likely(frame->data + want <= frame->end))
		return;
	bpf_skb_pull_data(skb, want);
	frame_of(skb, frame);
}

/*
 * Helpers and not direct writes: they know CHECKSUM_PARTIAL, where the field
 * holds no checksum yet, and they unshare a cloned header.
 */
static __always_inline void edit_udp(struct __sk_buff *skb,
				     const struct edit *edit)
{
	struct frame frame;
	__be16 new[2] = { edit->source, edit->dest };
	__u32 old, to;
	struct udphdr *udp;

	frame_of(skb, &frame);
	udp = header_at(frame.data, frame.end, edit->l4, sizeof(*udp));
	if (!udp)
		return;
	__builtin_memcpy(&to, new, sizeof(to));
	old = *(volatile __u32 *)&udp->source;
	if (old == to)
		return;
	bpf_l4_csum_replace(skb, edit->l4 + offsetof(struct udphdr, check), old,
			    to, BPF_F_MARK_MANGLED_0 | sizeof(to));
	bpf_skb_store_bytes(skb, edit->l4, new, sizeof(new), 0);
}

static __always_inline void edit_quote(struct __sk_buff *skb,
				       const struct edit *edit)
{
	__u32 check_at = edit->icmp + offsetof(struct icmp_header, check);
	struct frame frame;
	struct udphdr *old, new;
	__u16 check = 0;

	frame_of(skb, &frame);
	old = header_at(frame.data, frame.end, edit->l4, sizeof(*old));
	if (!old)
		return;
	if (bpf_skb_load_bytes(skb, check_at, &check, sizeof(check)))
		return;
	__builtin_memcpy(&new, old, sizeof(new));
	rewrite_quoted(&check, &new, edit->source, edit->dest);
	bpf_skb_store_bytes(skb, edit->l4, &new, sizeof(new), 0);
	bpf_skb_store_bytes(skb, check_at, &check, sizeof(check), 0);
}

static __always_inline void begin(struct __sk_buff *skb, struct conf *conf,
				  struct frame *frame)
{
	conf_read(conf);
	pull(skb, frame);
}

static __always_inline int finish(struct __sk_buff *skb, int verdict,
				  const struct edit *edit)
{
	if (verdict == AP_C_MAX)
		return TC_ACT_UNSPEC;
	count(verdict);
	switch (action_of(verdict)) {
	case EDIT_UDP: edit_udp(skb, edit); break;
	case EDIT_QUOTE: edit_quote(skb, edit); break;
	case DROP: return TC_ACT_SHOT;
	case LEAVE: break;
	}
	return TC_ACT_UNSPEC;
}

SEC("tc")
int anyport_ingress(struct __sk_buff *skb)
{
	struct edit edit = {};
	struct frame frame;
	struct conf conf;

	begin(skb, &conf, &frame);
	return finish(skb, door_in(skb, &conf, &frame, &edit), &edit);
}

/*
 * A forwarded packet remembers where it came in. A tunnel device scrubs that
 * from what it has encapsulated, except ip6tunnel_xmit(): what OpenVPN's kernel
 * module (ovpn) forwards to a member on IPv6 is told by the mark of OpenVPN's
 * socket, which the module puts on all that it sends (6.17).
 */
static __always_inline int is_own(const struct __sk_buff *skb,
				  const struct ap_config *c)
{
	/* without branches: see OPAQUE() */
	__u64 none = ((__u64)c->mark - 1) >> 63, other = skb->mark ^ c->mark;

	OPAQUE(none);
	other = (other | none) * skb->ingress_ifindex;
	OPAQUE(other);
	return !other;
}

SEC("tc")
int anyport_egress(struct __sk_buff *skb)
{
	struct edit edit = {};
	struct frame frame;
	struct conf conf;
	int verdict;

	begin(skb, &conf, &frame);
	verdict = door_out(skb, &conf, &frame, is_own(skb, conf.c), &edit);
	return finish(skb, verdict, &edit);
}

char _license[] SEC("license") = "GPL";
