"""Logos for heads of boards: whatever was uploaded is drawn anew as a small PNG, and only that is kept.

So nothing hides in the file: no script, no place where a photograph was taken, no picture that fills the
memory of an old screen. SVG is refused, because it is a program rather than a picture.
"""

from __future__ import annotations

import hashlib
import io
from uuid import UUID

from PIL import Image, UnidentifiedImageError
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from clinic_web.kernel import clock, ids
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, RuleBroken
from clinic_web.reception.models import BoardLogo

LARGEST_FILE = 500_000  # bytes, as uploaded
MOST_PIXELS = 16_000_000  # a picture unpacks to four bytes for each
SMALLEST_SIDE = 16  # pixels
KEPT_WITHIN = (1200, 240)  # pixels; the head of a 4K screen is 173 high
KINDS = ("PNG", "JPEG", "WEBP")

NOT_A_PICTURE = N_("This file is not a picture that we can use. Choose a PNG, JPEG or WebP.")


def keep(actor: Actor, uploaded: bytes) -> UUID:
    """Keep a logo for the actor's organization and return its id; the same picture is kept once.

    Raises RuleBroken (422, field ``logo``) for a file that is too large or no picture.
    """
    image, (width, height) = redraw(uploaded)
    row = {
        "id": ids.new_id(),
        "organization_id": actor.organization_id,
        "digest": hashlib.sha256(image).hexdigest(),
        "image": image,
        "width": width,
        "height": height,
        "created_at": clock.now(),
        "created_by": actor.user_id,
    }
    db.session.execute(insert(BoardLogo).values(row).on_conflict_do_nothing())
    mine = select(BoardLogo.id).filter_by(organization_id=actor.organization_id, digest=row["digest"])
    return db.session.execute(mine).scalar_one()


def redraw(uploaded: bytes) -> tuple[bytes, tuple[int, int]]:
    """Return the picture as a PNG of our own and its size in pixels. Raises RuleBroken (422)."""
    if len(uploaded) > LARGEST_FILE:
        raise _refused(N_("This file is too large. A logo has at most 500 kB."))
    try:
        with Image.open(io.BytesIO(uploaded), formats=KINDS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise _refused(N_("This picture is too large. A logo has at most 4000 by 4000 pixels."))
            if min(picture.size) < SMALLEST_SIDE:
                raise _refused(N_("This picture is too small to be seen on a wall."))
            drawn = picture.convert("RGBA")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise _refused(NOT_A_PICTURE) from error
    drawn.thumbnail(KEPT_WITHIN, Image.Resampling.LANCZOS)
    clean = Image.new("RGBA", drawn.size)
    clean.paste(drawn)
    out = io.BytesIO()
    clean.save(out, "PNG", optimize=True)
    return out.getvalue(), clean.size


def _refused(sentence: str) -> RuleBroken:
    return RuleBroken(sentence, field="logo")


def image_of(digest: str) -> bytes | None:
    """Return a logo's PNG by the hash of its bytes, which nobody can guess who has not seen it."""
    return db.session.scalar(select(func.reception.logo(digest)))
