/* SPDX-License-Identifier: Apache-2.0
 *
 * gate_crash: what is left behind when something goes wrong: the frozen state of the run, and the stack of a process that crashed.
 */
#include "engine/run/gate_private.h"

#include <dlfcn.h>
#include <elf.h>
#include <execinfo.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0 /* a sanitizer has handlers and words of its own for such signals */
#endif

#define FRAMES_MAX 64
#define HANDLER_FRAMES 2 /* the handler and the kernel's trampoline */
#define ALTERNATE_STACK_BYTES 65536

static const char *const freeze_words[GATE_FREEZE_COUNT] = {
#define X(name, word, sentence) [GATE_FREEZE_##name] = word,
	GATE_FREEZE_MAP(X)
#undef X
};

const char *gate_freeze_word(enum gate_freeze reason)
{
	return reason < GATE_FREEZE_COUNT ? freeze_words[reason] : "?";
}

/* Others go on writing meanwhile: what they are in the middle of may be copied in halves, a word at a time. */
__attribute__((no_sanitize_thread)) static void copy_while_written(void *copy, const volatile void *bytes, size_t n_bytes)
{
	uint64_t *to = copy;
	const volatile uint64_t *from = bytes;
	for (size_t i = 0; i < n_bytes / sizeof *to; i++)
		to[i] = from[i];
}

bool gates_freeze(struct gates *gates, const struct control *control, enum gate_freeze reason, uint32_t worker, uint32_t node,
	uint64_t execution, const char *text)
{
	struct gate_frozen *frozen = &gates->header->frozen;
	uint32_t nothing = 0;
	if (!atomic_compare_exchange_strong(&frozen->state, &nothing, 1))
		return false;
	frozen->reason = reason;
	frozen->worker = worker;
	frozen->node = node;
	frozen->execution = execution;
	frozen->ticks = clock_ticks().count;
	snprintf(frozen->text, sizeof frozen->text, "%s", text);
	uint64_t bytes = control_read_once(&control->header->n_workers) == control->n_workers ? control->header->total_bytes : 0;
	copy_while_written(gates->frozen_control, control->header, bytes < gates->control_bytes ? bytes : gates->control_bytes);
	atomic_store_explicit(&frozen->state, 2, memory_order_release);
	gates_announce(gates);
	return true;
}

/* -- in a signal handler ---------------------------------------------------------------------------------------------- */

/* A signal handler gets nothing from its process but what lies in such a variable. Set once, before the first signal can come. */
static struct {
	struct gate_frozen *frozen;
	uint32_t worker;
	_Alignas(16) uint8_t stack[ALTERNATE_STACK_BYTES];
} crash;

struct crash_text {
	char *at, *end;
};

static void put(struct crash_text *text, const char *bytes)
{
	while (*bytes && text->at < text->end)
		*text->at++ = *bytes++;
}

static void put_hex(struct crash_text *text, uintptr_t number)
{
	char digits[2 * sizeof number + 3] = "0x";
	int n = 1;
	while (n < (int)sizeof number * 2 && number >> 4 * n)
		n++;
	for (int i = 0; i < n; i++)
		digits[2 + i] = "0123456789abcdef"[number >> 4 * (n - 1 - i) & 15];
	digits[2 + n] = '\0';
	put(text, digits);
}

static void put_frame(struct crash_text *text, void *address)
{
	Dl_info info;
	if (dladdr(address, &info) && info.dli_fname) {
		put(text, info.dli_fname);
		put(text, "+");
		put_hex(text, (uintptr_t)address - (uintptr_t)info.dli_fbase);
		if (info.dli_sname) {
			put(text, " ");
			put(text, info.dli_sname);
			put(text, "+");
			put_hex(text, (uintptr_t)address - (uintptr_t)info.dli_saddr);
		}
	} else {
		put(text, "?+");
		put_hex(text, (uintptr_t)address);
	}
	put(text, "\n");
}

/* Build ids, so that whoever reads the stack later knows whether a module's file is still the same. */
struct crash_modules {
	struct crash_text *text;
	void *const *frames;
	int n_frames;
};

static bool has_frame(const struct crash_modules *modules, const struct dl_phdr_info *object)
{
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &object->dlpi_phdr[i];
		for (int k = 0; part->p_type == PT_LOAD && k < modules->n_frames; k++) {
			if ((uintptr_t)modules->frames[k] - object->dlpi_addr - part->p_vaddr < part->p_memsz)
				return true;
		}
	}
	return false;
}

static void put_build(struct crash_text *text, const uint8_t *notes, size_t bytes)
{
	while (bytes >= sizeof(ElfW(Nhdr))) {
		const ElfW(Nhdr) *note = (const void *)notes;
		size_t name = (note->n_namesz + 3u) & ~3u, all = sizeof *note + name + ((note->n_descsz + 3u) & ~3u);
		if (all > bytes)
			return;
		for (uint32_t i = 0; note->n_type == NT_GNU_BUILD_ID && i < note->n_descsz; i++) {
			const uint8_t *byte = notes + sizeof *note + name + i;
			put(text, (char[]){ "0123456789abcdef"[*byte >> 4], "0123456789abcdef"[*byte & 15], '\0' });
		}
		notes += all;
		bytes -= all;
	}
}

static int put_module(struct dl_phdr_info *object, size_t size, void *user)
{
	const struct crash_modules *modules = user;
	Dl_info info;
	if (!has_frame(modules, object) || !dladdr((const void *)(object->dlpi_addr + object->dlpi_phdr[0].p_vaddr), &info) || !info.dli_fname)
		return 0;
	put(modules->text, info.dli_fname);
	put(modules->text, " build ");
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &object->dlpi_phdr[i];
		if (part->p_type == PT_NOTE)
			put_build(modules->text, (const uint8_t *)(object->dlpi_addr + part->p_vaddr), part->p_memsz);
	}
	put(modules->text, "\n");
	return 0;
}

static void *interrupted_at(const ucontext_t *context)
{
#if defined(__x86_64__)
	return (void *)(uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	return (void *)(uintptr_t)context->uc_mcontext.pc;
#else
	return NULL;
#endif
}

static void leave_stack(int signal_number, siginfo_t *info, void *context)
{
	struct gate_frozen *frozen = crash.frozen;
	struct crash_text text = { frozen->stack, frozen->stack + sizeof frozen->stack - 1 };
	void *frames[FRAMES_MAX], *here = interrupted_at(context);
	uint32_t nobody = 0;
	if (frozen->stack[0] == '\0' && atomic_load(&frozen->stack_worker) == nobody) {
		int n = backtrace(frames, FRAMES_MAX), first = HANDLER_FRAMES < n ? HANDLER_FRAMES : 0;
		for (int i = 0; i < n; i++)
			first = frames[i] == here ? i : first;
		frozen->signal_number = (uint32_t)signal_number;
		for (int i = first; i < n; i++)
			put_frame(&text, frames[i]);
		dl_iterate_phdr(put_module, &(struct crash_modules){ &text, frames + first, n - first });
		*text.at = '\0';
		atomic_compare_exchange_strong(&frozen->stack_worker, &nobody, crash.worker + 1);
	}
	raise(signal_number); /* blocked until this returns; then nobody handles it any more */
}

void gates_catch_crashes(struct gates *gates, uint32_t worker)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	stack_t alternate = { .ss_sp = crash.stack, .ss_size = sizeof crash.stack }, before;
	struct sigaction action = { .sa_sigaction = leave_stack, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND };
	void *frame;
	if (IS_SANITIZED)
		return;
	crash.frozen = &gates->header->frozen;
	crash.worker = worker;
	backtrace(&frame, 1); /* loads what it needs, which a handler must not */
	if (sigaltstack(NULL, &before) == 0 && before.ss_flags & SS_DISABLE)
		sigaltstack(&alternate, NULL);
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		struct sigaction other;
		if (sigaction(signals[i], NULL, &other) == 0 && other.sa_handler == SIG_DFL)
			sigaction(signals[i], &action, NULL);
	}
}
