"""A PNG encoder for opaque pictures: three times as fast as a general one, since a slider that is
being moved shows ten pictures per second.

The format: https://www.w3.org/TR/png-3/
"""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def encode(rgba: NDArray[np.uint8]) -> bytes:
    """Return a picture (height × width × 3 channels or more) as PNG bytes: RGB, without filters."""
    height, width = rgba.shape[:2]
    # Each row begins with the type of its filter: 0 is none. Filters make files smaller and take
    # most of an encoder's time; charts are large areas of one colour, small without them.
    rows = np.zeros((height, 1 + 3 * width), dtype=np.uint8)
    # Three strided copies take a third of the time of one that drops every fourth byte.
    for channel in range(3):
        rows[:, 1 + channel :: 3] = rgba[:, :, channel]
    # 8 bits per channel, colour type 2 (RGB); then standard compression, filters, no interlacing.
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(rows.data, 1)  # level 1, the fastest
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    # Length of the data, kind, data, checksum of kind and data.
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
