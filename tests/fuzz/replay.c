/*
 * replay.c - main() for a fuzz target without libFuzzer: `replay-NAME CORPUS_DIR` runs every seed, then a fixed number of
 * mutations of them from a fixed seed, so that two runs do the same and a test needs neither clang nor luck.
 *
 * The input being tried is written to crash-NAME in the working directory when the program dies of it. Whether a parser
 * takes too long is judged here too: `make fuzz` looks for hours, this is the tripwire.
 */
#include <dirent.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));
void __sanitizer_set_death_callback(void (*h)(void)) __attribute__((weak));

enum { MUTATIONS = 4000, INPUT_MAX = 65536, SEEDS_MAX = 4096, HANG_S = 10 };

struct seed {
	uint8_t *data;
	size_t size;
};

static struct seed seeds[SEEDS_MAX];
static size_t n_seeds;
static uint64_t random_state = 0x7475747469ull;
static char crash_path[256];
static const uint8_t *tried;
static size_t tried_size;

/* Runs in a signal handler: only calls that are allowed there. */
static void keep_input(void)
{
	static const char said[] = "Bail out! the input is in ";
	int fd = open(crash_path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, tried, tried_size) != (ssize_t)tried_size)
		return;
	close(fd);
	if (write(1, said, sizeof(said) - 1) < 0 || write(1, crash_path, strlen(crash_path)) < 0 || write(1, "\n", 1) < 0)
		return;
}

static void died(int sig)
{
	keep_input();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void catch_deaths(void)
{
	static const int sigs[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM};

	if (__sanitizer_set_death_callback) {
		__sanitizer_set_death_callback(keep_input);
		signal(SIGALRM, died);
		return;
	}
	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		signal(sigs[i], died);
}

/* xorshift64*: the same numbers on every machine. */
static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * 0x2545f4914f6cdd1dull) >> 33) % limit;
}

/* A block of exactly its size, so that the address sanitizer sees the first byte read too far. */
static void try_input(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);

	if (!exact)
		abort();
	memcpy(exact, data, size);
	tried = exact;
	tried_size = size;
	alarm(HANG_S);
	LLVMFuzzerTestOneInput(exact, size);
	alarm(0);
	free(exact);
}

static void flip_bits(uint8_t *buf, size_t size)
{
	for (uint32_t n = 1 + random_below(4); n && size; n--)
		buf[random_below((uint32_t)size)] ^= (uint8_t)(1u << random_below(8));
}

static void set_bytes(uint8_t *buf, size_t size)
{
	static const uint8_t nasty[] = {0x00, 0xff, 0x7f, 0x80, '\r', '\n', ' ', '0', '9', ':', '=', '/', '%'};

	for (uint32_t n = 1 + random_below(4); n && size; n--)
		buf[random_below((uint32_t)size)] = nasty[random_below(sizeof(nasty))];
}

/* The beginning of one seed and the end of another. */
static size_t join_ends(uint8_t *buf, size_t size, const struct seed *other)
{
	size_t keep = size ? random_below((uint32_t)size + 1) : 0;
	size_t from = other->size ? random_below((uint32_t)other->size + 1) : 0;
	size_t more = other->size - from;

	if (more > INPUT_MAX - keep)
		more = INPUT_MAX - keep;
	memcpy(buf + keep, other->data + from, more);
	return keep + more;
}

/* A piece said again: finds counters and limits. */
static size_t repeat(uint8_t *buf, size_t size)
{
	size_t from, len;

	if (!size)
		return 0;
	from = random_below((uint32_t)size);
	len = 1 + random_below((uint32_t)(size - from));
	for (uint32_t n = 1 + random_below(16); n && size + len <= INPUT_MAX; n--, size += len)
		memcpy(buf + size, buf + from, len);
	return size;
}

static void try_mutation(void)
{
	static uint8_t buf[INPUT_MAX];
	const struct seed *seed = &seeds[random_below((uint32_t)n_seeds)];
	size_t size = seed->size;

	memcpy(buf, seed->data, size);
	switch (random_below(6)) {
	case 0:
		size = size ? random_below((uint32_t)size) : 0;
		break;
	case 1:
		size = join_ends(buf, size, &seeds[random_below((uint32_t)n_seeds)]);
		break;
	case 2:
		size = repeat(buf, size);
		break;
	case 3:
		set_bytes(buf, size);
		break;
	default:
		flip_bits(buf, size);
		break;
	}
	try_input(buf, size);
}

static int seed_read(const char *dir, const char *name)
{
	static uint8_t buf[INPUT_MAX];
	char path[4096];
	FILE *f;
	struct seed *seed = &seeds[n_seeds];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	if (!f)
		return -1;
	seed->size = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	seed->data = malloc(seed->size ? seed->size : 1);
	if (!seed->data)
		return -1;
	memcpy(seed->data, buf, seed->size);
	n_seeds++;
	return 0;
}

static int seeds_read(const char *dir)
{
	struct dirent **entry = NULL;
	int n = scandir(dir, &entry, NULL, alphasort), err = n < 0 ? -1 : 0;

	for (int i = 0; i < n; i++) {
		if (entry[i]->d_name[0] != '.' && n_seeds < SEEDS_MAX)
			err |= seed_read(dir, entry[i]->d_name);
		free(entry[i]);
	}
	free(entry);
	return err;
}

int main(int argc, char **argv)
{
	const char *name;

	if (argc != 2) {
		fprintf(stderr, "usage: %s CORPUS_DIR\n", argv[0]);
		return 2;
	}
	name = strrchr(argv[1], '/');
	snprintf(crash_path, sizeof(crash_path), "crash-%s", name ? name + 1 : argv[1]);
	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	catch_deaths();
	setvbuf(stdout, NULL, _IOLBF, 0);

	printf("1..2\n");
	if (seeds_read(argv[1]) || !n_seeds) {
		printf("not ok 1 - no seeds can be read from %s\n", argv[1]);
		return 1;
	}
	for (size_t i = 0; i < n_seeds; i++)
		try_input(seeds[i].data, seeds[i].size);
	printf("ok 1 - %zu seeds\n", n_seeds);

	for (int i = 0; i < MUTATIONS; i++)
		try_mutation();
	printf("ok 2 - %d mutations\n", MUTATIONS);

	for (size_t i = 0; i < n_seeds; i++)
		free(seeds[i].data);
	return 0;
}
