/* SPDX-License-Identifier: Apache-2.0
 *
 * stack_libdw: libdw (elfutils) reads the modules' debug information. It is loaded when a stack is looked at: no other process needs it.
 */
#include <stddef.h>

#include "engine/debug/stack_private.h"

#ifdef TANDEM_HAS_LIBDW

#include <dlfcn.h>
#include <elfutils/libdwfl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/attributes.h"

/* X(function): of libdw */
#define LIBDW_MAP(X)                                                                                                         \
	X(dwfl_begin) X(dwfl_end) X(dwfl_report_begin) X(dwfl_report_end) X(dwfl_report_offline) X(dwfl_module_info)         \
	X(dwfl_module_build_id) X(dwfl_module_addrname) X(dwfl_module_getsrc) X(dwfl_lineinfo) X(dwfl_offline_section_address)

struct stack_symbols {
	void *library;
#define X(name) __typeof__(&name) name;
	LIBDW_MAP(X)
#undef X
	Dwfl_Callbacks callbacks;
	char *no_path;
	struct {
		Dwfl *dwfl;
		Dwfl_Module *module;
		GElf_Addr start;
	} files[STACK_MODULES_MAX];
};

/* Only what the module's file itself holds: nothing is searched for, on this machine or elsewhere. */
static int find_no_debuginfo(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base, const char *file, const char *link,
	GElf_Word crc, char **ret_file)
{
	return -1;
}

static bool load(struct stack_symbols *symbols)
{
	static const char *const names[] = {
#define X(name) #name,
		LIBDW_MAP(X)
#undef X
	};
	void *const slots[] = {
#define X(name) &symbols->name,
		LIBDW_MAP(X)
#undef X
	};
	symbols->library = dlopen("libdw.so.1", RTLD_NOW | RTLD_LOCAL);
	for (size_t i = 0; symbols->library && i < ARRAY_LEN(names); i++) {
		void *address = dlsym(symbols->library, names[i]);
		if (!address)
			return false;
		memcpy(slots[i], &address, sizeof address);
	}
	return symbols->library != NULL;
}

struct stack_symbols *stack_symbols_open(const char **ret_why)
{
	struct stack_symbols *symbols = calloc(1, sizeof *symbols);
	if (!symbols || !load(symbols)) {
		*ret_why = "libdw is not installed, which knows functions and lines (package libdw1)";
		stack_symbols_close(symbols);
		return NULL;
	}
	symbols->callbacks = (Dwfl_Callbacks){ .find_debuginfo = find_no_debuginfo, .debuginfo_path = &symbols->no_path,
		.section_address = symbols->dwfl_offline_section_address };
	return symbols;
}

void stack_symbols_close(struct stack_symbols *symbols)
{
	for (int i = 0; symbols && i < STACK_MODULES_MAX; i++) {
		if (symbols->files[i].dwfl)
			symbols->dwfl_end(symbols->files[i].dwfl);
	}
	if (symbols && symbols->library)
		dlclose(symbols->library);
	free(symbols);
}

static bool is_same_build(const struct stack_symbols *symbols, Dwfl_Module *module, const char *build)
{
	const unsigned char *bits;
	GElf_Addr address;
	char digits[STACK_BUILD_MAX + 1] = "";
	int n = symbols->dwfl_module_build_id(module, &bits, &address);
	for (int i = 0; i < n && i < STACK_BUILD_MAX / 2; i++)
		snprintf(digits + 2 * i, 3, "%02x", bits[i]);
	return n > 0 && strcmp(digits, build) == 0;
}

/* The main program goes by the name that it was called by: if it is one of the same build, it is this one. */
const char *stack_symbols_add(struct stack_symbols *symbols, int idx, const char *name, const char *build)
{
	const char *path = strchr(name, '/') ? name : "/proc/self/exe";
	struct stat info;
	if (!build[0])
		return "it is not known which build it was";
	if (stat(path, &info) || !S_ISREG(info.st_mode))
		return "its file is not there";
	Dwfl *dwfl = symbols->dwfl_begin(&symbols->callbacks);
	if (!dwfl)
		return "no memory";
	symbols->files[idx].dwfl = dwfl;
	symbols->dwfl_report_begin(dwfl);
	Dwfl_Module *module = symbols->dwfl_report_offline(dwfl, name, path, -1);
	symbols->dwfl_report_end(dwfl, NULL, NULL);
	if (!module)
		return "its file cannot be read";
	if (!is_same_build(symbols, module, build))
		return "its file is of another build now";
	symbols->files[idx].module = module;
	symbols->dwfl_module_info(module, NULL, &symbols->files[idx].start, NULL, NULL, NULL, NULL, NULL);
	return NULL;
}

void stack_symbols_find(const struct stack_symbols *symbols, int idx, uint64_t offset, struct stack_place *ret_place)
{
	Dwfl_Module *module = symbols->files[idx].module;
	GElf_Addr address = symbols->files[idx].start + offset;
	*ret_place = (struct stack_place){ .line = 0 };
	if (!module)
		return;
	const char *function = symbols->dwfl_module_addrname(module, address);
	Dwfl_Line *line = symbols->dwfl_module_getsrc(module, address);
	const char *file = line ? symbols->dwfl_lineinfo(line, NULL, &ret_place->line, NULL, NULL, NULL) : NULL;
	snprintf(ret_place->function, sizeof ret_place->function, "%s", function ? function : "");
	snprintf(ret_place->file, sizeof ret_place->file, "%s", file ? file : "");
}

#else

struct stack_symbols *stack_symbols_open(const char **ret_why)
{
	*ret_why = "this tandem was built without libdw, which knows functions and lines";
	return NULL;
}

void stack_symbols_close(struct stack_symbols *symbols)
{
	(void)symbols;
}

const char *stack_symbols_add(struct stack_symbols *symbols, int idx, const char *name, const char *build)
{
	return "";
}

void stack_symbols_find(const struct stack_symbols *symbols, int idx, uint64_t offset, struct stack_place *ret_place)
{
	*ret_place = (struct stack_place){ .line = 0 };
}

#endif
