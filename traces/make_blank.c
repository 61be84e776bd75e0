/* SPDX-License-Identifier: Apache-2.0
 *
 * make_blank: run by the build: makes a trace file and writes it as C (blank.h). Usage: make_blank FILE.c
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "traces/blank.h"
#include "traces/schema.h"

#define GAP_BYTES 16 /* zeros that are worth two numbers of a new piece */
#define PIECES_MAX 4096

struct image {
	unsigned char *bytes;
	uint32_t n_bytes, n_pieces;
	struct blank_piece pieces[PIECES_MAX];
};

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "make_blank: %s: %s\n", what, why);
	return EXIT_FAILURE;
}

/* In WAL mode, as a recorder wants it; closing leaves one file. */
static int make_database(const char *name, struct error *error)
{
	struct db *db = NULL;
	int status = db_open(name, DB_CREATE, error, &db);
	if (status == STATUS_OK)
		status = db_exec(db, "PRAGMA page_size = 4096; PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL", error);
	if (status == STATUS_OK)
		status = schema_migrate(db, error);
	db_close(db);
	return status;
}

static int read_image(const char *name, struct image *image)
{
	FILE *file = fopen(name, "rb");
	if (!file || fseek(file, 0, SEEK_END))
		return -1;
	long size = ftell(file);
	rewind(file);
	image->bytes = size > 0 ? malloc((size_t)size) : NULL;
	image->n_bytes = (uint32_t)size;
	size_t n = image->bytes ? fread(image->bytes, 1, (size_t)size, file) : 0;
	fclose(file);
	return n && n == (size_t)size ? 0 : -1;
}

static int find_pieces(struct image *image)
{
	struct blank_piece *piece = NULL;
	for (uint32_t i = 0; i < image->n_bytes; i++) {
		if (!image->bytes[i])
			continue;
		if (!piece || i - (piece->offset_bytes + piece->n_bytes) >= GAP_BYTES) {
			if (image->n_pieces == PIECES_MAX)
				return -1;
			piece = &image->pieces[image->n_pieces++];
			piece->offset_bytes = i;
		}
		piece->n_bytes = i + 1 - piece->offset_bytes;
	}
	return 0;
}

static int write_source(const char *name, const struct image *image)
{
	FILE *out = fopen(name, "w");
	if (!out)
		return -1;
	fputs("/* Written by make_blank. */\n#include \"traces/blank.h\"\n\nstatic const struct blank_piece pieces[] = {\n", out);
	for (uint32_t i = 0; i < image->n_pieces; i++)
		fprintf(out, "\t{ %u, %u },\n", image->pieces[i].offset_bytes, image->pieces[i].n_bytes);
	fputs("};\n\nstatic const unsigned char bytes[] = {\n", out);
	for (uint32_t i = 0; i < image->n_pieces; i++) {
		for (uint32_t k = 0; k < image->pieces[i].n_bytes; k++)
			fprintf(out, "%u,%s", image->bytes[image->pieces[i].offset_bytes + k], k % 32 == 31 ? "\n" : "");
		fputs("\n", out);
	}
	fprintf(out, "};\n\nconst struct blank blank = { %u, %u, pieces, bytes };\n", image->n_bytes, image->n_pieces);
	return fclose(out);
}

int main(int argc, char **argv)
{
	static struct image image;
	struct error error = { 0 };
	char name[4096];
	if (argc != 2 || snprintf(name, sizeof(name), "%s.tandem", argv[1]) >= (int)sizeof(name))
		return fail("usage", "make_blank FILE.c");
	unlink(name);
	int status = make_database(name, &error);
	if (status != STATUS_OK)
		return fail(name, error.text);
	status = read_image(name, &image);
	unlink(name);
	if (status || find_pieces(&image))
		return fail(name, "cannot be read");
	status = write_source(argv[1], &image);
	free(image.bytes);
	return status ? fail(argv[1], "cannot be written") : EXIT_SUCCESS;
}
