/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* empty: what starting any program costs, for the benchmark of the hook. */
int main(void)
{
	return 0;
}
