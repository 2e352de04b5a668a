/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * mapread PIN|ID ...: the values of these arrays in hex, a line each, as who
 * may only read opens them: bpftool asks to write as well. Exit status 1 when
 * one cannot be opened.
 */
#include <bpf/bpf.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int open_map(const char *what)
{
	LIBBPF_OPTS(bpf_obj_get_opts, options, .file_flags = BPF_F_RDONLY);

	if (*what >= '0' && *what <= '9')
		return bpf_map_get_fd_by_id((__u32)atoi(what));
	return bpf_obj_get_opts(what, &options);
}

static void print_all(int fd)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	unsigned char *value;

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		err(1, "map info");
	value = malloc(info.value_size);
	for (__u32 key = 0; value && key < info.max_entries; key++) {
		if (bpf_map_lookup_elem(fd, &key, value))
			err(1, "element %u", key);
		for (__u32 i = 0; i < info.value_size; i++)
			printf("%02x", value[i]);
		putchar('\n');
	}
	free(value);
}

int main(int argc, char **argv)
{
	int status = 0;

	for (int i = 1; i < argc; i++) {
		int fd = open_map(argv[i]);

		if (fd < 0) {
			warn("%s", argv[i]);
			status = 1;
			continue;
		}
		print_all(fd);
		close(fd);
	}
	return status;
}
