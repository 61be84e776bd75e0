/* SPDX-License-Identifier: Apache-2.0
 *
 * lod_fill: matching a writer's ops with its readers'.
 */
#include "traces/lod_fill.h"

#include <stdlib.h>

#include "engine/base/attributes.h"
#include "traces/lod.h"

static int push(struct lod_fill_queue *queue, int64_t execution, int64_t time_ns, struct error *error)
{
	if (unlikely(queue->n == queue->capacity)) {
		uint32_t capacity = queue->capacity ? 2 * queue->capacity : 16;
		struct lod_fill_op *ops = malloc(capacity * sizeof(*ops));
		if (!ops)
			return error_set(error, STATUS_NO_MEMORY, "no memory for a channel's fill");
		for (uint32_t i = 0; i < queue->n; i++)
			ops[i] = queue->ops[(queue->head + i) & (queue->capacity - 1)];
		free(queue->ops);
		queue->ops = ops;
		queue->capacity = capacity;
		queue->head = 0;
	}
	queue->ops[(queue->head + queue->n++) & (queue->capacity - 1)] = (struct lod_fill_op){ execution, time_ns };
	return STATUS_OK;
}

static const struct lod_fill_op *front(const struct lod_fill_queue *queue)
{
	return queue->n ? &queue->ops[queue->head] : NULL;
}

static void pop(struct lod_fill_queue *queue)
{
	queue->head = (queue->head + 1) & (queue->capacity - 1);
	queue->n--;
}

int lod_fill_init(struct lod_fill *fill, int n_readers, lod_fill_fn *take, void *user, struct error *error)
{
	*fill = (struct lod_fill){ .n_readers = n_readers, .last_release_ns = INT64_MIN, .take = take, .user = user };
	fill->readers = calloc((size_t)n_readers + 1, sizeof(*fill->readers));
	return fill->readers ? STATUS_OK : error_set(error, STATUS_NO_MEMORY, "no memory for a channel's fill");
}

void lod_fill_finish(struct lod_fill *fill)
{
	for (int i = 0; fill->readers && i < fill->n_readers; i++)
		free(fill->readers[i].ops);
	free(fill->readers);
	free(fill->written.ops);
	free(fill->released.ops);
}

static int release_until(struct lod_fill *fill, int64_t time_ns, struct error *error)
{
	int status = STATUS_OK;
	for (const struct lod_fill_op *op; status == STATUS_OK && (op = front(&fill->released)) && op->time_ns <= time_ns;) {
		status = fill->take(fill->user, (struct lod_fill_event){ op->time_ns, true }, error);
		pop(&fill->released);
	}
	return status;
}

static int take_message(struct lod_fill *fill, int64_t written_ns, int64_t released_ns, struct error *error)
{
	if (released_ns < written_ns)
		return STATUS_OK;
	if (released_ns < fill->last_release_ns)
		released_ns = fill->last_release_ns;
	fill->last_release_ns = released_ns;
	int status = release_until(fill, written_ns, error);
	if (status == STATUS_OK)
		status = fill->take(fill->user, (struct lod_fill_event){ written_ns, false }, error);
	return status == STATUS_OK ? push(&fill->released, 0, released_ns, error) : status;
}

/* Whether every reader's next op from the execution on is known; *ret_is_whole: it is that execution's with all of them. */
static bool match(struct lod_fill *fill, int64_t execution, bool *ret_is_whole, int64_t *ret_released_ns)
{
	*ret_is_whole = true;
	*ret_released_ns = INT64_MIN;
	for (int i = 0; i < fill->n_readers; i++) {
		const struct lod_fill_op *op = front(&fill->readers[i]);
		while (op && op->execution < execution) {
			pop(&fill->readers[i]);
			op = front(&fill->readers[i]);
		}
		if (!op)
			return false;
		*ret_is_whole &= op->execution == execution;
		*ret_released_ns = op->time_ns > *ret_released_ns ? op->time_ns : *ret_released_ns;
	}
	return true;
}

static int advance(struct lod_fill *fill, struct error *error)
{
	int status = STATUS_OK;
	for (const struct lod_fill_op *op; status == STATUS_OK && (op = front(&fill->written));) {
		bool is_whole = false;
		int64_t released_ns = INT64_MIN, written_ns = op->time_ns;
		if (!match(fill, op->execution, &is_whole, &released_ns))
			break;
		pop(&fill->written);
		if (is_whole)
			status = take_message(fill, written_ns, released_ns, error);
	}
	return status;
}

int lod_fill_write(struct lod_fill *fill, int64_t execution, int64_t time_ns, struct error *error)
{
	if (fill->n_readers == 0)
		return STATUS_OK;
	if (fill->written.n == LOD_FILL_WAITING_MAX)
		pop(&fill->written);
	int status = push(&fill->written, execution, time_ns, error);
	return status == STATUS_OK ? advance(fill, error) : status;
}

int lod_fill_release(struct lod_fill *fill, int reader, int64_t execution, int64_t time_ns, struct error *error)
{
	struct lod_fill_queue *queue = &fill->readers[reader];
	if (queue->n == LOD_FILL_WAITING_MAX)
		pop(queue);
	int status = push(queue, execution, time_ns, error);
	return status == STATUS_OK ? advance(fill, error) : status;
}

int lod_fill_close(struct lod_fill *fill, struct error *error)
{
	return release_until(fill, INT64_MAX, error);
}

void lod_fill_run_add(struct lod_fill_run *run, int64_t fill, struct lod_fill_event event)
{
	if (run->n++ == 0) {
		run->first_ns = run->last_ns = event.time_ns;
		run->end = lod_put(run->data, (uint64_t)fill);
	}
	int64_t distance_ns = event.time_ns - run->last_ns;
	run->end = lod_put(run->end, (uint64_t)distance_ns << 1 | event.is_release);
	run->last_ns = event.time_ns;
}
