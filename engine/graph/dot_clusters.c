/* SPDX-License-Identifier: Apache-2.0
 *
 * dot_clusters: clusters become workers, and nodes their members.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/graph/dot_reader.h"

/* libcgraph's object for a cluster, by its name, anywhere below `parent`. */
static Agraph_t *find_cluster(Agraph_t *parent, const char *name)
{
	for (Agraph_t *subgraph = agfstsubg(parent); subgraph; subgraph = agnxtsubg(subgraph)) {
		Agraph_t *found = strcmp(agnameof(subgraph), name) == 0 ? subgraph : find_cluster(subgraph, name);
		if (found)
			return found;
	}
	return NULL;
}

static const struct dot_subgraph *outer_cluster(const struct dot_scan *scan, int subgraph_idx)
{
	for (int i = scan->subgraphs[subgraph_idx].parent; i > DOT_SCAN_ROOT; i = scan->subgraphs[i].parent) {
		if (scan->subgraphs[i].is_cluster)
			return &scan->subgraphs[i];
	}
	return NULL;
}

/* Adds the worker, or joins the device to the worker of that name that an earlier cluster made. */
static int place_worker(struct dot_reader *reader, const char *name, const char *device, int line, int device_line)
{
	struct graph *graph = reader->graph;
	int known = graph_find_worker(graph, name);
	if (known < 0) {
		int worker_idx = graph_add_worker(graph, name, device, line);
		if (worker_idx < 0)
			reader->is_failed = true;
		else
			graph->workers[worker_idx].device_line = device ? device_line : 0;
		return worker_idx;
	}
	struct graph_worker *worker = &graph->workers[known];
	if (known == GRAPH_DRIVER) {
		mistakes_add(reader->mistakes, line, NULL,
			"'%s' names the process that feeds the graph; give the worker another name", name);
	} else if (device && !worker->device_line) {
		char *copy = strdup(device);
		reader->is_failed |= !copy;
		if (copy) {
			free(worker->device);
			worker->device = copy;
			worker->device_line = device_line;
		}
	} else if (device && strcmp(worker->device, device) != 0) {
		mistakes_add(reader->mistakes, device_line, NULL,
			"worker '%s' is on device %s here and on %s in line %d; a worker drives one device", name, device,
			worker->device, worker->device_line);
	}
	return known;
}

static const char *default_worker(const char *cluster)
{
	const char *name = cluster + strlen("cluster");
	return name + (*name == '_');
}

/* The cluster's worker. After a mistake it has one all the same, so that its nodes are placed. */
static int read_cluster_worker(struct dot_reader *reader, const struct dot_subgraph *cluster)
{
	Agraph_t *object = find_cluster(reader->root, cluster->name);
	if (!object)
		return -1;
	struct dot_value name = { .key = "worker", .line = dot_attr_line(&cluster->attrs, "worker", cluster->line) };
	struct dot_value device = { .key = "device", .line = dot_attr_line(&cluster->attrs, "device", cluster->line) };
	bool is_wrong = false;
	bool has_name = dot_read_value(reader, object, &name, &is_wrong);
	bool has_device = dot_read_value(reader, object, &device, &is_wrong);
	const char *worker = has_name ? strbuf_text(&name.value) : default_worker(cluster->name);
	if (!*worker) {
		mistakes_add(reader->mistakes, cluster->line, NULL, "the cluster has no worker; write worker=NAME");
		worker = cluster->name;
	}
	int worker_idx =
		place_worker(reader, worker, has_device ? strbuf_text(&device.value) : NULL, name.line, device.line);
	dot_note_names(reader, object, AGRAPH);
	strbuf_finish(&name.value);
	strbuf_finish(&device.value);
	return worker_idx;
}

static void place_members(struct dot_reader *reader, int subgraph_idx)
{
	const struct dot_scan *scan = &reader->scan;
	const struct dot_subgraph *cluster = &scan->subgraphs[subgraph_idx];
	for (int i = 0; i < cluster->n_members; i++) {
		const struct dot_member *member = &cluster->members[i];
		const char *name = scan->nodes[member->node].name;
		int *place = &reader->clusters[member->node];
		if (strcmp(name, "input") == 0 || strcmp(name, "output") == 0)
			mistakes_add(reader->mistakes, member->line, NULL,
				"'%s' stands inside cluster '%s'; it and its edges belong outside clusters", name,
				cluster->name);
		else if (*place >= 0)
			mistakes_add(reader->mistakes, member->line, name,
				"in cluster '%s' and in '%s'; write edges between workers outside clusters",
				scan->subgraphs[*place].name, cluster->name);
		else
			*place = subgraph_idx;
	}
}

void dot_read_clusters(struct dot_reader *reader)
{
	const struct dot_scan *scan = &reader->scan;
	for (int i = DOT_SCAN_ROOT + 1; i < scan->n_subgraphs; i++) {
		const struct dot_subgraph *cluster = &scan->subgraphs[i];
		reader->workers[i] = -1;
		if (!cluster->is_cluster)
			continue;
		const struct dot_subgraph *outer = outer_cluster(scan, i);
		if (outer) {
			mistakes_add(reader->mistakes, cluster->line, NULL,
				"cluster '%s' stands inside cluster '%s'; a worker is one cluster", cluster->name,
				outer->name);
			continue;
		}
		place_members(reader, i);
		reader->workers[i] = read_cluster_worker(reader, cluster);
		if (!cluster->n_members)
			mistakes_add(reader->mistakes, cluster->line, NULL, "cluster '%s' has no nodes; leave it out",
				cluster->name);
	}
}
