"""Names of the rules by which a decoded token's tokens are selected; `golden.kv.rules` has the rules."""

RULES = ("scan", "resv", "pages", "topk", "full")
IN_FLOAT = ("topk", "full")  # of keys and values that are not quantised
