/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/ctl/order.h"

#include "hawd/ctl/objects.h"

static int by_name(const void *a, const void *b) {
        const struct order_node *x = a, *y = b;

        return strcmp(x->name, y->name);
}

static struct order_node *find(struct order_node *nodes, size_t n, const char *name) {
        const struct order_node key = {.name = name};

        return bsearch(&key, nodes, n, sizeof(*nodes), by_name);
}

static bool waits(const struct order_node *node, struct order_node *nodes, size_t n) {
        const char *list = node->after;
        char name[NAME_LEN];

        while (names_next(&list, name)) {
                const struct order_node *other = find(nodes, n, name);

                if (other && other->in_circle)
                        return true;
        }
        return false;
}

static bool is_waited_for(const struct order_node *node, const struct order_node *nodes, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (nodes[i].in_circle && names_have(nodes[i].after, node->name))
                        return true;
        return false;
}

/* in_circle means "not settled yet" meanwhile: first those leave that wait for nobody who is not,
 * round by round, then those for whom nobody waits. Circles stay. */
void order_nodes(struct order_node *nodes, size_t n) {
        size_t rank = 0, left = n, before;

        for (size_t i = 0; i < n; i++) {
                nodes[i].in_circle = true;
                nodes[i].rank = SIZE_MAX;
        }
        do {
                before = left;
                for (size_t i = 0; i < n; i++)
                        if (nodes[i].in_circle && !waits(&nodes[i], nodes, n))
                                nodes[i].rank = rank;
                for (size_t i = 0; i < n; i++)
                        if (nodes[i].in_circle && nodes[i].rank == rank) {
                                nodes[i].in_circle = false;
                                left--;
                        }
                rank++;
        } while (left < before);
        do {
                before = left;
                for (size_t i = 0; i < n; i++)
                        if (nodes[i].in_circle && !is_waited_for(&nodes[i], nodes, n)) {
                                nodes[i].in_circle = false;
                                left--;
                        }
        } while (left < before);
}
