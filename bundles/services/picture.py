"""A bundle's picture: whatever was uploaded is drawn anew, small, without what else it carried."""

from __future__ import annotations

import io
import secrets
from typing import BinaryIO

from django.core.files.base import ContentFile
from PIL import Image, ImageOps, UnidentifiedImageError

from accounts.models import User
from bundles.errors import InvalidPicture
from bundles.models import Bundle
from bundles.services.offer import own_bundle
from common.transactions import retried

BYTES_MAX = 5_000_000
PIXELS_MAX = 40_000_000  # a small file may unfold to gigabytes
SIZE = (640, 360)
FORMATS = ("JPEG", "PNG", "WEBP")


def set_picture(*, person: User, bundle_id: int, upload: BinaryIO) -> Bundle:
    """Draw the upload into an own bundle's frame. Raises InvalidPicture and BundleNotFound."""
    bundle = own_bundle(person, bundle_id)
    earlier = bundle.picture.name
    name = bundle.picture.storage.save(
        f"{bundle.picture.field.upload_to}{secrets.token_hex(12)}.webp", ContentFile(_drawn(upload))
    )
    _keep(bundle.pk, name)
    if earlier:
        bundle.picture.storage.delete(earlier)
    bundle.refresh_from_db()
    return bundle


@retried
def _keep(bundle_id: int, name: str) -> None:
    Bundle.objects.filter(pk=bundle_id).update(picture=name)


def _drawn(upload: BinaryIO) -> bytes:
    data = upload.read(BYTES_MAX + 1)
    if len(data) > BYTES_MAX:
        raise InvalidPicture("The picture may have 5 MB at most.")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            if opened.width * opened.height > PIXELS_MAX:
                raise InvalidPicture("The picture has too many pixels.")
            upright = ImageOps.exif_transpose(opened).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise InvalidPicture("Send a picture as JPEG, PNG or WebP.") from error
    drawn = io.BytesIO()
    ImageOps.fit(upright, SIZE).save(drawn, "WEBP", quality=80)
    return drawn.getvalue()
