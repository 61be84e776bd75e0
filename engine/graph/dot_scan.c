/* SPDX-License-Identifier: Apache-2.0
 *
 * dot_scan: the lines of everything in a DOT file, by recursive descent over the grammar of libcgraph:
 *
 *   graph     = ["strict"] ("graph" | "digraph") [id] body
 *   body      = "{" { statement [";"] } "}"
 *   statement = ("graph" | "node" | "edge") attrs | id "=" id | operand { "->" operand } attrs
 *   operand   = node { "," node } | ["subgraph" [id]] body
 *   node      = id [":" id [":" id]]
 *   attrs     = { "[" { id "=" id [";" | ","] } "]" }
 *
 * Nodes and edges come out in the order in which libcgraph creates them. Text that is no DOT is skipped token by token.
 */
#include "engine/graph/dot_scan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/status.h"
#include "engine/graph/dot_lex.h"
#include "engine/graph/grow.h"

#define DEPTH_MAX 1000 /* of subgraphs; what lies deeper is skipped */

/* `node […]` defaults in force; those of an inner subgraph end with it. */
struct scanner {
	struct dot_lexer lexer;
	struct dot_token token;
	char *name;            /* of the token before, kept over a step */
	struct dot_scan *scan;
	struct dot_attrs node_defaults;
	int depth;
};

/* One side of an edge operator. */
struct operand {
	int *nodes;
	int n_nodes;
	int line;
};

static void advance(struct scanner *scanner)
{
	scanner->token = dot_lex_next(&scanner->lexer);
}

static bool is_char(const struct scanner *scanner, char c)
{
	return scanner->token.kind == DOT_CHAR && scanner->token.c == c;
}

static bool skip_char(struct scanner *scanner, char c)
{
	bool is_there = is_char(scanner, c);
	if (is_there)
		advance(scanner);
	return is_there;
}

static void fail(struct scanner *scanner)
{
	scanner->scan->is_failed = true;
}

/* Takes the token's text over and goes on. */
static const char *take_id(struct scanner *scanner)
{
	free(scanner->name);
	scanner->name = strdup(scanner->token.text);
	if (!scanner->name)
		fail(scanner);
	advance(scanner);
	return scanner->name ? scanner->name : "";
}

static void attrs_add(struct scanner *scanner, struct dot_attrs *attrs, const char *key, int line, bool is_inherited)
{
	char *copy = strdup(key);
	if (!copy || !grow_array(&attrs->items, attrs->n_items, sizeof(*attrs->items))) {
		free(copy);
		fail(scanner);
		return;
	}
	attrs->items[attrs->n_items++] = (struct dot_attr){ .key = copy, .line = line, .is_inherited = is_inherited };
}

static void attrs_cut(struct dot_attrs *attrs, int n_items)
{
	while (attrs->n_items > n_items)
		free(attrs->items[--attrs->n_items].key);
}

static void attrs_finish(struct dot_attrs *attrs)
{
	attrs_cut(attrs, 0);
	free(attrs->items);
}

const struct dot_attr *dot_attrs_find(const struct dot_attrs *attrs, const char *key)
{
	for (int i = attrs->n_items - 1; i >= 0; i--) {
		if (strcmp(attrs->items[i].key, key) == 0)
			return &attrs->items[i];
	}
	return NULL;
}

static uint32_t hash(const char *text)
{
	uint32_t value = 2166136261u;
	for (; *text; text++)
		value = (value ^ (unsigned char)*text) * 16777619u;
	return value;
}

/* The bucket that holds `name`, or the empty one where it would go. */
static int *find_bucket(const struct dot_scan *scan, const char *name)
{
	uint32_t mask = (uint32_t)scan->n_buckets - 1;
	for (uint32_t at = hash(name) & mask;; at = (at + 1) & mask) {
		int *bucket = &scan->buckets[at];
		if (*bucket == 0 || strcmp(scan->nodes[*bucket - 1].name, name) == 0)
			return bucket;
	}
}

int dot_scan_find_node(const struct dot_scan *scan, const char *name)
{
	return scan->n_buckets ? *find_bucket(scan, name) - 1 : -1;
}

static bool grow_buckets(struct dot_scan *scan)
{
	if (scan->n_nodes * 2 < scan->n_buckets)
		return true;
	int n_buckets = scan->n_buckets ? scan->n_buckets * 2 : 64;
	int *buckets = calloc((size_t)n_buckets, sizeof(*buckets));
	if (!buckets)
		return false;
	free(scan->buckets);
	scan->buckets = buckets;
	scan->n_buckets = n_buckets;
	for (int i = 0; i < scan->n_nodes; i++)
		*find_bucket(scan, scan->nodes[i].name) = i + 1;
	return true;
}

static int add_node(struct scanner *scanner, const char *name, int line)
{
	struct dot_scan *scan = scanner->scan;
	char *copy = strdup(name);
	if (!copy || !grow_buckets(scan) || !grow_array(&scan->nodes, scan->n_nodes, sizeof(*scan->nodes))) {
		free(copy);
		fail(scanner);
		return -1;
	}
	struct dot_node *node = &scan->nodes[scan->n_nodes];
	*node = (struct dot_node){ .name = copy, .line = line };
	*find_bucket(scan, name) = ++scan->n_nodes;
	for (int i = 0; i < scanner->node_defaults.n_items; i++) {
		const struct dot_attr *attr = &scanner->node_defaults.items[i];
		attrs_add(scanner, &node->attrs, attr->key, attr->line, true);
	}
	return scan->n_nodes - 1;
}

static void add_member(struct scanner *scanner, int subgraph_idx, int node, int line)
{
	for (; subgraph_idx > DOT_SCAN_ROOT; subgraph_idx = scanner->scan->subgraphs[subgraph_idx].parent) {
		struct dot_subgraph *subgraph = &scanner->scan->subgraphs[subgraph_idx];
		if (!grow_array(&subgraph->members, subgraph->n_members, sizeof(*subgraph->members))) {
			fail(scanner);
			return;
		}
		subgraph->members[subgraph->n_members++] = (struct dot_member){ node, line };
	}
}

static void operand_add(struct scanner *scanner, struct operand *operand, int node)
{
	if (!grow_array(&operand->nodes, operand->n_nodes, sizeof(*operand->nodes)))
		fail(scanner);
	else
		operand->nodes[operand->n_nodes++] = node;
}

/* A node's mention, with its port. */
static void read_node(struct scanner *scanner, int subgraph_idx, struct operand *operand)
{
	int line = scanner->token.line;
	const char *name = take_id(scanner);
	int node = dot_scan_find_node(scanner->scan, name);
	if (node < 0)
		node = add_node(scanner, name, line);
	if (node >= 0) {
		add_member(scanner, subgraph_idx, node, line);
		operand_add(scanner, operand, node);
	}
	while (skip_char(scanner, ':')) {
		if (scanner->token.kind == DOT_ID)
			advance(scanner);
	}
}

static void read_attrs(struct scanner *scanner, struct dot_attrs *attrs)
{
	while (skip_char(scanner, '[')) {
		while (scanner->token.kind != DOT_END && !is_char(scanner, ']')) {
			if (scanner->token.kind != DOT_ID) {
				advance(scanner);
				continue;
			}
			int line = scanner->token.line;
			const char *key = take_id(scanner);
			attrs_add(scanner, attrs, key, line, false);
			if (skip_char(scanner, '=') && scanner->token.kind == DOT_ID)
				advance(scanner);
		}
		skip_char(scanner, ']');
	}
}

static int compare_members(const void *a_ptr, const void *b_ptr)
{
	const struct dot_member *a = a_ptr, *b = b_ptr;
	if (a->node != b->node)
		return a->node < b->node ? -1 : 1;
	return (a->line > b->line) - (a->line < b->line);
}

static void sort_members(struct dot_subgraph *subgraph)
{
	int n_kept = 0;
	if (subgraph->n_members)
		qsort(subgraph->members, (size_t)subgraph->n_members, sizeof(*subgraph->members), compare_members);
	for (int i = 0; i < subgraph->n_members; i++) {
		if (n_kept == 0 || subgraph->members[i].node != subgraph->members[n_kept - 1].node)
			subgraph->members[n_kept++] = subgraph->members[i];
	}
	subgraph->n_members = n_kept;
}

static void read_body(struct scanner *scanner, int subgraph_idx);

/* Subgraphs with one name inside one parent are one. */
static int open_subgraph(struct scanner *scanner, int parent, const char *name, int line)
{
	struct dot_scan *scan = scanner->scan;
	for (int i = DOT_SCAN_ROOT + 1; name && i < scan->n_subgraphs; i++) {
		const struct dot_subgraph *known = &scan->subgraphs[i];
		if (known->parent == parent && known->name && strcmp(known->name, name) == 0)
			return i;
	}
	char *copy = name ? strdup(name) : NULL;
	if ((name && !copy) || !grow_array(&scan->subgraphs, scan->n_subgraphs, sizeof(*scan->subgraphs))) {
		free(copy);
		fail(scanner);
		return -1;
	}
	scan->subgraphs[scan->n_subgraphs] = (struct dot_subgraph){
		.name = copy,
		.parent = parent,
		.line = line,
		.is_cluster = copy && parent >= 0 && strncmp(copy, "cluster", strlen("cluster")) == 0,
	};
	return scan->n_subgraphs++;
}

static void skip_body(struct scanner *scanner)
{
	int depth = 0;
	do {
		depth += is_char(scanner, '{') ? 1 : is_char(scanner, '}') ? -1 : 0;
		advance(scanner);
	} while (depth > 0 && scanner->token.kind != DOT_END);
}

static void read_subgraph(struct scanner *scanner, int parent, struct operand *operand)
{
	int line = scanner->token.line;
	const char *name = NULL;
	if (dot_token_is(&scanner->token, "subgraph")) {
		advance(scanner);
		if (scanner->token.kind == DOT_ID)
			name = take_id(scanner);
	}
	int subgraph_idx = open_subgraph(scanner, parent, name, line);
	if (!is_char(scanner, '{'))
		return;
	if (scanner->depth >= DEPTH_MAX || subgraph_idx < 0) {
		skip_body(scanner);
		return;
	}
	int n_defaults = scanner->node_defaults.n_items;
	scanner->depth++;
	read_body(scanner, subgraph_idx);
	scanner->depth--;
	attrs_cut(&scanner->node_defaults, n_defaults);
	struct dot_subgraph *subgraph = &scanner->scan->subgraphs[subgraph_idx];
	sort_members(subgraph);
	for (int i = 0; i < subgraph->n_members; i++)
		operand_add(scanner, operand, subgraph->members[i].node);
}

static struct operand read_operand(struct scanner *scanner, int subgraph_idx, bool *ret_is_subgraph)
{
	struct operand operand = { .line = scanner->token.line };
	*ret_is_subgraph = is_char(scanner, '{') || dot_token_is(&scanner->token, "subgraph");
	if (*ret_is_subgraph) {
		read_subgraph(scanner, subgraph_idx, &operand);
		return operand;
	}
	do {
		if (scanner->token.kind == DOT_ID)
			read_node(scanner, subgraph_idx, &operand);
	} while (skip_char(scanner, ','));
	return operand;
}

static void add_edges(struct scanner *scanner, const struct operand *tails, const struct operand *heads, int statement)
{
	struct dot_scan *scan = scanner->scan;
	for (int t = 0; t < tails->n_nodes; t++) {
		for (int h = 0; h < heads->n_nodes; h++) {
			if (!grow_array(&scan->edges, scan->n_edges, sizeof(*scan->edges))) {
				fail(scanner);
				return;
			}
			scan->edges[scan->n_edges++] = (struct dot_edge){
				.tail = tails->nodes[t],
				.head = heads->nodes[h],
				.line = heads->line,
				.statement = statement,
			};
		}
	}
}

static int add_statement(struct scanner *scanner)
{
	struct dot_scan *scan = scanner->scan;
	if (!grow_array(&scan->statements, scan->n_statements, sizeof(*scan->statements))) {
		fail(scanner);
		return -1;
	}
	scan->statements[scan->n_statements] = (struct dot_attrs){ 0 };
	return scan->n_statements++;
}

static void read_edge_rest(struct scanner *scanner, int subgraph_idx, struct operand *first)
{
	int statement = add_statement(scanner);
	struct operand tails = *first;
	while (statement >= 0 && scanner->token.kind == DOT_EDGE_OP) {
		bool is_subgraph;
		advance(scanner);
		struct operand heads = read_operand(scanner, subgraph_idx, &is_subgraph);
		add_edges(scanner, &tails, &heads, statement);
		free(tails.nodes);
		tails = heads;
	}
	*first = tails;
	if (statement < 0)
		return;
	struct dot_attrs attrs = { 0 };
	read_attrs(scanner, &attrs);
	scanner->scan->statements[statement] = attrs;
}

static void read_node_rest(struct scanner *scanner, const struct operand *operand, int line)
{
	struct dot_attrs attrs = { 0 };
	read_attrs(scanner, &attrs);
	for (int i = 0; i < operand->n_nodes; i++) {
		struct dot_node *node = &scanner->scan->nodes[operand->nodes[i]];
		if (!node->statement_line)
			node->statement_line = line;
		for (int k = 0; k < attrs.n_items; k++)
			attrs_add(scanner, &node->attrs, attrs.items[k].key, attrs.items[k].line, false);
	}
	attrs_finish(&attrs);
}

static void read_operand_statement(struct scanner *scanner, int subgraph_idx)
{
	bool is_subgraph;
	struct operand operand = read_operand(scanner, subgraph_idx, &is_subgraph);
	if (scanner->token.kind == DOT_EDGE_OP)
		read_edge_rest(scanner, subgraph_idx, &operand);
	else if (!is_subgraph)
		read_node_rest(scanner, &operand, operand.line);
	free(operand.nodes);
}

/* `key=value`; false when the statement starts with a node. */
static bool read_assignment(struct scanner *scanner, int subgraph_idx)
{
	struct dot_lexer ahead = scanner->lexer;
	ahead.id = (struct strbuf)STRBUF_INIT;
	struct dot_token next = dot_lex_next(&ahead);
	bool is_assignment = next.kind == DOT_CHAR && next.c == '=';
	dot_lex_finish(&ahead);
	if (!is_assignment)
		return false;
	int line = scanner->token.line;
	const char *key = take_id(scanner);
	attrs_add(scanner, &scanner->scan->subgraphs[subgraph_idx].attrs, key, line, false);
	advance(scanner);
	if (scanner->token.kind == DOT_ID)
		advance(scanner);
	return true;
}

static bool read_defaults(struct scanner *scanner, int subgraph_idx)
{
	struct dot_subgraph *subgraph = &scanner->scan->subgraphs[subgraph_idx];
	struct dot_attrs *attrs = dot_token_is(&scanner->token, "graph") ? &subgraph->attrs
		: dot_token_is(&scanner->token, "node") ? &scanner->node_defaults
		: dot_token_is(&scanner->token, "edge") ? &subgraph->edge_defaults : NULL;
	if (!attrs)
		return false;
	advance(scanner);
	read_attrs(scanner, attrs);
	return true;
}

static void read_statement(struct scanner *scanner, int subgraph_idx)
{
	if (is_char(scanner, '{') || dot_token_is(&scanner->token, "subgraph"))
		read_operand_statement(scanner, subgraph_idx);
	else if (scanner->token.kind != DOT_ID)
		advance(scanner);
	else if (!read_defaults(scanner, subgraph_idx) && !read_assignment(scanner, subgraph_idx))
		read_operand_statement(scanner, subgraph_idx);
}

static void read_body(struct scanner *scanner, int subgraph_idx)
{
	skip_char(scanner, '{');
	while (scanner->token.kind != DOT_END && !is_char(scanner, '}') && !scanner->scan->is_failed)
		read_statement(scanner, subgraph_idx);
	skip_char(scanner, '}');
}

static void read_head(struct scanner *scanner)
{
	struct dot_scan *scan = scanner->scan;
	advance(scanner);
	scan->is_strict = dot_token_is(&scanner->token, "strict");
	if (scan->is_strict)
		advance(scanner);
	scan->is_directed = dot_token_is(&scanner->token, "digraph");
	if (scan->is_directed || dot_token_is(&scanner->token, "graph")) {
		scan->line = scanner->token.line;
		advance(scanner);
	}
}

static void scanner_init(struct scanner *scanner, const char *text, struct dot_scan *scan)
{
	*scan = (struct dot_scan){ 0 };
	*scanner = (struct scanner){ .scan = scan };
	dot_lex_init(&scanner->lexer, text);
}

static int scanner_finish(struct scanner *scanner)
{
	if (scanner->lexer.id.is_failed)
		fail(scanner);
	dot_lex_finish(&scanner->lexer);
	attrs_finish(&scanner->node_defaults);
	free(scanner->name);
	return scanner->scan->is_failed ? STATUS_NO_MEMORY : STATUS_OK;
}

int dot_scan(const char *text, struct dot_scan *ret_scan)
{
	struct scanner scanner;
	scanner_init(&scanner, text, ret_scan);
	read_head(&scanner);
	if (open_subgraph(&scanner, -1, NULL, ret_scan->line) == DOT_SCAN_ROOT) {
		if (scanner.token.kind == DOT_ID)
			advance(&scanner);
		read_body(&scanner, DOT_SCAN_ROOT);
	}
	return scanner_finish(&scanner);
}

void dot_scan_finish(struct dot_scan *scan)
{
	for (int i = 0; i < scan->n_nodes; i++) {
		free(scan->nodes[i].name);
		attrs_finish(&scan->nodes[i].attrs);
	}
	for (int i = 0; i < scan->n_statements; i++)
		attrs_finish(&scan->statements[i]);
	for (int i = 0; i < scan->n_subgraphs; i++) {
		struct dot_subgraph *subgraph = &scan->subgraphs[i];
		free(subgraph->name);
		free(subgraph->members);
		attrs_finish(&subgraph->attrs);
		attrs_finish(&subgraph->edge_defaults);
	}
	free(scan->nodes);
	free(scan->edges);
	free(scan->statements);
	free(scan->subgraphs);
	free(scan->buckets);
	*scan = (struct dot_scan){ 0 };
}
