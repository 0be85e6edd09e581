/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How often to save the state of what fails now and then. Pure.
 * Sources: Young 1974, Daly 2006.
 */
#pragma once

/**
 * checkpoint_young(), checkpoint_daly() - the interval between two checkpoints that loses least
 * time
 * @cost: what one checkpoint costs, > 0, in the unit of @mtbf
 * @mtbf: mean up time between failures, > 0
 * @ret:  written only on 0, same unit
 *
 * Young: sqrt(2dM), an approximation for d far below M. Daly: sqrt(2dM)(1 + sqrt(d/2M)/3 +
 * (d/2M)/9) - d where d < 2M, else M.
 *
 * Return: 0, -EINVAL for what is not positive and finite.
 */
int checkpoint_young(double cost, double mtbf, double *ret);
int checkpoint_daly(double cost, double mtbf, double *ret);
