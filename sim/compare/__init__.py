"""The comparison: rows of cycles, clocks and costs beside measured, modelled and published figures; and its page."""
