"""A PNG made by hand: three times as fast as a general encoder, which a dragged slider feels."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def encode(rgba: NDArray[np.uint8]) -> bytes:
    """An opaque picture (height × width × 3 channels or more) as PNG bytes: RGB, unfiltered, zlib
    level 1.
    """
    height, width = rgba.shape[:2]
    # each row begins with its filter type: 0, none
    rows = np.zeros((height, 1 + 3 * width), dtype=np.uint8)
    # three strided copies take a third of the time of one that drops every fourth byte
    for channel in range(3):
        rows[:, 1 + channel :: 3] = rgba[:, :, channel]
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(rows.data, 1)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
