"""What an operation is called in Chinese: it stands beside the English in the route itself.

    @router.post("/keys", summary="Create a key", openapi_extra=chinese("创建密钥", "密钥只在这次应答中出现。"))

The gateway makes a document in each language of it (`gateway/docs/languages.py`); a test asks every operation for both.
"""

WORD = "x-zh"
"""Where the Chinese stands in a part's own document."""


def chinese(summary: str, description: str = "") -> dict[str, dict[str, str]]:
    """`openapi_extra` of a route. `description` says what the docstring says, with the same codes in backticks."""
    return {WORD: {"summary": summary} | ({"description": description} if description else {})}
