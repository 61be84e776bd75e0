/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_main: runs one target over its corpus and over damaged copies of it, the same ones for the same seed. Prints one TAP point. The input
 * that crashed it, hung it or broke a promise is left in the findings folder.
 *
 * Usage: fuzz TARGET [--runs N] [--seconds T] [--seed S] [--findings FOLDER] CORPUS…   (CORPUS: files, or folders of files)
 *        fuzz --list
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "tests/fuzz/fuzz.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN
#endif

#define HANG_SECONDS 20   /* one input; far more than any takes */
#define LEAK_CHECKS 8     /* in a run */

struct options {
	const struct fuzz_target *target;
	long n_runs, n_seconds;
	uint64_t seed;
	const char *findings;
};

/* What the handlers need when all is lost. */
static struct {
	const uint8_t *bytes;
	size_t n;
	char path[512];
} current;

static void keep_current(void)
{
	int fd = current.bytes ? open(current.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
	if (fd < 0)
		return;
	bool is_kept = write(fd, current.bytes, current.n) == (ssize_t)current.n;
	close(fd);
	static const char said[] = "\n# the input was kept as ";
	if (is_kept && write(2, said, sizeof said - 1) > 0 && write(2, current.path, strlen(current.path)) > 0
		&& write(2, "\n", 1) > 0)
		current.bytes = NULL;
}

static void die(int signal_number)
{
	static const char hung[] = "\nfuzz: an input takes too long\n", crashed[] = "\nfuzz: crashed\n";
	const char *text = signal_number == SIGALRM ? hung : crashed;
	if (write(2, text, strlen(text)) > 0)
		keep_current();
	_exit(1);
}

#ifdef WITH_ASAN
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>

const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1:detect_leaks=1:handle_abort=0:max_allocation_size_mb=4096";
}

const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
	return "halt_on_error=1:print_stacktrace=1";
}

static void catch_faults(void)
{
	__sanitizer_set_death_callback(keep_current);
	signal(SIGABRT, die);
	signal(SIGALRM, die);
}

static bool has_leaks(void)
{
	return __lsan_do_recoverable_leak_check();
}
#else
static void catch_faults(void)
{
	static const int signals[] = { SIGABRT, SIGALRM, SIGSEGV, SIGBUS, SIGFPE, SIGILL };
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		signal(signals[i], die);
}

static bool has_leaks(void)
{
	return false;
}
#endif

static void add_file(struct fuzz_corpus *corpus, const char *path, size_t bytes_max)
{
	FILE *stream = fopen(path, "rb");
	uint8_t *bytes = malloc(bytes_max + 1);
	FUZZ_CHECK(stream && bytes, "%s cannot be read", path);
	fuzz_corpus_add(corpus, bytes, fread(bytes, 1, bytes_max, stream));
	fclose(stream);
	free(bytes);
}

/* Files in the order of their names, so that a seed means the same everywhere. */
static void add_path(struct fuzz_corpus *corpus, const char *path, size_t bytes_max)
{
	struct dirent **files;
	struct stat info;
	int n_files = scandir(path, &files, NULL, alphasort);
	if (n_files < 0 && stat(path, &info) == 0)
		add_file(corpus, path, bytes_max);
	for (int i = 0; i < n_files; i++) {
		char file[800];
		snprintf(file, sizeof file, "%s/%s", path, files[i]->d_name);
		if (files[i]->d_name[0] != '.' && stat(file, &info) == 0 && S_ISREG(info.st_mode))
			add_file(corpus, file, bytes_max);
		free(files[i]);
	}
	if (n_files >= 0)
		free(files);
}

/* On memory that ends where the input ends. */
static void run_one(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);
	FUZZ_CHECK(copy, "no memory for an input");
	if (n)
		memcpy(copy, bytes, n);
	current.bytes = copy;
	current.n = n;
	alarm(HANG_SECONDS);
	FUZZ_CHECK(target->one(copy, n) == 0, "the target does not return 0");
	current.bytes = NULL;
	free(copy);
}

static void check_leaks(long n_done)
{
	if (!has_leaks())
		return;
	printf("not ok 1 - one of the last inputs leaks (before input %ld)\n", n_done);
	exit(1);
}

/* Returns how many damaged copies were run. */
static long run_damaged(const struct options *options, const struct fuzz_corpus *corpus)
{
	const struct fuzz_target *target = options->target;
	struct fuzz_random random = { options->seed };
	uint8_t *bytes = malloc(target->bytes_max + 1);
	int64_t end_ns = clock_now().ns + options->n_seconds * 1000000000;
	long n_done = 0;
	FUZZ_CHECK(bytes, "no memory for an input");
	while (options->n_seconds ? clock_now().ns < end_ns : n_done < options->n_runs) {
		const struct fuzz_input *input = &corpus->items[fuzz_pick(&random, corpus->n_items)];
		memcpy(bytes, input->bytes, input->n);
		run_one(target, bytes, fuzz_mutate(target, corpus, bytes, input->n, &random));
		if (++n_done % (options->n_runs / LEAK_CHECKS + 1) == 0)
			check_leaks(n_done);
	}
	free(bytes);
	return n_done;
}

static int usage(void)
{
	fprintf(stderr, "usage: fuzz TARGET [--runs N] [--seconds T] [--seed S] [--findings FOLDER] CORPUS…; fuzz --list\n");
	return 2;
}

static int list(void)
{
	for (int i = 0; fuzz_targets[i]; i++)
		printf("%s\n", fuzz_targets[i]->name);
	return 0;
}

static void fuzz(const struct options *options, struct fuzz_corpus *corpus)
{
	const struct fuzz_target *target = options->target;
	int64_t start_ns = clock_now().ns;
	if (target->add_seeds)
		target->add_seeds(corpus);
	if (!corpus->n_items)
		fuzz_corpus_add(corpus, "", 0);
	for (size_t i = 0; i < corpus->n_items; i++)
		run_one(target, corpus->items[i].bytes, corpus->items[i].n);
	check_leaks(0);
	long n_done = run_damaged(options, corpus);
	check_leaks(n_done);
	double seconds = (double)(clock_now().ns - start_ns) * 1e-9;
	printf("1..1\nok 1 - %s: %zu inputs, %ld damaged ones, %.0f a second\n", target->name, corpus->n_items, n_done,
		(double)(n_done + (long)corpus->n_items) / seconds);
}

int main(int argc, char **argv)
{
	struct options options = { .seed = 1, .findings = "." };
	struct fuzz_corpus corpus = { 0 };
	if (argc == 2 && strcmp(argv[1], "--list") == 0)
		return list();
	options.target = argc > 1 ? fuzz_find(argv[1]) : NULL;
	if (!options.target)
		return usage();
	options.n_runs = options.target->n_runs;
	for (int i = 2; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";
		if (strcmp(argv[i], "--runs") == 0)
			options.n_runs = strtol(value, NULL, 10);
		else if (strcmp(argv[i], "--seconds") == 0)
			options.n_seconds = strtol(value, NULL, 10);
		else if (strcmp(argv[i], "--seed") == 0)
			options.seed = strtoull(value, NULL, 10);
		else if (strcmp(argv[i], "--findings") == 0)
			options.findings = value;
		else
			add_path(&corpus, argv[i], options.target->bytes_max);
		i += strncmp(argv[i], "--", 2) == 0;
	}
	snprintf(current.path, sizeof current.path, "%s/finding-%s", options.findings, options.target->name);
	clock_init();
	catch_faults();
	fuzz(&options, &corpus);
	fuzz_corpus_finish(&corpus);
	return 0;
}
