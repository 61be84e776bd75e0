/* SPDX-License-Identifier: Apache-2.0
 *
 * attribute: the table of reserved attributes, and the table of Graphviz's own (its documentation, "Attributes", with the
 * components that each applies to: graph, subgraph, cluster, node, edge).
 */
#include "engine/graph/attribute.h"

#include <stdlib.h>
#include <string.h>

struct attribute {
	const char *name;
	unsigned places; /* enum attribute_place */
};

static const struct attribute reserved[] = {
	{ "worker", ATTRIBUTE_CLUSTER },
	{ "device", ATTRIBUTE_CLUSTER },
	{ "op", ATTRIBUTE_NODE },
	{ "order", ATTRIBUTE_NODE },
	{ "collective", ATTRIBUTE_NODE },
	{ "depth", ATTRIBUTE_NODE | ATTRIBUTE_INPUT },
	{ "arg", ATTRIBUTE_EDGE },
	{ "from", ATTRIBUTE_EDGE },
	{ "transport", ATTRIBUTE_EDGE },
	{ "control", ATTRIBUTE_EDGE },
	{ "tensors", ATTRIBUTE_INPUT },
	{ NULL, 0 },
};

static const struct {
	unsigned place;
	const char *plural;
} place_words[] = {
	{ ATTRIBUTE_GRAPH, "the graph" },
	{ ATTRIBUTE_SUBGRAPH, "subgraphs" },
	{ ATTRIBUTE_CLUSTER, "clusters" },
	{ ATTRIBUTE_NODE, "nodes" },
	{ ATTRIBUTE_EDGE, "edges" },
	{ ATTRIBUTE_INPUT, "the node 'input'" },
	{ ATTRIBUTE_OUTPUT, "the node 'output'" },
};

#define G ATTRIBUTE_GRAPH
#define S ATTRIBUTE_SUBGRAPH
#define C ATTRIBUTE_CLUSTER
#define N ATTRIBUTE_NODE
#define E ATTRIBUTE_EDGE

static const struct attribute drawing[] = {
	{ "Damping", G }, { "K", G | C }, { "URL", G | C | N | E }, { "_background", G }, { "area", N | C }, { "arrowhead", E },
	{ "arrowsize", E }, { "arrowtail", E }, { "bb", G | C }, { "beautify", G }, { "bgcolor", G | C }, { "center", G },
	{ "charset", G }, { "class", G | C | N | E }, { "cluster", C | S }, { "clusterrank", G }, { "color", C | N | E },
	{ "colorscheme", G | C | N | E }, { "comment", G | N | E }, { "compound", G }, { "concentrate", G }, { "constraint", E },
	{ "decorate", E }, { "defaultdist", G }, { "dim", G }, { "dimen", G }, { "dir", E }, { "diredgeconstraints", G },
	{ "distortion", N }, { "dpi", G }, { "edgeURL", E }, { "edgehref", E }, { "edgetarget", E }, { "edgetooltip", E },
	{ "epsilon", G }, { "esep", G }, { "fillcolor", C | N | E }, { "fixedsize", N }, { "fontcolor", G | C | N | E },
	{ "fontname", G | C | N | E }, { "fontnames", G }, { "fontpath", G }, { "fontsize", G | C | N | E }, { "forcelabels", G },
	{ "gradientangle", G | C | N }, { "group", N }, { "headURL", E }, { "head_lp", E }, { "headclip", E }, { "headhref", E },
	{ "headlabel", E }, { "headport", E }, { "headtarget", E }, { "headtooltip", E }, { "height", N },
	{ "href", G | C | N | E }, { "id", G | C | N | E }, { "image", N }, { "imagepath", G }, { "imagepos", N },
	{ "imagescale", N }, { "inputscale", G }, { "label", G | C | N | E }, { "labelURL", E }, { "label_scheme", G },
	{ "labelangle", E }, { "labeldistance", E }, { "labelfloat", E }, { "labelfontcolor", E }, { "labelfontname", E },
	{ "labelfontsize", E }, { "labelhref", E }, { "labeljust", G | C }, { "labelloc", G | C | N }, { "labeltarget", E },
	{ "labeltooltip", E }, { "landscape", G }, { "layer", C | N | E }, { "layerlistsep", G }, { "layers", G },
	{ "layerselect", G }, { "layersep", G }, { "layout", G }, { "len", E }, { "levels", G }, { "levelsgap", G },
	{ "lhead", E }, { "lheight", G | C }, { "linelength", G }, { "lp", G | C | E }, { "ltail", E }, { "lwidth", G | C },
	{ "margin", G | C | N }, { "maxiter", G }, { "mclimit", G }, { "mindist", G }, { "minlen", E }, { "mode", G },
	{ "model", G }, { "newrank", G }, { "nodesep", G }, { "nojustify", G | C | N | E }, { "normalize", G },
	{ "notranslate", G }, { "nslimit", G }, { "nslimit1", G }, { "oneblock", G }, { "ordering", G | N },
	{ "orientation", G | N }, { "outputorder", G }, { "overlap", G }, { "overlap_scaling", G }, { "overlap_shrink", G },
	{ "pack", G }, { "packmode", G }, { "pad", G }, { "page", G }, { "pagedir", G }, { "pencolor", C },
	{ "penwidth", C | N | E }, { "peripheries", C | N }, { "pin", N }, { "pos", N | E }, { "quadtree", G }, { "quantum", G },
	{ "rank", S }, { "rankdir", G }, { "ranksep", G }, { "ratio", G }, { "rects", N }, { "regular", N }, { "remincross", G },
	{ "repulsiveforce", G }, { "resolution", G }, { "root", G | N }, { "rotate", G }, { "rotation", G }, { "samehead", E },
	{ "sametail", E }, { "samplepoints", N }, { "scale", G }, { "searchsize", G }, { "sep", G }, { "shape", N },
	{ "shapefile", N }, { "showboxes", G | N | E }, { "sides", N }, { "size", G }, { "skew", N }, { "smoothing", G },
	{ "sortv", G | C | N }, { "splines", G }, { "start", G }, { "style", G | C | N | E }, { "stylesheet", G },
	{ "tailURL", E }, { "tail_lp", E }, { "tailclip", E }, { "tailhref", E }, { "taillabel", E }, { "tailport", E },
	{ "tailtarget", E }, { "tailtooltip", E }, { "target", G | C | N | E }, { "tooltip", G | C | N | E }, { "truecolor", G },
	{ "vertices", N }, { "viewport", G }, { "voro_margin", G }, { "weight", E }, { "width", N }, { "xdotversion", G },
	{ "xlabel", N | E }, { "xlp", N | E }, { "z", N }, { NULL, 0 },
};

#undef G
#undef S
#undef C
#undef N
#undef E

static unsigned places_of(const struct attribute *attributes, const char *name)
{
	for (; attributes->name; attributes++) {
		if (strcmp(attributes->name, name) == 0)
			return attributes->places;
	}
	return 0;
}

bool attribute_is_reserved(const char *name, enum attribute_place place)
{
	return (places_of(reserved, name) & place) != 0;
}

bool attribute_is_drawing(const char *name, enum attribute_place place)
{
	unsigned wanted = place;
	if (place == ATTRIBUTE_INPUT || place == ATTRIBUTE_OUTPUT)
		wanted = ATTRIBUTE_NODE;
	if (place == ATTRIBUTE_SUBGRAPH || place == ATTRIBUTE_CLUSTER)
		wanted = ATTRIBUTE_GRAPH | ATTRIBUTE_SUBGRAPH | ATTRIBUTE_CLUSTER;
	if (place == ATTRIBUTE_GRAPH)
		wanted |= ATTRIBUTE_CLUSTER;
	return (places_of(drawing, name) & wanted) != 0;
}

static const char *plural_of(unsigned places)
{
	for (size_t i = 0; i < ARRAY_LEN(place_words); i++) {
		if (place_words[i].place & places)
			return place_words[i].plural;
	}
	return "";
}

static const char *nearest_of(const char *name, enum attribute_place place, const struct op *op)
{
	size_t n = 0, n_params = 0;
	while (op && op->params && op->params[n_params].name)
		n_params++;
	const char **candidates = calloc(ARRAY_LEN(reserved) + n_params, sizeof(*candidates));
	if (!candidates)
		return NULL;
	for (size_t i = 0; i < n_params; i++)
		candidates[n++] = op->params[i].name;
	for (const struct attribute *attribute = reserved; attribute->name; attribute++) {
		if (attribute->places & place)
			candidates[n++] = attribute->name;
	}
	const char *nearest = mistakes_nearest(name, candidates);
	free(candidates);
	return nearest;
}

void attribute_complain(struct mistakes *mistakes, int line, const char *node, const char *name, enum attribute_place place,
	const struct op *op)
{
	unsigned places = places_of(reserved, name);
	const char *nearest = places ? NULL : nearest_of(name, place, op);
	if (places)
		mistakes_add(mistakes, line, node, "'%s' is an attribute of %s, not of %s", name, plural_of(places), plural_of(place));
	else if (nearest)
		mistakes_add(mistakes, line, node, "unknown attribute '%s'; did you mean '%s'?", name, nearest);
	else if (op)
		mistakes_add(mistakes, line, node, "unknown attribute '%s': op '%s' has no such parameter", name, op->name);
	else
		mistakes_add(mistakes, line, node, "unknown attribute '%s' of %s", name, plural_of(place));
}
