/*
 * kernel.c - which table: the last of the list that this processor can do.
 *
 * The choice is made before main, by a constructor: so there is no first call that chooses, and no thread that could see
 * half a choice. Until then, for other constructors, it is the plain C.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"

const struct kernel *const kernel_all[] = {
	&kernel_scalar,
#ifdef __x86_64__
	&kernel_sse2,
	&kernel_avx2,
	&kernel_avx512,
#endif
#ifdef __aarch64__
	&kernel_neon,
#endif
	NULL
};

const struct kernel *kernel_now = &kernel_scalar;

int kernel_force(const char *name)
{
	for (const struct kernel *const *k = kernel_all; *k; k++)
		if (!strcmp((*k)->name, name)) {
			if (!(*k)->usable())
				return ENOTSUP;
			kernel_now = *k;
			return 0;
		}
	return ENOENT;
}

/* Someone who mistypes the environment's name gets the best one: no sound depends on it. */
__attribute__((constructor)) static void kernel_choose(void)
{
	const char *name = secure_getenv("TUTTI_KERNEL");

#ifdef __x86_64__
	__builtin_cpu_init();
#endif
	if (name && !kernel_force(name))
		return;
	for (const struct kernel *const *k = kernel_all; *k; k++)
		if ((*k)->usable())
			kernel_now = *k;
}
