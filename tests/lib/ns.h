/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Network namespaces, and sockets in them from one process. To be run inside
 * tests/sandbox.sh, which takes everything away at the end.
 *
 *   mem --- rtr --- srv --- cli
 *
 * mem: members. srv: the server; its uplink is eth0. cli: a client that srv
 * forwards for, by way of eth1.
 */
#ifndef NS_H
#define NS_H

#include <stdarg.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "packet.h"

#define MEMBER_A4 "192.0.2.9"
#define MEMBER_B4 "192.0.2.10"
#define MEMBER_A6 "2001:db8:9::9"
#define MEMBER_B6 "2001:db8:9::10"
#define ROUTER4   "198.51.100.254" /* as the server sees it */
#define ROUTER6   "2001:db8:1::fe"
#define CLIENT4   "10.9.0.2"
#define CLIENT6   "fd09::2"
#define PUBLIC4   "203.0.113.7" /* the client too, not masqueraded */
#define PUBLIC6   "2001:db8:70::7"

/* A shell command in NS; _try returns its exit status, _sh ends the test when
 * it fails. */
__attribute__((format(printf, 2, 3))) int ns_try(const char *ns,
						 const char *format, ...);
__attribute__((format(printf, 2, 3))) void ns_sh(const char *ns,
						 const char *format, ...);
/* The number that a shell command in NS prints. */
__attribute__((format(printf, 2, 3))) long ns_number(const char *ns,
						     const char *format, ...);
int ns_socket(const char *ns, int family, int type, int proto);

/* The picture above. */
void world_make(void);
/* Do the cards' drivers leave checksums to the (absent) hardware? */
void world_offload(bool on);
/* ATTACH: native, generic or tc; TCP and UDP: more lines of those sections. */
void world_door(const char *attach, const char *udp, const char *tcp);
void world_reload(const char *attach, const char *udp, const char *tcp);
void world_unload(void);
/* srv masquerades for cli, tracks connections, and not OpenVPN's. */
void world_masquerade(void);

/* ---- sockets ------------------------------------------------------------*/

socklen_t end_to_sockaddr(struct end e, struct sockaddr_storage *sa);
/* An IPv4 peer of an IPv6 socket is IPv4. */
struct end end_of_sockaddr(const struct sockaddr_storage *sa);
bool end_equal(struct end a, struct end b);

/* A socket bound to E in NS, receiving for at most a second. */
int udp_at(const char *ns, struct end e);
void udp_send(int fd, struct end to, const void *data, size_t len);
/* Bytes received and from whom; -1: nothing within MS. */
int udp_recv(int fd, struct end *from, void *data, size_t size, int ms);
/* The error that the network reported to FD within MS; 0: none. */
int socket_error(int fd, int ms);

int tcp_listen(const char *ns, struct end e);
/* Connected, or -errno. FROM's port may be 0. */
int tcp_connect(const char *ns, struct end from, struct end to, int ms);
/* The accepted connection; *LOCAL: what the member dialled. -1: none. */
int tcp_accept(int fd, struct end *local, struct end *peer, int ms);
struct end socket_name(int fd);

/* ---- the wire -----------------------------------------------------------*/

int wire_open(const char *ns, const char *interface);
void wire_send(int fd, const struct frame *f);
/* The next frame that arrives at the interface and that WANTED takes. */
bool wire_wait(int fd, bool (*wanted)(const struct view *v, const void *with),
	       const void *with, struct frame *f, struct view *v, int ms);
void wire_drain(int fd);
void set_timeout(int fd, int ms);

#endif
