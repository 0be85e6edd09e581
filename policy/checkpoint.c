/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/checkpoint.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>

static bool is_positive(double v) {
        return isfinite(v) && v > 0;
}

static int finite_only(double v, double *ret) {
        if (!is_positive(v))
                return -EINVAL;
        *ret = v;
        return 0;
}

int checkpoint_young(double cost, double mtbf, double *ret) {
        if (!is_positive(cost) || !is_positive(mtbf))
                return -EINVAL;
        return finite_only(sqrt(2 * cost * mtbf), ret);
}

int checkpoint_daly(double cost, double mtbf, double *ret) {
        double share;

        if (!is_positive(cost) || !is_positive(mtbf))
                return -EINVAL;
        if (cost >= 2 * mtbf)
                return finite_only(mtbf, ret);
        share = cost / (2 * mtbf);
        return finite_only(sqrt(2 * cost * mtbf) * (1 + sqrt(share) / 3 + share / 9) - cost, ret);
}
