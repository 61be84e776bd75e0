/* SPDX-License-Identifier: Apache-2.0
 *
 * dot_reader: reading attributes from libcgraph's objects.
 */
#include "engine/graph/dot_reader.h"

#include "engine/graph/attribute.h"

bool dot_read_value(struct dot_reader *reader, void *object, struct dot_value *value, bool *ret_is_wrong)
{
	const char *raw = agget(object, (char *)value->key);
	if (!raw || !*raw)
		return false;
	struct strbuf problem = STRBUF_INIT;
	bool is_found = substitute(&reader->substitution, raw, &value->value, &problem);
	if (!is_found) {
		mistakes_add_once(reader->mistakes, value->line, value->node, strbuf_text(&problem));
		*ret_is_wrong = true;
	}
	strbuf_finish(&problem);
	return is_found;
}

void dot_note_names(struct dot_reader *reader, void *object, int kind)
{
	struct strbuf value = STRBUF_INIT, problem = STRBUF_INIT;
	for (Agsym_t *sym = NULL; (sym = agnxtattr(reader->root, kind, sym));)
		substitute(&reader->substitution, agxget(object, sym), &value, &problem);
	strbuf_finish(&value);
	strbuf_finish(&problem);
}

int dot_attr_line(const struct dot_attrs *attrs, const char *key, int fallback)
{
	const struct dot_attr *attr = dot_attrs_find(attrs, key);
	return attr ? attr->line : fallback;
}

char *dot_take_text(struct dot_reader *reader, struct strbuf *buf)
{
	char *text = strbuf_take(buf);
	if (!text)
		reader->is_failed = true;
	return text;
}

static void check_attrs(struct dot_reader *reader, const struct dot_attrs *attrs, enum attribute_place place)
{
	for (int i = 0; i < attrs->n_items; i++) {
		const struct dot_attr *attr = &attrs->items[i];
		if (!attribute_is_reserved(attr->key, place) && !attribute_is_drawing(attr->key, place))
			attribute_complain(reader->mistakes, attr->line, NULL, attr->key, place, NULL);
	}
}

static enum attribute_place subgraph_place(const struct dot_scan *scan, int subgraph_idx)
{
	if (subgraph_idx == DOT_SCAN_ROOT)
		return ATTRIBUTE_GRAPH;
	return scan->subgraphs[subgraph_idx].is_cluster ? ATTRIBUTE_CLUSTER : ATTRIBUTE_SUBGRAPH;
}

void dot_read_keys(struct dot_reader *reader)
{
	const struct dot_scan *scan = &reader->scan;
	for (int i = 0; i < scan->n_subgraphs; i++) {
		check_attrs(reader, &scan->subgraphs[i].attrs, subgraph_place(scan, i));
		check_attrs(reader, &scan->subgraphs[i].edge_defaults, ATTRIBUTE_EDGE);
	}
	for (int i = 0; i < scan->n_statements; i++)
		check_attrs(reader, &scan->statements[i], ATTRIBUTE_EDGE);
}
