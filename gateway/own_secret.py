"""A secret that an operator chose as the administrator's key. Pure."""

LONGEST = 200
_SHORTEST, _DIFFERENT = 32, 8


def fault_of_secret(secret: str) -> str | None:
    """Why it can't be a key, as the end of a sentence; None when it can."""
    if not _SHORTEST <= len(secret) <= LONGEST:
        return f"needs {_SHORTEST} to {LONGEST} characters"
    if not all("!" <= character <= "~" for character in secret):
        return "takes letters, digits and signs of ASCII only, without blanks"
    if len(set(secret)) < _DIFFERENT:
        return f"needs {_DIFFERENT} different characters or more"
    return None
