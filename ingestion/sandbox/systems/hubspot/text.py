"""How HubSpot writes values."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def iso(moments: pa.Array) -> pa.Array:
    """Moments as ISO text in UTC with milliseconds; many times as fast as `strftime`."""
    text = moments.cast(pa.timestamp("ms"), safe=False).cast(pa.string())
    return pc.binary_replace_slice(pc.binary_join_element_wise(text, "Z", ""), 10, 11, "T")
