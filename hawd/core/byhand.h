/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What somebody does in libvirt, behind hawd's back, to a guest that hawd keeps: what is a wish to
 * be taken over, and what is only said. Pure.
 */
#pragma once

#include "hawd/core/event.h"

/** byhand_kept() - the guest that hawd keeps under @uuid; NULL: none, or it is to be left alone */
const struct guest *byhand_kept(const struct model *m, const char *uuid);

/**
 * byhand_redefined() - its definition was changed on the host @nodeid
 * @spec: the definition as it is now, without settings; borrowed
 * @ret: a request that takes it over, written only on 1; req.spec is the caller's reference
 * @text: TEXT_LEN bytes: what to say of it; empty: nothing
 *
 * Only what is changed where the guest runs counts: elsewhere hawd has no definition of it. Its
 * settings stay as they are.
 *
 * Return: 1, or 0 when it is not taken over.
 */
int byhand_redefined(const struct model *m, uint32_t nodeid, const struct guest_spec *spec,
                     struct request *ret, char *text);
