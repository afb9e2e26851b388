"""Opens files as plain bytes, whatever they are compressed with."""

import gzip

import pyarrow

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def content(path):
    """The bytes of the file, decompressed by its magic number, all members and frames of it."""
    with open(path, "rb") as file:
        whole = file.read()
    if whole.startswith(GZIP_MAGIC):
        return gzip.decompress(whole)
    if whole.startswith(ZSTD_MAGIC):
        return unframe(whole)
    return whole


def unframe(whole):
    """Decompresses zstd frames that stand one behind the other."""
    stream = pyarrow.CompressedInputStream(pyarrow.BufferReader(whole), "zstd")
    return stream.read()
